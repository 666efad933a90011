/**
 * What happens under one IKE SA: Quick Modes of either side, informational exchanges, dead peer detection.
 * RFC 2409 §5.5 and §5.7, RFC 3706. What follows from it, for a tunnel that outlives IKE SAs, is told in events.
 */
import type { Failure } from '../errors.ts';
import { ExchangeType, HeaderFlag, NotifyType } from '../isakmp/numbers.ts';
import type { Payload } from '../isakmp/payload.ts';
import type { Bytes, Millis } from '../wire/bytes.ts';
import { DecodeError, ProtocolError } from '../wire/errors.ts';
import { earliest } from '../wire/machine.ts';
import type { IkeContext } from './context.ts';
import { DeadPeerDetection } from './dpd.ts';
import { foreignChoice, notificationFailure } from './failures.ts';
import type { IkeSa } from './ike-sa.ts';
import type { InboundSpis } from './inbound-spis.ts';
import {
  deleteChildren,
  deleteIke,
  livenessNotification,
  type Notice,
  openInformational,
  refusal,
  sealInformational,
} from './informational.ts';
import { MessageIds } from './message-ids.ts';
import {
  type QuickMode,
  type QuickModeArrival,
  type QuickModeResult,
  spiNumber,
} from './quick-mode.ts';
import { QuickModeInitiator, type QuickModeVariant } from './quick-mode-initiator.ts';
import { QuickModeResponder } from './quick-mode-responder.ts';

/** Most Quick Modes kept, with the finished ones that still answer duplicates. */
const MAX_EXCHANGES = 16;

export type Phase2Event =
  /** Something that only the peer can have sent, and that is new. */
  | { readonly kind: 'heard' }
  | QuickModeResult
  /** A Quick Mode of the peer's came to nothing, whose inbound SA had been announced. */
  | { readonly kind: 'abandoned'; readonly spi: number }
  /** Ours came to nothing. */
  | { readonly kind: 'failed'; readonly failure: Failure; readonly refused: Refused }
  /** The peer deleted the child SA with this SPI, in whatever direction. */
  | { readonly kind: 'child-deleted'; readonly spi: number }
  | { readonly kind: 'ike-deleted' };

/** What the peer said it would have nothing of: all that was offered, or a payload that it does not know. */
type Refused = 'offer' | 'payload' | undefined;

const REFUSED: Readonly<Record<number, Refused>> = {
  [NotifyType['NO-PROPOSAL-CHOSEN']]: 'offer',
  [NotifyType['INVALID-PAYLOAD-TYPE']]: 'payload',
};

const HEARD: Phase2Event = { kind: 'heard' };

export class Phase2 {
  readonly sa: IkeSa;
  readonly #context: IkeContext;
  readonly #spis: InboundSpis;
  readonly #dpd: DeadPeerDetection | undefined;
  /** Of informational exchanges, and of Quick Modes that the peer began. */
  readonly #seen = new MessageIds();
  readonly #answered = new MessageIds();
  /** By message id, in order of their beginning. */
  readonly #exchanges = new Map<number, QuickMode>();

  constructor(context: IkeContext, sa: IkeSa, spis: InboundSpis, now: Millis) {
    const { timers, random } = context.config;
    this.#context = context;
    this.sa = sa;
    this.#spis = spis;
    this.#dpd = sa.parameters.dpd ? new DeadPeerDetection(timers, random, now) : undefined;
  }

