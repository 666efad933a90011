/**
 * One L2TP tunnel with one session, as LAC (the client) or LNS (the gateway): RFC 2661 over UDP.
 *
 * The tables of `state-tables.ts` decide, `channel.ts` delivers, `data.ts` carries the PPP frames. A machine is
 * for one attempt: a retry is a new machine with new random ids, since some gateways (xl2tpd) ignore a second
 * SCCRQ with a known one. When the session ends, so does the tunnel.
 *
 * Left out: outgoing calls, further sessions (refused with a CDN), tunnels opened by the LNS, the tie breaker.
 */
import { type Failure, plainText } from '../errors.ts';
import { type Bytes, EMPTY, type Millis } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { earliest, type Machine } from '../wire/machine.ts';
import type { Packet } from '../wire/packet.ts';
import { utf8Decode, utf8Encode } from '../wire/text.ts';
import { findAvp } from './avp.ts';
import { Call, randomId } from './call.ts';
import { BY_US, byPeer, bySilence, type Cause } from './cause.ts';
import { ControlChannel } from './channel.ts';
import * as compose from './compose.ts';
import {
  HELLO_INTERVAL,
  type L2tpConfig,
  type L2tpInput,
  type L2tpOutput,
  LINGER,
  MAX_HOST_NAME,
  SETUP_TIMEOUT,
  STOP_TIMEOUT,
} from './interface.ts';
import { type Authentication, judge } from './judge.ts';
import { type ControlMessage, decodeControl, type Message } from './message.ts';
import { type MessageName, MessageType, messageName } from './numbers.ts';
import { outOfSequence, unknownAvp } from './refusal.ts';
import { CHALLENGE_LENGTH, SharedSecret } from './secret.ts';
import {
  type CallEvent,
  CONTROL_CONNECTION,
  type TunnelAction,
  type TunnelEvent,
  type TunnelState,
} from './state-tables.ts';

export { isControl } from './data.ts';
export type { L2tpConfig, L2tpInput, L2tpOutput } from './interface.ts';

interface Running {
  readonly kind: 'running';
  tunnel: TunnelState;
  /** When setting up has taken too long; `undefined` before it begins and once the session stands. */
  giveUpAt: Millis | undefined;
  /** When the peer last showed that it lives. */
  heardAt: Millis;
}

/** Both sides are done or about to be; `failure` is what `closed` will say. */
interface Ending {
  /** `stopping`: our StopCCN is not acknowledged yet. `lingering`: it is, and the peer may send its own. */
  readonly kind: 'stopping' | 'lingering';
  readonly until: Millis;
  readonly failure: Failure | undefined;
}

type State = Running | Ending | { readonly kind: 'closed' };

/** The event that a message is, acceptable and not. */
const TUNNEL_EVENTS: Partial<Record<MessageName, readonly [TunnelEvent, TunnelEvent]>> = {
  SCCRQ: ['sccrq', 'bad-sccrq'],
  SCCRP: ['sccrp', 'bad-sccrp'],
  SCCCN: ['scccn', 'bad-scccn'],
  StopCCN: ['stopccn', 'stopccn'],
};

const CALL_EVENTS: Partial<Record<MessageName, readonly [CallEvent, CallEvent]>> = {
  ICRQ: ['icrq', 'bad-icrq'],
  ICRP: ['icrp', 'bad-icrp'],
  ICCN: ['iccn', 'bad-iccn'],
  CDN: ['cdn', 'cdn'],
};

export class L2tp implements Machine<L2tpInput, L2tpOutput> {
  readonly #role: 'lac' | 'lns';
  readonly #timeouts: Readonly<Record<'hello' | 'setup' | 'stop', Millis>>;
  readonly #authentication: Authentication | undefined;
  readonly #offer: compose.TunnelOffer;
  readonly #call: Call;
  #state: State = { kind: 'running', tunnel: 'idle', giveUpAt: undefined, heardAt: 0 };
  #channel = new ControlChannel();
  #peerHostName = '';
  #peerFraming = 0;
  #droppedData = 0;
  #now: Millis = 0;
  #transmits: L2tpOutput[] = [];
  #events: L2tpOutput[] = [];

