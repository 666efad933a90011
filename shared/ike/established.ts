/**
 * An IKE SA that stands: Quick Modes of either side, informational exchanges, the child SAs and dead peer detection.
 * RFC 2409 §5.5 and §5.7, RFC 3706. Left out: rekeying the IKE SA itself, and ending it with its lifetime.
 */
import type { Failure } from '../errors.ts';
import { ExchangeType, HeaderFlag } from '../isakmp/numbers.ts';
import type { Payload } from '../isakmp/payload.ts';
import type { Millis } from '../wire/bytes.ts';
import { DecodeError, ProtocolError } from '../wire/errors.ts';
import { earliest } from '../wire/machine.ts';
import { Children } from './children.ts';
import type { IkeContext } from './context.ts';
import { DeadPeerDetection } from './dpd.ts';
import { foreignChoice, notificationFailure } from './failures.ts';
import type { IkeSa } from './ike-sa.ts';
import { InboundSpis } from './inbound-spis.ts';
import {
  deleteChildren,
  deleteIke,
  livenessNotification,
  type Notice,
  openInformational,
  refusal,
  sealInformational,
} from './informational.ts';
import type { ChildEstablished } from './io.ts';
import { MessageIds } from './message-ids.ts';
import { type QuickMode, type QuickModeArrival, spiNumber } from './quick-mode.ts';
import { QuickModeInitiator } from './quick-mode-initiator.ts';
import { QuickModeResponder } from './quick-mode-responder.ts';

/** Most Quick Modes kept, with the finished ones that still answer duplicates. */
const MAX_EXCHANGES = 16;

export class Established {
  readonly sa: IkeSa;
  readonly #context: IkeContext;
  readonly #children = new Children();
  readonly #dpd: DeadPeerDetection | undefined;
  readonly #spis: InboundSpis;
  /** Of informational exchanges, and of Quick Modes that the peer began. */
  readonly #seen = new MessageIds();
  readonly #answered = new MessageIds();
  /** By message id, in order of their beginning. */
  readonly #exchanges = new Map<number, QuickMode>();
  #hadChild = false;
  /** Whether a Quick Mode of ours begins as soon as there is an SPI. */
  #awaitsSpi = false;

  constructor(context: IkeContext, sa: IkeSa, now: Millis) {
    const { timers, random, claimsSpis = false } = context.config;
    this.#context = context;
    this.sa = sa;
    this.#dpd = sa.parameters.dpd ? new DeadPeerDetection(timers, random, now) : undefined;
    // In UDP it is the ports that tell sessions apart.
    this.#spis = new InboundSpis(context, claimsSpis && sa.parameters.dialect === undefined);
  }

  /** Whether a child SA ever stood: until then a failed Quick Mode is the end. */
  get hadChild(): boolean {
    return this.#hadChild;
  }

