/**
 * The IKEv1 machine: one peer, authenticated by phase 1 with a pre-shared key or signatures, and the child SAs with it, for
 * as long as they last. RFC 2407, 2408, 2409, 3706, 3947. Left out: mode configuration.
 */
import type { Failure } from '../errors.ts';
import { isFragment } from '../isakmp/fragment.ts';
import { decodeClearBody, decodeMessage } from '../isakmp/message.ts';
import { ExchangeType, HeaderFlag } from '../isakmp/numbers.ts';
import type { Bytes, Millis } from '../wire/bytes.ts';
import { DecodeError, ProtocolError } from '../wire/errors.ts';
import { earliest, type Machine } from '../wire/machine.ts';
import { Attempt, type AttemptResult, Refusals } from './attempt.ts';
import { type IkeConfig, settleConfig } from './config.ts';
import { IkeContext } from './context.ts';
import { describeCredentials } from './credentials.ts';
import { Established } from './established.ts';
import type { IkeSa } from './ike-sa.ts';
import { errorNotification } from './informational.ts';
import type { IkeChannel, IkeInput, IkeOutput } from './io.ts';
import type { Arrival } from './phase1.ts';
import { answerPhase1, beginPhase1 } from './phase1-modes.ts';
import { Reassembly } from './reassembly.ts';

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'phase-1'; readonly attempt: Attempt; readonly since: Millis }
  | { readonly kind: 'established'; readonly established: Established; readonly since: Millis }
  | { readonly kind: 'closed' };

export class Ike implements Machine<IkeInput, IkeOutput> {
  readonly #context: IkeContext;
  readonly #refusals: Refusals;
  readonly #reassembly = new Reassembly();
  #state: State = { kind: 'idle' };

  constructor(config: IkeConfig) {
    this.#context = new IkeContext(settleConfig(config));
    this.#refusals = new Refusals(this.#context);
  }

  get deadline(): Millis | undefined {
    const state = this.#state;
    switch (state.kind) {
      case 'phase-1':
        return state.attempt.deadline;
      case 'established': {
        const { suspicionDeadline } = this.#context;
        return earliest(state.established.deadline, suspicionDeadline, this.#establishDeadline());
      }
      default:
        return undefined;
    }
  }

  handle(input: IkeInput, now: Millis): readonly IkeOutput[] {
    if (input.kind === 'start') this.#start(now);
    else if (input.kind === 'datagram') this.#datagram(input.bytes, input.channel, now);
    else if (input.kind === 'unreachable') this.#unreachable(now);
    else if (input.kind === 'timeout') this.#timeout(now);
    else if (input.kind === 'close') this.#closeInOrder();
    else if (this.#state.kind === 'established') this.#command(this.#state.established, input, now);
    return this.#context.drain();
  }

  /** What concerns a tunnel that stands. */
  #command(
    established: Established,
    input: Exclude<IkeInput, { kind: 'start' | 'datagram' | 'unreachable' | 'timeout' | 'close' }>,
    now: Millis,
  ): void {
    switch (input.kind) {
      case 'alive':
        return established.alive(now);
      case 'spi-claimed':
        return established.spiClaimed(input.spi, now);
      case 'spi-refused': {
        const failure = established.spiRefused(input.spi, input.again, now);
        if (failure !== undefined) this.#close(failure);
        return;
      }
      case 'rekey-child':
        return established.startQuickMode(now);
      case 'port-moved':
        this.#context.innerPorts[input.whose] = input.port;
        return;
      case 'used':
        return established.used(input.spi, input.octets, input.packets, now);
    }
  }

  #start(now: Millis): void {
    if (this.#state.kind !== 'idle' || this.#context.config.role !== 'initiator') return;
    this.#context.emit({ kind: 'stage', stage: 'phase-1' });
    const phase1 = beginPhase1(this.#context, 'ike', false, now);
    const attempt = new Attempt(this.#context, phase1, now);
    this.#state = { kind: 'phase-1', attempt, since: now };
  }

  /** The one catch: whatever a peer sends, it ends here. */
  #datagram(bytes: Bytes, channel: IkeChannel, now: Millis): void {
    if (this.#state.kind === 'closed') return;
    this.#context.clearUnreachable();
    let arrival: Arrival | undefined;
    try {
      arrival = this.#whole({ message: decodeMessage(bytes), bytes, channel }, now);
      if (arrival !== undefined) this.#receive(arrival, now);
    } catch (error) {
      if (error instanceof DecodeError) this.#context.trace('dropped', error.reason);
      else if (error instanceof ProtocolError && arrival !== undefined) {
        this.#refusals.send(arrival, error);
      } else throw error;
    }
  }

  /** The message that arrived, or that a fragment completes. */
  #whole(arrival: Arrival, now: Millis): Arrival | undefined {
    if (!isFragment(arrival.message)) return arrival;
    const bytes = this.#reassembly.add(arrival.message, now);
    if (bytes === undefined) return undefined;
    const message = decodeMessage(bytes);
    if (isFragment(message)) throw new DecodeError('a fragment in fragments');
    return { message, bytes, channel: arrival.channel };
  }

  #receive(arrival: Arrival, now: Millis): void {
    const { exchangeType, flags } = arrival.message.header;
    const state = this.#state;
    if (exchangeType === ExchangeType.informational && (flags & HeaderFlag.encryption) === 0) {
      this.#receiveClearNotification(arrival, now);
    } else if (state.kind === 'established') {
      const failure = state.established.receive(arrival, now);
      if (failure !== undefined) this.#close(failure);
    } else {
      this.#receivePhase1(arrival, now);
    }
  }

  #receivePhase1(arrival: Arrival, now: Millis): void {
    const state = this.#state;
    const { attempt, since } =
      state.kind === 'phase-1' ? state : { attempt: this.#listen(arrival, now), since: now };
    if (attempt === undefined) throw new DecodeError('not started');
    const result = attempt.receive(arrival, now);
    this.#state = { kind: 'phase-1', attempt, since };
    this.#conclude(result, attempt, since, now);
  }

  #conclude(result: AttemptResult | undefined, attempt: Attempt, since: Millis, now: Millis): void {
    if (result?.kind === 'authenticated') this.#establish(result.sa, attempt, since, now);
    else if (result?.kind === 'failed') this.#close(result.failure);
  }

