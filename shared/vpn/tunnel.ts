/**
 * The whole tunnel as one machine between the relay's WebSocket and the applications: opens the session with
 * the relay, stacks the layers once the relay answers, and ends them in order.
 */
import type { CipherSuite } from '../crypto/suite.ts';
import { type Failure, plainText } from '../errors.ts';
import { SEALED_HEADER } from '../esp/engine.ts';
import type { NatTraversal } from '../ike/config.ts';
import type { Credentials } from '../ike/credentials.ts';
import type { Lifetime } from '../ike/lifetime.ts';
import type { Phase1Transform } from '../ike/phase1-transforms.ts';
import type { EspSettings } from '../ike/phase2-transforms.ts';
import type { IpInput, IpOutput } from '../ip/messages.ts';
import type { AuthMethod } from '../ppp/ppp.ts';
import { CLAIM_REFUSALS, REFUSALS } from '../relay/close-codes.ts';
import {
  type ControlFromRelay,
  type ControlFromTab,
  decodeControlFromRelay,
  encodeControl,
  type OpenedMessage,
} from '../relay/control.ts';
import { FrameWriter, forEachRecord } from '../relay/frames.ts';
import type { Bytes, Millis, Random } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import type { Machine, Trace } from '../wire/machine.ts';
import { SpareMemory } from '../wire/spare-memory.ts';
import type { Session } from './session.ts';
import { Stack } from './stack.ts';
import type { StackOutput, Stage } from './stack-config.ts';
import type { Tap } from './tap.ts';

export interface TunnelConfig {
  readonly suite: CipherSuite;
  readonly random: Random;
  /** The profile's id at the relay. */
  readonly gateway: string;
  readonly credentials: Credentials;
  readonly userName: string;
  readonly password: string;
  /** Ways to sign in that the user allows, best first. */
  readonly authMethods: readonly AuthMethod[];
  /** Domains in which a name without a dot is looked for. */
  readonly searchList?: readonly string[];
  /** Source port of L2TP inside ESP. Without it one that no other tab behind the relay's address has. */
  readonly innerPort?: number;
  /** ESP travels in UDP, also where relay and gateway could do without. */
  readonly forceEncapsulation?: boolean;
  /** How long an IKE SA and an ESP SA are offered to live; see `shared/ike/config.ts`. */
  readonly ikeLifetime?: Lifetime;
  readonly childLifetime?: Lifetime;
  /** What IKE offers, best first. */
  readonly phase1?: readonly Phase1Transform[];
  /** What the user knows about the gateway's ESP and no negotiation tells. */
  readonly esp?: EspSettings;
}

export type TunnelInput =
  /** The WebSocket is open. */
  | { readonly kind: 'start' }
  | { readonly kind: 'control'; readonly text: string }
  /** Bytes with a buffer of their own are the tunnel's from now on. */
  | { readonly kind: 'frame'; readonly bytes: Bytes }
  /** The WebSocket closed, or never opened. */
  | { readonly kind: 'relay-closed'; readonly failure: Failure }
  | { readonly kind: 'network'; readonly input: IpInput }
  | { readonly kind: 'timeout' }
  /** Somebody begins, or with `undefined` ends, to record. */
  | { readonly kind: 'tap'; readonly tap: Tap | undefined }
  | { readonly kind: 'close' };

export type TunnelOutput =
  | { readonly kind: 'control'; readonly text: string }
  | { readonly kind: 'frame'; readonly bytes: Bytes }
  | { readonly kind: 'stage'; readonly stage: Stage }
  | { readonly kind: 'connected'; readonly session: Session }
  | { readonly kind: 'network'; readonly output: IpOutput }
  /** The end: nothing follows, and the driver closes the WebSocket. */
  | { readonly kind: 'closed'; readonly failure?: Failure }
  | Trace;

type State =
  | { readonly kind: 'idle' }
  /** `movesTo`: the gateway's other address, after it asked to be called there. */
  | { readonly kind: 'asking-relay'; readonly giveUpAt: Millis; readonly movesTo?: string }
  | { readonly kind: 'up'; readonly stack: Stack; readonly opened: OpenedMessage }
  | { readonly kind: 'closed' };

/** How long the relay may take to answer `open` and `move`. */
const RELAY_ANSWER_MILLIS = 10_000;

/** How often a gateway may say that it wants to be called elsewhere. */
const MAX_MOVES = 3;

export class Tunnel implements Machine<TunnelInput, TunnelOutput> {
  readonly #config: TunnelConfig;
  readonly #frames: FrameWriter = new FrameWriter();
  readonly #taps: { tap: Tap | undefined } = { tap: undefined };
  readonly #spare = new SpareMemory();
  #state: State = { kind: 'idle' };
  #moves = 0;
  #now: Millis = 0;
  #out: TunnelOutput[] = [];

