/**
 * The IKEv1 machine: one peer, one IKE SA by main mode with a pre-shared key or signatures, the child SAs under it.
 * RFC 2407, 2408, 2409, 3706, 3947. Left out: aggressive mode, XAUTH and mode configuration,
 * fragmentation, perfect forward secrecy, rekeying the IKE SA.
 */
import type { Failure } from '../errors.ts';
import { decodeClearBody, decodeMessage, encodeClearMessage } from '../isakmp/message.ts';
import { ExchangeType, HeaderFlag } from '../isakmp/numbers.ts';
import { constantTimeEqual, type Millis } from '../wire/bytes.ts';
import { DecodeError, ProtocolError } from '../wire/errors.ts';
import { earliest, type Machine } from '../wire/machine.ts';
import { type IkeConfig, settleConfig } from './config.ts';
import { IkeContext } from './context.ts';
import { describeCredentials } from './credentials.ts';
import { Established } from './established.ts';
import { IkeSa } from './ike-sa.ts';
import {
  deleteIke,
  errorNotification,
  openInformational,
  refusal,
  sealInformational,
} from './informational.ts';
import type { IkeInput, IkeOutput } from './io.ts';
import { wipePhase1Keys } from './key-material.ts';
import { type Arrival, COOKIE_ZERO, type MainMode, type Refusal } from './main-mode.ts';
import { MainModeInitiator } from './main-mode-initiator.ts';
import { MainModeResponder } from './main-mode-responder.ts';
import { randomMessageId } from './quick-mode.ts';

/** Most refusals sent to a peer that did not prove itself. */
const MAX_CLEAR_REFUSALS = 8;

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'main-mode'; readonly mainMode: MainMode; readonly since: Millis }
  | {
      readonly kind: 'established';
      readonly established: Established;
      /** The responder's side, which answers a repeated message 5. */
      readonly mainMode: MainMode;
      readonly since: Millis;
    }
  | { readonly kind: 'closed' };

export class Ike implements Machine<IkeInput, IkeOutput> {
  readonly #context: IkeContext;
  #state: State = { kind: 'idle' };
  #clearRefusals = 0;

  constructor(config: IkeConfig) {
    this.#context = new IkeContext(settleConfig(config));
  }