  /** The responder side of an exchange that may begin. */
  #listen({ message }: Arrival, now: Millis): Attempt | undefined {
    if (this.#context.config.role !== 'responder') return undefined;
    return new Attempt(this.#context, answerPhase1(this.#context, message), now);
  }

  /** Nobody signed it, so it ends nothing; but it may turn out to be the reason for silence. */
  #receiveClearNotification({ message }: Arrival, now: Millis): void {
    const notification = errorNotification(decodeClearBody(message));
    if (notification === undefined || !this.#suspect(notification, message.header, now)) {
      throw new DecodeError('unauthenticated notification');
    }
  }

  #suspect(...args: Parameters<Attempt['suspect']>): boolean {
    const state = this.#state;
    if (state.kind === 'phase-1') return state.attempt.suspect(...args);
    return state.kind === 'established' && state.established.suspect(...args);
  }

  #establish(sa: IkeSa, { phase1 }: Attempt, since: Millis, now: Millis): void {
    const { transform, nat, dialect } = sa.parameters;
    this.#context.clearSuspicion();
    this.#context.emit({
      kind: 'ike-established',
      algorithms: transform,
      authentication: describeCredentials(this.#context.config.credentials),
      ...(sa.caveat !== undefined && { caveat: sa.caveat }),
      nat,
      encapsulation: dialect === undefined ? 'raw' : 'udp',
      lifetime: sa.lifetime,
    });
    this.#context.emit({ kind: 'stage', stage: 'phase-2' });
    const established = new Established(this.#context, sa, phase1, now);
    this.#state = { kind: 'established', established, since };
    if (this.#context.config.role === 'initiator') established.startQuickMode(now);
  }

  #unreachable(now: Millis): void {
    const state = this.#state;
    if (state.kind === 'established' && state.established.hadChild) {
      state.established.unreachable(now);
    } else if (state.kind === 'phase-1' || state.kind === 'established') {
      if (this.#context.suspicion === undefined) {
        this.#context.suspect({ code: 'IKE_UNREACHABLE' }, now);
      }
    }
  }

  #timeout(now: Millis): void {
    const state = this.#state;
    if (state.kind === 'phase-1') {
      const { attempt, since } = state;
      this.#conclude(attempt.timeout(now), attempt, since, now);
    } else if (state.kind === 'established') {
      const failure = this.#overdue(state.established, now) ?? state.established.timeout(now);
      if (failure !== undefined) this.#close(failure);
    }
  }

  /** What a tunnel without a child SA has waited for in vain. */
  #overdue(established: Established, now: Millis): Failure | undefined {
    const { suspicion, suspicionDeadline } = this.#context;
    if (suspicionDeadline !== undefined && now >= suspicionDeadline) return suspicion;
    if (now < (this.#establishDeadline() ?? Infinity)) return undefined;
    return suspicion ?? established.silence;
  }

  /** Until the first child SA stands, the whole has a bounded time. */
  #establishDeadline(): Millis | undefined {
    const state = this.#state;
    if (state.kind !== 'established' || state.established.hadChild) return undefined;
    return state.since + this.#context.config.timers.establish;
  }

  #closeInOrder(): void {
    if (this.#state.kind === 'established') this.#state.established.sayGoodbye();
    this.#close();
  }

  #close(failure?: Failure): void {
    const state = this.#state;
    if (state.kind === 'closed') return;
    if (state.kind === 'phase-1') state.attempt.abandon();
    if (state.kind === 'established') state.established.discard();
    this.#context.clearSuspicion();
    this.#state = { kind: 'closed' };
    this.#context.emit({ kind: 'closed', ...(failure === undefined ? {} : { failure }) });
  }
}