  constructor(config: TunnelConfig) {
    this.#config = config;
  }

  get deadline(): Millis | undefined {
    const state = this.#state;
    if (state.kind === 'asking-relay') return state.giveUpAt;
    if (state.kind === 'up') return state.stack.deadline;
    return undefined;
  }

  handle(input: TunnelInput, now: Millis): readonly TunnelOutput[] {
    this.#now = now;
    this.#apply(input, now);
    if (this.#state.kind === 'up') this.#state.stack.flush();
    this.#takeFrame();
    const out = this.#out;
    this.#out = [];
    return out;
  }

  /** A frame among the outputs was sent, and is not looked at any more: its memory serves another. */
  recycle(frame: Bytes): void {
    this.#frames.recycle(frame);
  }

  #apply(input: TunnelInput, now: Millis): void {
    if (this.#state.kind === 'closed') return;
    switch (input.kind) {
      case 'start':
        this.#out.push({ kind: 'stage', stage: 'relay' });
        this.#tell({ type: 'open', gateway: this.#config.gateway });
        this.#state = { kind: 'asking-relay', giveUpAt: now + RELAY_ANSWER_MILLIS };
        return;
      case 'control':
        return this.#control(input.text, now);
      case 'frame':
        return this.#frame(input.bytes, now);
      case 'relay-closed':
        return this.#closed(input.failure);
      case 'network':
        if (this.#state.kind === 'up') this.#state.stack.network(input.input, now);
        return;
      case 'timeout':
        return this.#timeout(now);
      case 'tap':
        this.#taps.tap = input.tap;
        if (this.#state.kind === 'up') input.tap?.opened(this.#state.opened);
        return;
      case 'close':
        return this.#close(now);
    }
  }

  #timeout(now: Millis): void {
    const state = this.#state;
    if (state.kind === 'asking-relay') {
      if (state.giveUpAt > now) return;
      const detail = `no answer to ${state.movesTo === undefined ? 'open' : 'move'}`;
      this.#closed({ code: 'RELAY_UNREACHABLE', detail });
    } else if (state.kind === 'up') {
      state.stack.timeout(now);
    }
  }

  #tell(message: ControlFromTab): void {
    const text = encodeControl(message);
    this.#taps.tap?.control('out', text);
    this.#out.push({ kind: 'control', text });
  }

  #control(text: string, now: Millis): void {
    this.#taps.tap?.control('in', text);
    let message: ControlFromRelay;
    try {
      message = decodeControlFromRelay(text);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      // A relay that answers what this page does not understand will not do better by waiting.
      if (this.#state.kind !== 'asking-relay') return this.#drop(error.reason);
      const detail = `the relay’s answer is not understood: ${error.reason}`;
      return this.#closed({ code: 'RELAY_REFUSED', detail });
    }
    const state = this.#state;
    if (message.type === 'refused') {
      const { movesTo } = state.kind === 'asking-relay' ? state : {};
      const words = movesTo === undefined ? message.message : `${movesTo}: ${message.message}`;
      this.#closed({ code: REFUSALS[message.code].outcome, detail: plainText(words) });
    } else if (message.type === 'opened') {
      if (state.kind === 'asking-relay') this.#opened(message, now);
      else this.#drop('opened twice');
    } else if (state.kind === 'up') {
      this.#toStack(state.stack, message, now);
    } else {
      this.#drop(`${message.type} before opened`);
    }
  }

  #toStack(
    stack: Stack,
    message: Exclude<ControlFromRelay, { type: 'opened' | 'refused' }>,
    now: Millis,
  ): void {
    switch (message.type) {
      case 'unreachable':
        return stack.unreachable(message.channel, now);
      case 'claimed':
        return stack.claimAnswered(message.spi, undefined, now);
      case 'claim-refused':
        return stack.claimAnswered(message.spi, CLAIM_REFUSALS[message.code], now);
    }
  }