  get deadline(): Millis | undefined {
    return earliest(...[...this.#exchanges.values()].map(({ deadline }) => deadline));
  }

  /** When `watch` is due: only of use while this is the IKE SA that is asked. */
  get watchDeadline(): Millis | undefined {
    return this.#dpd?.deadline;
  }

  /** Whether a Quick Mode of ours is under way. */
  get isNegotiating(): boolean {
    return this.#ownExchange() !== undefined;
  }

  /** Whether one more exchange fits, after the oldest finished one has made way for it. */
  makeRoom(): boolean {
    if (this.#exchanges.size < MAX_EXCHANGES) return true;
    for (const exchange of this.#exchanges.values()) {
      if (exchange.finished) return this.#exchanges.delete(exchange.messageId);
    }
    return false;
  }

  /** Begins a Quick Mode, for which there is room; `spi` is that of the inbound SA, 4 bytes. */
  negotiate(spi: Bytes, variant: QuickModeVariant, now: Millis): void {
    const exchange = new QuickModeInitiator(this.#context, this.sa, spi, variant, now);
    this.#exchanges.set(exchange.messageId, exchange);
  }

  /** An encrypted message under this SA. Throws `DecodeError`. */
  receive(arrival: QuickModeArrival, now: Millis): readonly Phase2Event[] {
    const { header } = arrival.message;
    if (header.messageId === 0) throw new DecodeError('no message id');
    if ((header.flags & HeaderFlag.encryption) === 0) throw new DecodeError('not encrypted');
    switch (header.exchangeType) {
      case ExchangeType.quickMode:
        return this.#receiveQuickMode(arrival, now);
      case ExchangeType.informational:
        return this.#receiveInformational(arrival);
      default:
        throw new DecodeError('unexpected exchange type');
    }
  }

  timeout(now: Millis): readonly Phase2Event[] {
    const events: Phase2Event[] = [];
    for (const exchange of [...this.#exchanges.values()]) {
      if (exchange.timeout(now)) continue;
      this.#context.trace('quick-mode-unanswered', exchange.initiatedBy);
      const detail = 'no answer to Quick Mode';
      events.push(...this.#end(exchange, { code: 'IKE_QUICK_MODE_FAILED', detail }));
    }
    return events;
  }

  /** The peer lives: it was heard under whatever SA, or by ESP. */
  heard(now: Millis): void {
    this.#dpd?.heard(now);
  }

  /** Asks whether the peer lives, where that is due; answers whether it does not. */
  watch(now: Millis): boolean {
    const due = this.#dpd?.timeout(now);
    if (due === 'dead') return true;
    if (due !== undefined) this.#send(livenessNotification(this.sa, 'R-U-THERE', due));
    return false;
  }

  /** Asks at once, unless a question is open. */
  ask(now: Millis): void {
    const sequence = this.#dpd?.probe(now);
    if (sequence !== undefined) this.#send(livenessNotification(this.sa, 'R-U-THERE', sequence));
  }

  /** Tells the peer that child SAs are gone; by inbound SPI. */
  sendDeletes(spis: readonly number[]): void {
    if (spis.length > 0) this.#send(deleteChildren(spis));
  }

  /** Tells the peer that this IKE SA is gone: nothing may follow under it. */
  sendGoodbye(): void {
    this.#send(deleteIke(this.sa));
  }

  /** What was under way and will not be finished, as this IKE SA is gone. */
  abandon(): readonly Phase2Event[] {
    const failure: Failure = { code: 'IKE_QUICK_MODE_FAILED', detail: 'the IKE SA is gone' };
    return [...this.#exchanges.values()].flatMap((each) =>
      each.finished ? [] : this.#end(each, failure),
    );
  }

  #receiveQuickMode(arrival: QuickModeArrival, now: Millis): readonly Phase2Event[] {
    const { messageId } = arrival.message.header;
    const known = this.#exchanges.get(messageId);
    try {
      if (known === undefined) return this.#answer(arrival, now);
      const result = known.receive(arrival, now);
      return result === undefined ? [] : [HEARD, result];
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#context.trace('refused', error.message);
      this.#send(refusal(error.wireCode));
      if (known === undefined) return [];
      return this.#end(known, foreignChoice(this.#context.config, 'quick-mode'));
    }
  }

  #answer(arrival: QuickModeArrival, now: Millis): readonly Phase2Event[] {
    // Message 1 of an exchange that was forgotten is authentic still: somebody sends it again.
    if (this.#answered.has(arrival.message.header.messageId)) throw new DecodeError('replayed');
    if (!this.makeRoom()) throw new DecodeError('too many exchanges');
    const exchange = new QuickModeResponder(this.#context, this.sa, this.#spis, arrival, now);
    this.#exchanges.set(exchange.messageId, exchange);
    this.#answered.add(exchange.messageId);
    return [HEARD];
  }

  #receiveInformational({ message }: QuickModeArrival): readonly Phase2Event[] {
    const notices = openInformational(this.sa, message);
    if (notices === undefined) throw new DecodeError('HASH of a notification is wrong');
    const { messageId } = message.header;
    const replayed = this.#seen.has(messageId);
    this.#seen.add(messageId);
    return notices.flatMap((notice) => this.#obey(notice, replayed));
  }

  /** A replayed question is answered, since the answer may have been lost; nothing else of a replay counts. */
  #obey(notice: Notice, replayed: boolean): readonly Phase2Event[] {
    if (notice.kind === 'are-you-there') {
      this.#send(livenessNotification(this.sa, 'R-U-THERE-ACK', notice.sequence));
      return !replayed && this.#dpd?.asks(notice.sequence) === true ? [HEARD] : [];
    }
    if (replayed) return [];
    switch (notice.kind) {
      case 'acknowledged':
        return this.#dpd?.acknowledges(notice.sequence) === true ? [HEARD] : [];
      case 'error':
        return this.#refused(notice.notifyType);
      case 'child-deleted':
      case 'ike-deleted':
        return [notice];
    }
  }

  /** An authentic error: the end of our Quick Mode, if one is under way. */
  #refused(notifyType: number): readonly Phase2Event[] {
    const failure = notificationFailure(this.#context.config, 'quick-mode', notifyType);
    this.#context.trace('error-notification', failure.detail);
    const own = this.#ownExchange();
    if (own === undefined) return [];
    return this.#end(own, failure, REFUSED[notifyType]);
  }

  /** An exchange came to nothing; the SPI of a finished one is its child's. */
  #end(exchange: QuickMode, failure: Failure, refused?: Refused): readonly Phase2Event[] {
    this.#exchanges.delete(exchange.messageId);
    if (exchange.finished) return [];
    const spi = spiNumber(exchange.spi);
    this.#spis.release(spi);
    if (exchange.initiatedBy === 'peer') return [{ kind: 'abandoned', spi }];
    return [{ kind: 'failed', failure, refused }];
  }

  #ownExchange(): QuickMode | undefined {
    return [...this.#exchanges.values()].find(
      ({ initiatedBy, finished }) => initiatedBy === 'us' && !finished,
    );
  }

  #send(...payloads: readonly Payload[]): void {
    const { random } = this.#context.config;
    this.#context.transmit(this.sa.channel, sealInformational(this.sa, random, payloads));
  }
}
