/**
 * Runs the automaton of `automaton.ts` for one control protocol: turns packets and time-outs into its
 * events and its actions into packets. What an option means and which values will do is a `Policy`'s to say.
 * RFC 1661 §4 and §5, codes 1 to 7.
 */
import type { Failure } from '../errors.ts';
import { type Bytes, EMPTY, type Millis } from '../wire/bytes.ts';
import type { Trace } from '../wire/machine.ts';
import { type Event, State, timerRuns, transition } from './automaton.ts';
import type { PppTiming } from './config.ts';
import {
  type ConfigOption,
  decodeConfigOptions,
  encodeConfigOptions,
  sameBytes,
  sameOption,
} from './config-option.ts';
import { ControlCode, type ControlPacket, encodeControlPacket } from './control-packet.ts';

/** What is to be said to a Configure-Request. */
export type Verdict<Option> =
  | { readonly kind: 'ack' }
  /** With acceptable values; options that the request lacks may follow at the end. */
  | { readonly kind: 'nak'; readonly options: readonly Option[] }
  | { readonly kind: 'reject'; readonly options: readonly Option[] }
  /** No value the peer could ask for will do. */
  | { readonly kind: 'fail'; readonly failure: Failure };

/** The options of one protocol: what we ask for and what we let the peer ask for. */
export interface Policy<Option> {
  /** For traces, e.g. `lcp`. */
  readonly layer: string;
  readonly decode: (option: ConfigOption) => Option;
  readonly encode: (option: Option) => ConfigOption;
  /** Back to what is wanted at first: negotiation begins, or begins again. */
  reset(): void;
  /** Options of our next Configure-Request. */
  request(): readonly Option[];
  /** `again` when the very same request was judged before. */
  judge(options: readonly Option[], again: boolean): Verdict<Option>;
  /** The peer's options were acknowledged: they hold for what we send. */
  agree(options: readonly Option[]): void;
  /** The peer acknowledged our request; it may still be of no use. */
  acknowledged(): Failure | undefined;
  nakked(options: readonly Option[]): Failure | undefined;
  rejected(options: readonly Option[]): Failure | undefined;
  /** Why it failed when the peer keeps refusing what we ask for, or does not answer. */
  stuck(cause: string): Failure;
}

export type NegotiationOutput =
  | { readonly kind: 'transmit'; readonly packet: ControlPacket }
  | { readonly kind: 'layer-up' }
  | { readonly kind: 'layer-down' }
  /** The automaton needs the layer below no longer. */
  | { readonly kind: 'layer-finished' }
  /** The peer ends it; precedes what follows from that. */
  | { readonly kind: 'terminated'; readonly text: Bytes }
  /** It cannot succeed; the owner is to close it. */
  | { readonly kind: 'failed'; readonly failure: Failure }
  | Trace;

/** Bytes of a rejected packet that are sent back: what a reader needs to recognise it, below any MRU. */
export const REJECTED_LIMIT = 64;

/** Configure-Naks and -Rejects in a row after which we stop asking. */
const MAX_REFUSALS = 10;

interface Answer<Option> {
  readonly packet: ControlPacket;
  /** Present in a Configure-Ack. */
  readonly agreed?: readonly Option[];
}

export class Negotiation<Option> {
  readonly #policy: Policy<Option>;
  readonly #timing: PppTiming;
  #state: State = State.initial;
  /** Set exactly while `timerRuns(#state)`. */
  #restartAt: Millis | undefined;
  #restartCount = 0;
  /** How long the Restart timer runs when it is started next. */
  #restartWait: Millis = 0;
  #nextId = 0;
  /** Our Configure-Request that may still be answered; later replies to it are stale. */
  #asked: { readonly id: number; readonly options: readonly ConfigOption[] } | undefined;
  #acknowledged: ControlPacket | undefined;
  #judgedId: number | undefined;
  #naksSent = 0;
  #refusals = 0;
  #out: NegotiationOutput[] = [];

  constructor(policy: Policy<Option>, timing: PppTiming) {
    this.#policy = policy;
    this.#timing = timing;
  }

  get state(): State {
    return this.#state;
  }

  get deadline(): Millis | undefined {
    return this.#restartAt;
  }

  /** An identifier that no packet of this protocol had for a while. */
  freshId(): number {
    this.#nextId = (this.#nextId + 1) & 0xff;
    return this.#nextId;
  }