  get deadline(): Millis | undefined {
    const exchanges = [...this.#exchanges.values()].map(({ deadline }) => deadline);
    return earliest(
      this.#dpd?.deadline,
      this.#children.deadline,
      this.#spis.deadline,
      ...exchanges,
    );
  }

  /** Begins a Quick Mode of ours, unless one is under way. One that finds no room counts as failed. */
  startQuickMode(now: Millis): void {
    if (this.#ownExchange() !== undefined || this.#awaitsSpi) return;
    if (!this.#makeRoom()) {
      const detail = 'too many exchanges of the gateway are under way';
      this.#quickModeFailed({ code: 'IKE_QUICK_MODE_FAILED', detail });
      return;
    }
    const spi = this.#spis.take(now);
    if (spi === undefined) {
      this.#awaitsSpi = true;
      return;
    }
    const exchange = new QuickModeInitiator(this.#context, this.sa, spi, now);
    this.#exchanges.set(exchange.messageId, exchange);
  }

  /** A claim was granted: the Quick Mode that waited for it begins. */
  spiClaimed(spi: number, now: Millis): void {
    if (!this.#spis.claimed(spi) || !this.#awaitsSpi) return;
    this.#awaitsSpi = false;
    this.startQuickMode(now);
  }

  /** A claim was refused. Answers the failure that ends everything. */
  spiRefused(spi: number, again: boolean, now: Millis): Failure | undefined {
    return this.#spis.refused(spi, again, now) ? this.#noSpi() : undefined;
  }

  /** Gives back every SPI that was claimed: the end. */
  releaseSpis(): void {
    this.#spis.releaseAll();
  }

  /** An encrypted message under this SA. Answers the failure that ends everything. Throws `DecodeError`. */
  receive(arrival: QuickModeArrival, now: Millis): Failure | undefined {
    const { header } = arrival.message;
    if (header.messageId === 0) throw new DecodeError('no message id');
    if ((header.flags & HeaderFlag.encryption) === 0) throw new DecodeError('not encrypted');
    switch (header.exchangeType) {
      case ExchangeType.quickMode:
        return this.#receiveQuickMode(arrival, now);
      case ExchangeType.informational:
        return this.#receiveInformational(arrival, now);
      default:
        throw new DecodeError('unexpected exchange type');
    }
  }

  timeout(now: Millis): Failure | undefined {
    for (const spi of this.#children.expire(now)) this.#dropChild(spi, 'child-expired');
    for (const exchange of [...this.#exchanges.values()]) {
      if (exchange.timeout(now)) continue;
      this.#forget(exchange);
      this.#context.trace('quick-mode-unanswered', exchange.initiatedBy);
      if (exchange.initiatedBy === 'peer') continue;
      const failure = this.#quickModeFailed(this.#context.suspicion ?? this.silence);
      if (failure !== undefined) return failure;
    }
    const spiFailure = this.#spis.timeout(now) ? this.#noSpi() : undefined;
    if (spiFailure !== undefined) return spiFailure;
    const due = this.#dpd?.timeout(now);
    if (due === 'dead') return { code: 'IKE_DEAD_PEER' };
    if (due !== undefined) this.#send(livenessNotification(this.sa, 'R-U-THERE', due));
    return undefined;
  }

  /** What silence means before the first child SA. */
  get silence(): Failure {
    return { code: 'IKE_QUICK_MODE_FAILED', detail: 'no answer to Quick Mode' };
  }

  /** What an unauthenticated error notification would mean; `undefined` once a child SA stood. */
  notification(notifyType: number): Failure | undefined {
    if (this.#hadChild) return undefined;
    return notificationFailure(this.#context.config, 'quick-mode', notifyType);
  }

  alive(now: Millis): void {
    this.#dpd?.heard(now);
  }

  /** An ICMP error: forged perhaps, so the peer is asked. */
  unreachable(now: Millis): void {
    const sequence = this.#dpd?.probe(now);
    if (sequence !== undefined) this.#send(livenessNotification(this.sa, 'R-U-THERE', sequence));
  }

  /**
   * Tells the peer that everything is over: the children first, since their Deletes need the IKE SA, and the IKE SA
   * at once after them, before a gateway that wants a child back can begin.
   */
  sayGoodbye(): void {
    const spis = this.#children.inboundSpis;
    if (spis.length > 0) this.#send(deleteChildren(spis));
    this.#send(deleteIke(this.sa));
  }

  #receiveQuickMode(arrival: QuickModeArrival, now: Millis): Failure | undefined {
    const { messageId } = arrival.message.header;
    const known = this.#exchanges.get(messageId);
    try {
      if (known === undefined) this.#answerQuickMode(arrival, now);
      else this.#finishQuickMode(known.receive(arrival, now), now);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#context.trace('refused', error.message);
      this.#send(refusal(error.wireCode));
      if (known !== undefined) this.#forget(known);
      if (known?.initiatedBy !== 'us') return undefined;
      return this.#quickModeFailed(foreignChoice(this.#context.config, 'quick-mode'));
    }
    return undefined;
  }

  #answerQuickMode(arrival: QuickModeArrival, now: Millis): void {
    // Message 1 of an exchange that was forgotten is authentic still: somebody sends it again.
    if (this.#answered.has(arrival.message.header.messageId)) throw new DecodeError('replayed');
    if (!this.#makeRoom()) throw new DecodeError('too many exchanges');
    const exchange = new QuickModeResponder(this.#context, this.sa, this.#spis, arrival, now);
    this.#exchanges.set(exchange.messageId, exchange);
    this.#answered.add(exchange.messageId);
    this.#dpd?.heard(now);
  }

  #finishQuickMode(child: ChildEstablished | undefined, now: Millis): void {
    if (child === undefined) return;
    this.#dpd?.heard(now);
    this.#hadChild = true;
    this.#context.clearSuspicion();
    for (const spi of this.#children.add(child, now)) this.#dropChild(spi, 'too-many-children');
    this.#context.emit(child);
  }

  #receiveInformational({ message }: QuickModeArrival, now: Millis): Failure | undefined {
    const notices = openInformational(this.sa, message);
    if (notices === undefined) throw new DecodeError('HASH of a notification is wrong');
    const { messageId } = message.header;
    const replayed = this.#seen.has(messageId);
    this.#seen.add(messageId);
    for (const notice of notices) {
      const failure = this.#obey(notice, replayed, now);
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  /** A replayed question is answered, since the answer may have been lost; nothing else of a replay counts. */
  #obey(notice: Notice, replayed: boolean, now: Millis): Failure | undefined {
    if (notice.kind === 'are-you-there') {
      if (!replayed && (this.#dpd?.asks(notice.sequence) ?? false)) this.#dpd?.heard(now);
      this.#send(livenessNotification(this.sa, 'R-U-THERE-ACK', notice.sequence));
      return undefined;
    }
    if (replayed) return undefined;
    switch (notice.kind) {
      case 'acknowledged':
        if (this.#dpd?.acknowledges(notice.sequence)) this.#dpd.heard(now);
        return undefined;
      case 'error':
        return this.#refused(notice.notifyType);
      case 'ike-deleted':
        return { code: 'IKE_CLOSED_BY_PEER' };
      case 'child-deleted': {
        const spi = this.#children.remove(notice.spi);
        if (spi !== undefined) this.#childGone(spi);
        return undefined;
      }
    }
  }

  /** An authentic error: the end of our Quick Mode, if one is under way. */
  #refused(notifyType: number): Failure | undefined {
    const failure = notificationFailure(this.#context.config, 'quick-mode', notifyType);
    this.#context.trace('error-notification', failure.detail);
    const own = this.#ownExchange();
    if (own === undefined) return undefined;
    this.#forget(own);
    return this.#quickModeFailed(failure);
  }

  /** No SPI can be had: our Quick Mode that waited for one has failed. */
  #noSpi(): Failure | undefined {
    if (!this.#awaitsSpi) return undefined;
    this.#awaitsSpi = false;
    const detail = 'the relay granted no SPI for raw ESP';
    const failure = this.#quickModeFailed({ code: 'IKE_QUICK_MODE_FAILED', detail });
    // The peer has done nothing wrong, and may be asked for another IKE SA at once.
    if (failure !== undefined) this.sayGoodbye();
    return failure;
  }

  /** An exchange that came to nothing; the SPI of a finished one is its child's. */
  #forget(exchange: QuickMode): void {
    this.#exchanges.delete(exchange.messageId);
    if (!exchange.finished) this.#spis.release(spiNumber(exchange.spi));
  }

  /** The first Quick Mode's failure is the machine's; a later one leaves standing what stands. */
  #quickModeFailed(failure: Failure): Failure | undefined {
    if (!this.#hadChild) return failure;
    this.#context.clearSuspicion();
    this.#context.emit({ kind: 'rekey-failed', failure });
    return undefined;
  }

  #dropChild(spi: number, event: string): void {
    this.#context.trace(event);
    this.#send(deleteChildren([spi]));
    this.#childGone(spi);
  }

  #childGone(spi: number): void {
    this.#context.emit({ kind: 'child-deleted', spi });
    this.#spis.release(spi);
  }

  #ownExchange(): QuickMode | undefined {
    return [...this.#exchanges.values()].find(
      ({ initiatedBy, finished }) => initiatedBy === 'us' && !finished,
    );
  }

  /** Whether one more exchange fits, after the oldest finished one has made way for it. */
  #makeRoom(): boolean {
    if (this.#exchanges.size < MAX_EXCHANGES) return true;
    for (const exchange of this.#exchanges.values()) {
      if (exchange.finished) return this.#exchanges.delete(exchange.messageId);
    }
    return false;
  }

  #send(...payloads: readonly Payload[]): void {
    const { random } = this.#context.config;
    this.#context.transmit(this.sa.channel, sealInformational(this.sa, random, payloads));
  }
}