  get deadline(): Millis | undefined {
    const state = this.#state;
    const { suspicionDeadline } = this.#context;
    switch (state.kind) {
      case 'main-mode':
        return earliest(state.mainMode.deadline, suspicionDeadline, this.#establishDeadline());
      case 'established':
        return earliest(state.established.deadline, suspicionDeadline, this.#establishDeadline());
      default:
        return undefined;
    }
  }

  handle(input: IkeInput, now: Millis): readonly IkeOutput[] {
    switch (input.kind) {
      case 'start':
        this.#start(now);
        break;
      case 'datagram':
        this.#datagram(input, now);
        break;
      case 'unreachable':
        this.#unreachable(now);
        break;
      case 'timeout':
        this.#timeout(now);
        break;
      case 'alive':
        if (this.#state.kind === 'established') this.#state.established.alive(now);
        break;
      case 'spi-claimed':
        if (this.#state.kind === 'established') this.#state.established.spiClaimed(input.spi, now);
        break;
      case 'spi-refused':
        this.#spiRefused(input, now);
        break;
      case 'rekey-child':
        if (this.#state.kind === 'established') this.#state.established.startQuickMode(now);
        break;
      case 'close':
        if (this.#state.kind === 'established') this.#state.established.sayGoodbye();
        this.#close();
        break;
    }
    return this.#context.drain();
  }

  #start(now: Millis): void {
    if (this.#state.kind !== 'idle' || this.#context.config.role !== 'initiator') return;
    this.#context.emit({ kind: 'stage', stage: 'main-mode' });
    const mainMode = new MainModeInitiator(this.#context, now);
    this.#state = { kind: 'main-mode', mainMode, since: now };
  }

  /** The one catch: whatever a peer sends, it ends here. */
  #datagram({ bytes, channel }: Extract<IkeInput, { kind: 'datagram' }>, now: Millis): void {
    if (this.#state.kind === 'closed') return;
    this.#context.clearUnreachable();
    let arrival: Arrival | undefined;
    try {
      arrival = { message: decodeMessage(bytes), bytes, channel };
      this.#receive(arrival, now);
    } catch (error) {
      if (error instanceof DecodeError) this.#context.trace('dropped', error.reason);
      else if (error instanceof ProtocolError && arrival !== undefined)
        this.#refuse(arrival, error);
      else throw error;
    }
  }

  #receive(arrival: Arrival, now: Millis): void {
    const { exchangeType, flags } = arrival.message.header;
    if (exchangeType === ExchangeType.informational && (flags & HeaderFlag.encryption) === 0) {
      this.#receiveClearNotification(arrival, now);
      return;
    }
    const state = this.#state;
    if (state.kind === 'established') {
      this.#receiveEstablished(state, arrival, now);
      return;
    }
    const mainMode = state.kind === 'main-mode' ? state.mainMode : this.#listen();
    if (mainMode === undefined) throw new DecodeError('not started');
    if (exchangeType === ExchangeType.informational) {
      this.#receivePendingNotification(mainMode, arrival, now);
      return;
    }
    const outcome = mainMode.receive(arrival, now);
    const since = state.kind === 'main-mode' ? state.since : now;
    this.#state = { kind: 'main-mode', mainMode, since };
    if (outcome instanceof IkeSa) this.#establish(outcome, mainMode, since, now);
    else if (outcome !== undefined) this.#turnAway(outcome);
  }

  /** The responder side of an exchange that may begin. */
  #listen(): MainMode | undefined {
    const { role } = this.#context.config;
    return role === 'responder' ? new MainModeResponder(this.#context) : undefined;
  }

  #receiveEstablished(
    { established, mainMode }: Extract<State, { kind: 'established' }>,
    arrival: Arrival,
    now: Millis,
  ): void {
    const { header } = arrival.message;
    if (!established.sa.owns(header)) throw new DecodeError('foreign cookie');
    if (header.exchangeType === ExchangeType.identityProtection) {
      if (this.#context.config.role === 'responder') mainMode.receive(arrival, now);
      else throw new DecodeError('main mode is over');
      return;
    }
    const failure = established.receive(arrival, now);
    if (failure !== undefined) this.#close(failure);
  }

  /** Nobody signed it, so it ends nothing; but it may turn out to be the reason for silence. */
  #receiveClearNotification({ message }: Arrival, now: Millis): void {
    const notification = errorNotification(decodeClearBody(message));
    const state = this.#state;
    if (
      notification === undefined ||
      (state.kind !== 'main-mode' && state.kind !== 'established')
    ) {
      throw new DecodeError('unauthenticated notification');
    }
    const ours = state.mainMode.initiatorCookie ?? COOKIE_ZERO;
    // Deviation: SoftEther writes a random initiator cookie into the header, and ours only into the SPI field.
    const named = [message.header.initiatorCookie, notification.spi.slice(0, ours.length)];
    if (!named.some((cookie) => constantTimeEqual(cookie, ours))) {
      throw new DecodeError('foreign cookie');
    }
    const failure =
      state.kind === 'main-mode'
        ? state.mainMode.notification(notification.notifyType)
        : state.established.notification(notification.notifyType);
    if (failure === undefined) throw new DecodeError('unauthenticated notification');
    this.#context.suspect(failure, now);
  }

  /** Encrypted already, before message 6: authentic if its hash is right, else a sign of different keys. */
  #receivePendingNotification(mainMode: MainMode, { message }: Arrival, now: Millis): void {
    const sa = mainMode.pendingSa;
    if (sa === undefined || !sa.owns(message.header)) throw new DecodeError('foreign cookie');
    const undecryptable: Failure = {
      code: 'IKE_AUTHENTICATION_FAILED',
      detail: 'a notification after main mode message 5 cannot be decrypted',
    };
    try {
      const notices = openInformational(sa, message);
      const error = notices?.find(({ kind }) => kind === 'error');
      if (notices === undefined) this.#context.suspect(undecryptable, now);
      if (error?.kind === 'error') this.#close(mainMode.notification(error.notifyType));
    } catch (error) {
      if (error instanceof DecodeError) this.#context.suspect(undecryptable, now);
      throw error;
    }
  }

  /** To the peer the SA stands: it is told that it does not. */
  #turnAway({ sa, failure }: Refusal): void {
    const { random } = this.#context.config;
    this.#context.transmit(sa.channel, sealInformational(sa, random, [deleteIke(sa)]));
    this.#close(failure);
  }

  #establish(sa: IkeSa, mainMode: MainMode, since: Millis, now: Millis): void {
    const { transform, nat, dialect } = sa.parameters;
    const established = new Established(this.#context, sa, now);
    this.#context.clearSuspicion();
    this.#context.emit({
      kind: 'ike-established',
      algorithms: transform,
      authentication: describeCredentials(this.#context.config.credentials),
      nat,
      encapsulation: dialect === undefined ? 'raw' : 'udp',
      lifetimeSeconds: sa.lifetimeSeconds,
    });
    this.#context.emit({ kind: 'stage', stage: 'quick-mode' });
    this.#state = { kind: 'established', established, mainMode, since };
    if (this.#context.config.role === 'initiator') established.startQuickMode(now);
  }

  /** A refusal before there are keys to sign it with; a bounded number of them. */
  #refuse({ message, channel }: Arrival, error: ProtocolError): void {
    this.#context.trace('refused', error.message);
    if (this.#clearRefusals >= MAX_CLEAR_REFUSALS) return;
    this.#clearRefusals++;
    const { initiatorCookie, responderCookie } = message.header;
    const header = {
      initiatorCookie,
      responderCookie,
      exchangeType: ExchangeType.informational,
      flags: 0,
      messageId: randomMessageId(this.#context.config.random),
    };
    this.#context.transmit(channel, encodeClearMessage(header, [refusal(error.wireCode)]));
  }

  #unreachable(now: Millis): void {
    const state = this.#state;
    if (state.kind === 'established' && state.established.hadChild) {
      state.established.unreachable(now);
    } else if (state.kind === 'main-mode' || state.kind === 'established') {
      if (this.#context.suspicion === undefined) {
        this.#context.suspect({ code: 'IKE_UNREACHABLE' }, now);
      }
    }
  }

  #spiRefused({ spi, again }: Extract<IkeInput, { kind: 'spi-refused' }>, now: Millis): void {
    if (this.#state.kind !== 'established') return;
    const failure = this.#state.established.spiRefused(spi, again, now);
    if (failure !== undefined) this.#close(failure);
  }

  #timeout(now: Millis): void {
    const state = this.#state;
    if (state.kind !== 'main-mode' && state.kind !== 'established') return;
    const { suspicion, suspicionDeadline } = this.#context;
    const establishDeadline = this.#establishDeadline();
    const part = state.kind === 'main-mode' ? state.mainMode : state.established;
    if (suspicionDeadline !== undefined && now >= suspicionDeadline) this.#close(suspicion);
    else if (establishDeadline !== undefined && now >= establishDeadline) {
      this.#close(suspicion ?? part.silence);
    } else {
      const failure = part.timeout(now);
      if (failure !== undefined) this.#close(failure);
    }
  }

  /** Until the first child SA stands, the whole has a bounded time. */
  #establishDeadline(): Millis | undefined {
    const state = this.#state;
    if (state.kind !== 'main-mode' && state.kind !== 'established') return undefined;
    if (state.kind === 'established' && state.established.hadChild) return undefined;
    return state.since + this.#context.config.timers.establish;
  }

  #close(failure?: Failure): void {
    if (this.#state.kind === 'closed') return;
    const state = this.#state;
    const sa = state.kind === 'main-mode' ? state.mainMode.pendingSa : undefined;
    if (sa !== undefined) wipePhase1Keys(sa.parameters.keys);
    if (state.kind === 'established') {
      state.established.releaseSpis();
      wipePhase1Keys(state.established.sa.parameters.keys);
    }
    this.#context.clearSuspicion();
    this.#state = { kind: 'closed' };
    this.#context.emit({ kind: 'closed', ...(failure === undefined ? {} : { failure }) });
  }
}