  /**
   * A word from the layers above and below, or an event that the owner found in a packet of its own;
   * `reply` is what answers it if the state allows.
   */
  signal(
    event: 'Up' | 'Down' | 'Open' | 'Close' | 'RXJ+' | 'RXJ-' | 'RXR',
    now: Millis,
    reply?: ControlPacket,
  ): readonly NegotiationOutput[] {
    if (event === 'Up') this.#restart();
    this.#apply(event, now, undefined, reply && { packet: reply });
    return this.#drain();
  }

  timeout(now: Millis): readonly NegotiationOutput[] {
    if (this.#restartAt !== undefined && now >= this.#restartAt) {
      this.#apply(this.#restartCount > 0 ? 'TO+' : 'TO-', now);
    }
    return this.#drain();
  }

  /** Throws `DecodeError` when the body is malformed. */
  receive(packet: ControlPacket, now: Millis): readonly NegotiationOutput[] {
    switch (packet.code) {
      case ControlCode.configureRequest:
        this.#receiveRequest(packet, now);
        break;
      case ControlCode.configureAck:
      case ControlCode.configureNak:
      case ControlCode.configureReject:
        this.#receiveReply(packet, now);
        break;
      case ControlCode.terminateRequest:
        this.#out.push({ kind: 'terminated', text: packet.body });
        this.#apply('RTR', now, packet);
        break;
      case ControlCode.terminateAck:
        this.#apply('RTA', now, packet);
        break;
      case ControlCode.codeReject:
        this.#apply(isBasicCode(packet.body[0]) ? 'RXJ-' : 'RXJ+', now, packet);
        break;
      default:
        this.#apply('RUC', now, packet);
    }
    return this.#drain();
  }