  #opened(message: OpenedMessage, now: Millis): void {
    this.#taps.tap?.opened(message);
    const { forceEncapsulation = false } = this.#config;
    if (forceEncapsulation || !hasEsp(message)) this.#startStack(message, 'force', now);
    else this.#startStack(message, message.nat === 'none' ? 'off' : 'on', now);
  }

  #startStack(message: OpenedMessage, natTraversal: NatTraversal, now: Millis): void {
    const config = this.#config;
    const { local } = message;
    const stack = new Stack({
      suite: config.suite,
      random: config.random,
      send: (channel, bytes, start, end) => {
        this.#taps.tap?.datagram('out', channel, bytes, start, end);
        if (this.#frames.append(channel, bytes, start, end)) this.#takeFrame();
      },
      control: (control) => this.#tell(control),
      sendSealed: (bytes, start, end) => {
        this.#taps.tap?.datagram('out', bytes[start]!, bytes, start + SEALED_HEADER, end);
        if (this.#frames.appendRecord(bytes, start, end)) this.#takeFrame();
      },
      emit: (output) => this.#fromStack(output),
      gateway: message.gateway,
      localAddress: decodeAddress(local.address),
      remoteAddress: decodeAddress(message.gateway.address),
      localPorts: local,
      remotePorts: message.remote,
      natTraversal,
      outerMtu: message.mtu,
      credentials: config.credentials,
      userName: config.userName,
      password: config.password,
      authMethods: config.authMethods,
      ...(config.ikeLifetime && { ikeLifetime: config.ikeLifetime }),
      ...(config.childLifetime && { childLifetime: config.childLifetime }),
      ...(config.phase1 && { phase1: config.phase1 }),
      ...(config.esp && { esp: config.esp }),
      searchList: config.searchList ?? [],
      // Ports of the relay's that are this session's alone. Another one for a second try: a gateway may hold on to the first.
      innerPort: config.innerPort ?? (natTraversal === 'force' ? local.natt : local.l2tp),
      taps: this.#taps,
      spare: this.#spare,
    });
    this.#state = { kind: 'up', stack, opened: message };
    stack.start(now);
  }

  #fromStack(output: StackOutput): void {
    if (output.kind === 'closed') this.#closed(output.failure);
    else if (output.kind === 'raw-esp-failed') this.#encapsulate(output.reason);
    else if (output.kind === 'try-another') this.#move(output.address);
    else this.#out.push(output);
  }

  /** Begins anew with ESP in UDP. */
  #encapsulate(reason: string): void {
    if (this.#state.kind !== 'up') return;
    this.#out.push({ kind: 'trace', layer: 'esp', event: 'raw-esp-failed', detail: reason });
    this.#startStack(this.#state.opened, 'force', this.#now);
  }

  /** Has the relay turn to the gateway's other address, if its profile has that, and begins anew there. @rfc 3193 §4.2.3 */
  #move(address: string): void {
    if (this.#moves === MAX_MOVES) {
      const detail = `${address}, after ${MAX_MOVES} others`;
      return this.#closed({ code: 'L2TP_TRY_ANOTHER', detail });
    }
    this.#moves++;
    this.#out.push({ kind: 'trace', layer: 'l2tp', event: 'try-another', detail: address });
    this.#takeFrame();
    this.#tell({ type: 'move', address });
    const giveUpAt = this.#now + RELAY_ANSWER_MILLIS;
    this.#state = { kind: 'asking-relay', giveUpAt, movesTo: address };
  }

  #frame(bytes: Bytes, now: Millis): void {
    const state = this.#state;
    if (state.kind !== 'up') return this.#drop('frame before opened');
    try {
      forEachRecord(
        bytes,
        (channel, start, end) => {
          this.#taps.tap?.datagram('in', channel, bytes, start, end);
          state.stack.receive(channel, bytes, start, end, now);
        },
        hasEsp(state.opened),
      );
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#drop(error.reason);
    }
    // Every record was copied, into a slot or by IKE.
    this.#spare.give(bytes);
    state.stack.received(now);
    this.#spare.drop();
  }

  #close(now: Millis): void {
    if (this.#state.kind === 'up') this.#state.stack.close(now);
    else this.#closed(undefined);
  }

  #closed(failure: Failure | undefined): void {
    const state = this.#state;
    if (state.kind === 'closed') return;
    this.#state = { kind: 'closed' };
    this.#takeFrame();
    if (state.kind === 'up') state.stack.discard();
    this.#out.push(failure === undefined ? { kind: 'closed' } : { kind: 'closed', failure });
  }

  #drop(detail: string): void {
    this.#out.push({ kind: 'trace', layer: 'relay', event: 'dropped', detail });
  }

  #takeFrame(): void {
    const bytes = this.#frames.take();
    if (bytes !== undefined) this.#out.push({ kind: 'frame', bytes });
  }
}

function hasEsp({ channels }: OpenedMessage): boolean {
  return channels.includes('esp');
}

/** A dotted IPv4 address as 4 bytes; the control codec has checked its form. */
function decodeAddress(text: string): Bytes {
  return Uint8Array.from(text.split('.'), Number);
}