  /** Throws `RangeError` for a host name of wrong length, `TypeError` for a secret without `primitives`. */
  constructor(config: L2tpConfig) {
    const { role, random, secret, primitives } = config;
    const hostName = utf8Encode(config.hostName);
    if (hostName.length === 0 || hostName.length > MAX_HOST_NAME) {
      throw new RangeError(`hostName: 1 to ${MAX_HOST_NAME} octets`);
    }
    if (secret !== undefined) {
      if (primitives === undefined) throw new TypeError('primitives: needed with a secret');
      const challenge = random.bytes(CHALLENGE_LENGTH);
      this.#authentication = { secret: new SharedSecret(secret, primitives), challenge };
    }
    this.#role = role;
    this.#timeouts = {
      hello: config.helloInterval ?? HELLO_INTERVAL,
      setup: config.setupTimeout ?? SETUP_TIMEOUT,
      stop: config.stopTimeout ?? STOP_TIMEOUT,
    };
    this.#offer = {
      hostName,
      vendorName: utf8Encode('Culvert'),
      tunnelId: randomId(random),
      challenge: this.#authentication?.challenge,
    };
    this.#call = new Call(role, random);
  }

  /** Packets `decapsulate` refused. */
  get droppedData(): number {
    return this.#droppedData;
  }

  get deadline(): Millis | undefined {
    const state = this.#state;
    if (state.kind === 'closed') return undefined;
    const { deadline } = this.#channel;
    if (state.kind !== 'running') return earliest(deadline, state.until);
    return earliest(deadline, state.giveUpAt, this.#helloAt(state));
  }

  handle(input: L2tpInput, now: Millis): readonly L2tpOutput[] {
    this.#now = now;
    switch (input.kind) {
      case 'open':
        this.#callEvent('incoming-call', BY_US);
        break;
      case 'datagram':
        this.#receive(input.bytes);
        break;
      case 'timeout':
        this.#timeout();
        break;
      case 'close':
        this.#close(BY_US);
        break;
    }
    this.#transmit(this.#channel.flush(now));
    if (this.#state.kind === 'stopping' && this.#channel.pending === 0) {
      const until = Math.min(this.#state.until, now + LINGER);
      this.#state = { ...this.#state, kind: 'lingering', until };
    }
    const outputs = [...this.#transmits, ...this.#events];
    this.#transmits = [];
    this.#events = [];
    return outputs;
  }

  /**
   * Prepends the session's data header; needs `MAX_DATA_HEADER` octets of headroom. Throws `RangeError` before
   * there is a session.
   */
  encapsulate(packet: Packet): void {
    const { data } = this.#call;
    if (data === undefined) throw new RangeError('packet: no session is established');
    data.encapsulate(packet);
  }

  /** Removes the data header; false, and counted, when the packet is not for the session. */
  decapsulate(packet: Packet, now: Millis): boolean {
    const state = this.#state;
    if (state.kind === 'running' && this.#call.data?.decapsulate(packet)) {
      state.heardAt = now;
      return true;
    }
    this.#droppedData++;
    return false;
  }

  // Arrivals.

  #receive(bytes: Bytes): void {
    let message: ControlMessage;
    try {
      message = this.#reveal(decodeControl(bytes));
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#trace('malformed', error.reason);
      return;
    }
    if (!this.#isOurs(message)) {
      this.#trace('unknown-tunnel', String(message.tunnelId));
      return;
    }
    const arrival = this.#channel.receive(message, this.#now);
    if (arrival.kind === 'refused') {
      this.#trace('refused', arrival.reason);
      return;
    }
    if (this.#state.kind === 'running') this.#state.heardAt = this.#now;
    if (arrival.kind !== 'deliver') this.#trace(arrival.kind);
    else for (const next of arrival.messages) this.#deliver(next);
  }

  #reveal(message: ControlMessage): ControlMessage {
    if (message.kind === 'zlb' || this.#authentication === undefined) return message;
    return { ...message, avps: this.#authentication.secret.reveal(message.avps) };
  }

  /** A peer that does not know our tunnel id yet sends 0 and is known by its own. @rfc 2661 §4.4.3 */
  #isOurs(message: ControlMessage): boolean {
    if (message.tunnelId === this.#offer.tunnelId) return true;
    if (message.tunnelId !== 0 || message.kind === 'zlb' || this.#role === 'lac') return false;
    if (this.#state.kind === 'running' && this.#state.tunnel === 'idle') return true;
    const { SCCRQ, StopCCN } = MessageType;
    if (message.type !== SCCRQ && message.type !== StopCCN) return false;
    return findAvp(message.avps, 'assignedTunnelId') === this.#channel.peerTunnelId;
  }

  #deliver(message: Message): void {
    const name = messageName(message.type);
    const state = this.#state;
    if (state.kind === 'closed') return;
    if (state.kind !== 'running') {
      if (name === 'StopCCN') this.#finish(state.failure);
      return;
    }
    this.#trace('received', name ?? String(message.type));
    const established = this.#call.data !== undefined;
    if (name === undefined) {
      const refusal = unknownAvp(`mandatory message type ${message.type} is not understood`);
      // The M bit of the Message Type AVP is about the message. (RFC 2661 §4.4.1)
      if (message.mandatory) this.#close(byPeer(name, message, refusal, established));
      return;
    }
    const refusal = judge(name, message, this.#authentication);
    const which = refusal === undefined ? 0 : 1;
    const tunnelEvent = TUNNEL_EVENTS[name]?.[which];
    const callEvent = CALL_EVENTS[name]?.[which];
    if (tunnelEvent !== undefined) {
      const why = refusal ?? outOfSequence(`${name} in ${state.tunnel}`);
      this.#channel.peerTunnelId ||= findAvp(message.avps, 'assignedTunnelId') ?? 0;
      this.#tunnelEvent(tunnelEvent, byPeer(name, message, why, established));
    } else if (callEvent !== undefined && this.#call.owns(name, message)) {
      const why = refusal ?? outOfSequence(`${name} in ${this.#call.state}`);
      this.#callEvent(callEvent, byPeer(name, message, why, established));
    } else if (callEvent !== undefined || name === 'OCRQ') {
      this.#trace('unknown-session', String(message.sessionId));
      this.#call.refuseOther(message, callEvent, this.#channel);
    } else if (refusal !== undefined) {
      this.#close(byPeer(name, message, refusal, established));
    }
  }

  // Timers and endings.

  #helloAt({ tunnel, heardAt }: Running): Millis | undefined {
    const quiet = tunnel === 'established' && this.#channel.pending === 0;
    return quiet ? heardAt + this.#timeouts.hello : undefined;
  }

  #timeout(): void {
    const state = this.#state;
    if (state.kind === 'closed') return;
    const silence = bySilence(this.#call.data !== undefined);
    const failure = state.kind === 'running' ? silence.failure : state.failure;
    const expired = this.#channel.expire(this.#now);
    if (expired === 'exhausted') return this.#finish(failure);
    if (expired !== undefined) this.#transmit([expired]);
    if (state.kind !== 'running') {
      if (state.until <= this.#now) this.#finish(failure);
      return;
    }
    const { giveUpAt = Infinity } = state;
    if (giveUpAt <= this.#now) return this.#close(silence);
    const helloAt = this.#helloAt(state) ?? Infinity;
    if (helloAt <= this.#now) this.#channel.send(compose.hello());
  }

  /** Ends call and tunnel in order, whatever state they are in. @rfc 2661 §5.7 */
  #close(cause: Cause): void {
    this.#callEvent('local-close', cause);
    this.#tunnelEvent('admin-close', cause);
  }

  #finish(failure: Failure | undefined, elsewhere?: string): void {
    this.#channel.abandon();
    this.#state = { kind: 'closed' };
    this.#events.push({
      kind: 'closed',
      ...(failure !== undefined && { failure }),
      ...(elsewhere !== undefined && { elsewhere }),
    });
  }

  // The state tables.

  #callEvent(event: CallEvent, cause: Cause): void {
    if (this.#state.kind !== 'running') return;
    const effects = this.#call.event(event, cause, {
      channel: this.#channel,
      localTunnelId: this.#offer.tunnelId,
      peerFraming: this.#peerFraming,
    });
    for (const effect of effects) {
      if (effect === 'open-tunnel') this.#tunnelEvent('local-open', cause);
      else if (effect === 'ended') this.#tunnelEvent('admin-close', cause);
      else this.#established(this.#state);
    }
  }

  #established(state: Running): void {
    state.giveUpAt = undefined;
    this.#events.push({
      kind: 'session-established',
      localTunnelId: this.#offer.tunnelId,
      peerTunnelId: this.#channel.peerTunnelId,
      localSessionId: this.#call.localSessionId,
      peerSessionId: this.#call.peerSessionId,
      peerHostName: this.#peerHostName,
    });
  }

  #tunnelEvent(event: TunnelEvent, cause: Cause): void {
    const state = this.#state;
    if (state.kind !== 'running') return;
    const from = state.tunnel;
    const cell = CONTROL_CONNECTION[from][event];
    if (cell === undefined) return;
    state.tunnel = cell.next;
    for (const action of cell.actions) this.#act(action, cause, from, state);
  }

  #act(action: TunnelAction, cause: Cause, from: TunnelState, state: Running): void {
    const { message, failure } = cause;
    const { SCCRP, SCCCN } = MessageType;
    switch (action) {
      case 'send-sccrq':
        this.#begin(state);
        this.#channel.send(compose.sccrq(this.#offer));
        break;
      case 'send-sccrp':
        this.#begin(state);
        this.#meet(message);
        this.#channel.send(compose.sccrp(this.#offer, this.#proof(SCCRP, message)));
        break;
      case 'send-scccn':
        this.#meet(message);
        this.#channel.send(compose.scccn(this.#proof(SCCCN, message)));
        break;
      case 'send-stopccn': {
        this.#channel.sendLast(compose.stopccn(this.#offer.tunnelId, cause.refusal.stop));
        this.#state = { kind: 'stopping', until: this.#now + this.#timeouts.stop, failure };
        break;
      }
      case 'tunnel-open':
        this.#events.push({ kind: 'stage', stage: 'session' });
        this.#callEvent('tunnel-open', cause);
        break;
      case 'clean-up':
        // With a StopCCN on its way the end comes when it is acknowledged.
        if (this.#state.kind !== 'running') break;
        // A stray message while there is no tunnel: listen on, as if nothing had come.
        if (from === 'idle' && message !== undefined) this.#channel = new ControlChannel();
        else this.#finish(failure, from === 'wait-ctl-reply' ? cause.elsewhere : undefined);
        break;
    }
  }

  #begin(state: Running): void {
    state.giveUpAt = this.#now + this.#timeouts.setup;
    this.#events.push({ kind: 'stage', stage: 'tunnel' });
  }

  /** Notes what the peer's SCCRQ or SCCRP tells. */
  #meet(message: Message | undefined): void {
    const avps = message?.avps ?? [];
    this.#peerHostName = plainText(utf8Decode(findAvp(avps, 'hostName') ?? EMPTY));
    this.#peerFraming = findAvp(avps, 'framingCapabilities') ?? 0;
    const window = findAvp(avps, 'receiveWindowSize');
    if (window !== undefined) this.#channel.setPeerWindow(window);
  }

  /** The answer, in a message of type `type`, to the challenge the peer's message holds. @rfc 2661 §5.1.1 */
  #proof(type: number, message: Message | undefined): Bytes | undefined {
    const challenge = findAvp(message?.avps ?? [], 'challenge');
    return challenge && this.#authentication?.secret.respond(type, challenge);
  }

  #transmit(datagrams: readonly Bytes[]): void {
    for (const bytes of datagrams) this.#transmits.push({ kind: 'transmit', bytes });
  }

  #trace(event: string, detail?: string): void {
    const trace = { kind: 'trace', layer: 'l2tp', event } as const;
    this.#events.push(detail === undefined ? trace : { ...trace, detail });
  }
}