  /** @rfc 1661 §5.1 */
  #receiveRequest(packet: ControlPacket, now: Millis): void {
    const last = this.#acknowledged;
    if (
      this.#state === State.opened &&
      last?.id === packet.id &&
      sameBytes(last.body, packet.body)
    ) {
      // Deviation: the table would start all over. A request that equals the last acknowledged one to the
      // identifier is a copy, made by the network or sent because our Ack was lost: the Ack is repeated.
      this.#send(ControlCode.configureAck, packet.id, packet.body);
      return;
    }
    const raw = decodeConfigOptions(packet.body);
    const options = raw.map(this.#policy.decode);
    const again = packet.id === this.#judgedId;
    this.#judgedId = packet.id;
    const verdict = this.#patient(again, raw, this.#policy.judge(options, again));
    if (verdict.kind === 'fail') {
      this.#out.push({ kind: 'failed', failure: verdict.failure });
    } else if (verdict.kind === 'ack') {
      const ack = { code: ControlCode.configureAck, id: packet.id, body: packet.body };
      this.#apply('RCR+', now, packet, { packet: ack, agreed: options });
    } else {
      const code = verdict.kind === 'nak' ? ControlCode.configureNak : ControlCode.configureReject;
      const body = encodeConfigOptions(verdict.options.map(this.#policy.encode));
      this.#apply('RCR-', now, packet, { packet: { code, id: packet.id, body } });
    }
  }

  /**
   * Max-Failure: after that many Naks the options they were for are rejected and nothing is appended.
   * A copy of a request that was judged before does not count again.
   * @rfc 1661 §4.6
   */
  #patient(
    again: boolean,
    raw: readonly ConfigOption[],
    verdict: Verdict<Option>,
  ): Verdict<Option> {
    if (verdict.kind !== 'nak') return verdict;
    if (!again) this.#naksSent++;
    if (this.#naksSent <= this.#timing.maxFailure) return verdict;
    const types = verdict.options.map((option) => this.#policy.encode(option).type);
    const options = raw.filter(({ type }) => types.includes(type)).map(this.#policy.decode);
    return options.length === 0 ? { kind: 'ack' } : { kind: 'reject', options };
  }

  /** @rfc 1661 §5.2, §5.3, §5.4 */
  #receiveReply(packet: ControlPacket, now: Millis): void {
    const asked = this.#asked;
    if (asked === undefined || asked.id !== packet.id) return this.#trace('stale-reply');
    const raw = decodeConfigOptions(packet.body);
    const options = raw.map(this.#policy.decode);
    let failure: Failure | undefined;
    if (packet.code === ControlCode.configureAck) {
      if (!sameBytes(packet.body, encodeConfigOptions(asked.options)))
        return this.#trace('ack-differs-from-request');
      this.#refusals = 0;
      failure = this.#policy.acknowledged();
    } else {
      const reject = packet.code === ControlCode.configureReject;
      const ours = raw.every((option) => asked.options.some((own) => sameOption(own, option)));
      if (reject && (!ours || raw.length === 0)) return this.#trace('reject-of-what-was-not-asked');
      this.#refusals++;
      failure = reject ? this.#policy.rejected(options) : this.#policy.nakked(options);
      if (this.#refusals > MAX_REFUSALS) failure ??= this.#policy.stuck('refuses every request');
    }
    this.#asked = undefined;
    if (failure !== undefined) this.#out.push({ kind: 'failed', failure });
    else this.#apply(packet.code === ControlCode.configureAck ? 'RCA' : 'RCN', now, packet);
  }

  #apply(event: Event, now: Millis, cause?: ControlPacket, answer?: Answer<Option>): void {
    const cell = transition(event, this.#state);
    if (cell === undefined) return this.#trace('impossible-event', event);
    for (const action of cell.actions) {
      switch (action) {
        case 'tlu':
          this.#out.push({ kind: 'layer-up' });
          break;
        case 'tld':
          this.#restart();
          this.#out.push({ kind: 'layer-down' });
          break;
        case 'tls':
          break; // The layer below is started by the owner.
        case 'tlf':
          if (event === 'TO-' && this.#state >= State.reqSent)
            this.#out.push({ kind: 'failed', failure: this.#policy.stuck('does not answer') });
          this.#out.push({ kind: 'layer-finished' });
          break;
        case 'irc':
          this.#restartCount = cell.actions.includes('str')
            ? this.#timing.maxTerminate
            : this.#timing.maxConfigure;
          this.#restartWait = this.#timing.restartFirst;
          break;
        case 'zrc':
          this.#restartCount = 0;
          this.#restartAt = now + this.#timing.restart;
          break;
        case 'scr':
          this.#startTimer(now);
          this.#sendRequest();
          break;
        case 'sca':
        case 'scn':
        case 'ser':
          if (answer !== undefined) this.#answer(answer);
          break;
        case 'str':
          this.#startTimer(now);
          this.#send(ControlCode.terminateRequest, this.freshId(), EMPTY);
          break;
        case 'sta':
          this.#send(ControlCode.terminateAck, cause!.id, EMPTY);
          break;
        case 'scj': {
          const rejected = encodeControlPacket(cause!).slice(0, REJECTED_LIMIT);
          this.#send(ControlCode.codeReject, this.freshId(), rejected);
          break;
        }
      }
    }
    this.#state = cell.next;
    if (!timerRuns(this.#state)) this.#restartAt = undefined;
  }

  #startTimer(now: Millis): void {
    this.#restartCount--;
    this.#restartAt = now + this.#restartWait;
    this.#restartWait = Math.min(2 * this.#restartWait, this.#timing.restart);
  }

  /** The identifier stays as long as the same request goes out again unanswered. @rfc 1661 §5.1 */
  #sendRequest(): void {
    const options = this.#policy.request().map(this.#policy.encode);
    const body = encodeConfigOptions(options);
    const last = this.#asked;
    const again = last !== undefined && sameBytes(body, encodeConfigOptions(last.options));
    const id = again ? last.id : this.freshId();
    this.#asked = { id, options };
    this.#send(ControlCode.configureRequest, id, body);
  }

  #answer({ packet, agreed }: Answer<Option>): void {
    if (agreed !== undefined) {
      this.#policy.agree(agreed);
      this.#acknowledged = packet;
      this.#naksSent = 0;
    }
    this.#out.push({ kind: 'transmit', packet });
  }

  #restart(): void {
    this.#policy.reset();
    this.#asked = undefined;
    this.#acknowledged = undefined;
    this.#judgedId = undefined;
    this.#naksSent = 0;
    this.#refusals = 0;
  }

  #send(code: number, id: number, body: Bytes): void {
    this.#out.push({ kind: 'transmit', packet: { code, id, body } });
  }

  #trace(event: string, detail?: string): void {
    const trace: Trace = { kind: 'trace', layer: this.#policy.layer, event };
    this.#out.push(detail === undefined ? trace : { ...trace, detail });
  }

  #drain(): readonly NegotiationOutput[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }
}

/** A peer without these does not speak the protocol at all. @rfc 1661 §5.6 */
function isBasicCode(code: number | undefined): boolean {
  return (
    code !== undefined && code >= ControlCode.configureRequest && code <= ControlCode.codeReject
  );
}
