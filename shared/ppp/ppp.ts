/**
 * A PPP endpoint over L2TP: brings the link up with LCP, signs in or lets sign in, negotiates IPv4 with
 * IPCP and IPv6 with IPV6CP, keeps watch over the link, and takes it down.
 * RFC 1661 §3, RFC 1332. Left out: compression, encryption (MPPE), EAP, multilink, callback; what a
 * peer asks of that is rejected.
 * A little long: each method is one line of the phase diagram (§3.2), and they only make sense together.
 */
import { type Failure, plainText } from '../errors.ts';
import type { Bytes, Millis } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { earliest, type Machine, type Trace } from '../wire/machine.ts';
import type { Packet } from '../wire/packet.ts';
import { utf8Decode, utf8Encode } from '../wire/text.ts';
import type { Authentication, AuthenticationOutput } from './authentication.ts';
import { authenticationFor, protocolOf } from './authentication-methods.ts';
import { State } from './automaton.ts';
import {
  type AuthMethod,
  CREDENTIAL_LIMIT,
  PPP_TIMING,
  type PppConfig,
  type PppTiming,
} from './config.ts';
import { type ControlPacket, decodeControlPacket, encodeControlPacket } from './control-packet.ts';
import type { PppInput, PppOutput } from './interface.ts';
import type { IpcpOption } from './ipcp-option.ts';
import { IpcpClientPolicy, type IpcpPolicy, IpcpServerPolicy } from './ipcp-policy.ts';
import { Ipv6cp, type Ipv6cpOutput } from './ipv6cp.ts';
import { Keepalive } from './keepalive.ts';
import { Lcp, type LcpOutput } from './lcp.ts';
import { Negotiation, type NegotiationOutput } from './negotiation.ts';
import {
  encodeFrame,
  headerLength,
  PPP_HEADER_LENGTH,
  PppProtocol,
  protocolNumber,
  writeHeader,
} from './protocol.ts';

export type { AuthMethod, PppConfig } from './config.ts';
export type { PppInput, PppOutput } from './interface.ts';
export { PppProtocol } from './protocol.ts';

const LCP_ENDED: Failure = { code: 'PPP_NEGOTIATION_FAILED', detail: 'LCP ended' };

type Phase =
  | { readonly kind: 'dead' }
  | { readonly kind: 'link' }
  | {
      readonly kind: 'authentication';
      readonly method: AuthMethod;
      readonly side: Authentication;
    }
  | {
      readonly kind: 'network';
      readonly method: AuthMethod | undefined;
      /** Late copies of the exchange, and CHAP's later challenges; none where nobody signed in. */
      readonly side: Authentication | undefined;
      readonly keepalive: Keepalive;
      readonly open: boolean;
    }
  | { readonly kind: 'terminating' }
  | { readonly kind: 'closed' };

export class Ppp implements Machine<PppInput, PppOutput> {
  readonly #config: PppConfig;
  readonly #timing: PppTiming;
  readonly #lcp: Lcp;
  readonly #ipcpPolicy: IpcpPolicy;
  readonly #ipcp: Negotiation<IpcpOption>;
  readonly #ipv6cp: Ipv6cp | undefined;
  #phase: Phase = { kind: 'dead' };
  #failure: Failure | undefined;
  #out: PppOutput[] = [];

  /** Throws `TypeError` for a server without `server`, `RangeError` for credentials that do not fit PAP. */
  constructor(config: PppConfig) {
    if (config.role === 'server' && config.server === undefined)
      throw new TypeError('server: missing');
    const { userName = '', password = '' } = config.credentials ?? {};
    for (const text of [userName, password]) {
      if (utf8Encode(text).length > CREDENTIAL_LIMIT)
        throw new RangeError(`credentials: longer than ${CREDENTIAL_LIMIT} bytes`);
    }
    this.#config = config;
    this.#timing = { ...PPP_TIMING, ...config.timing };
    this.#lcp = new Lcp(config, this.#timing);
    this.#ipcpPolicy =
      config.role === 'client' ? new IpcpClientPolicy() : new IpcpServerPolicy(config.server!);
    this.#ipcp = new Negotiation(this.#ipcpPolicy, this.#timing);
    if (config.ipv6 === true) this.#ipv6cp = new Ipv6cp(config.random, this.#timing);
  }

  /**
   * Why the link is ending, known before `closed` tells it: for whoever sees the layer below end first,
   * as when a gateway refuses a password and hangs up at once.
   */
  get failure(): Failure | undefined {
    return this.#failure;
  }

  /**
   * What it says of the sign-in when the peer hangs up now, be it by the layer below: on a proof, that it refuses it (its
   * Failure may be lost, or never be sent); on a refusal of its way to sign in, that it has no other.
   * @rfc 1994 §4.2
   */
  refusal(text: string): Failure | undefined {
    const { kind } = this.#phase;
    if (kind === 'authentication' && this.#config.role === 'client')
      return { code: 'PPP_AUTH_FAILED', ...(text !== '' && { detail: text }) };
    return kind === 'link' && this.#lcp.policy.refusedMethod
      ? this.#lcp.policy.noMethod
      : undefined;
  }

  /** Whether an allowed way to sign in was refused for the best one: without `insist` the link may succeed. */
  get heldOut(): boolean {
    return this.#lcp.policy.heldOut;
  }

  get deadline(): Millis | undefined {
    const phase = this.#phase;
    if (phase.kind === 'closed') return undefined;
    const side =
      phase.kind === 'authentication' || phase.kind === 'network' ? phase.side : undefined;
    const keepalive = phase.kind === 'network' ? phase.keepalive : undefined;
    return earliest(
      this.#lcp.deadline,
      this.#ipcp.deadline,
      this.#ipv6cp?.deadline,
      side?.deadline,
      keepalive?.deadline,
    );
  }

  handle(input: PppInput, now: Millis): readonly PppOutput[] {
    switch (input.kind) {
      case 'up':
        this.#up(now);
        break;
      case 'frame':
        this.#receive(input.bytes, now);
        break;
      case 'timeout':
        this.#timeout(now);
        break;
      case 'close':
        this.#close(undefined, now);
        break;
    }
    const out = this.#out;
    this.#out = [];
    return out;
  }

  /** Prepends the whole header; needs `PPP_HEADER_LENGTH` bytes of headroom, else throws `RangeError`. */
  encapsulate(packet: Packet, protocol: number): void {
    if (packet.start < PPP_HEADER_LENGTH) throw new RangeError('packet: no headroom');
    packet.start -= PPP_HEADER_LENGTH;
    writeHeader(packet.bytes, packet.start, protocol);
  }

  /**
   * Tells which protocol a received frame carries. For `ipv4` and `ipv6` the header is consumed and the packet is to
   * be delivered; 0 is malformed or IP while its network is down, to be dropped; anything else leaves the cursor
   * alone and wants the frame as an input. May move `deadline` back.
   */
  decapsulate(packet: Packet, now: Millis): number {
    const length = headerLength(packet.bytes, packet.start, packet.end);
    if (length === 0) return 0;
    const protocol = protocolNumber(packet.bytes, packet.start, length);
    const isIpv6 = protocol === PppProtocol.ipv6 && this.#ipv6cp?.isUp === true;
    if (protocol !== PppProtocol.ipv4 && !isIpv6) return protocol;
    if (this.#phase.kind !== 'network') return 0;
    if (isIpv6 ? !this.#ipv6cp?.isOpen : !this.#phase.open) return 0;
    this.#phase.keepalive.heard(now);
    packet.start += length;
    return protocol;
  }

  #up(now: Millis): void {
    if (this.#phase.kind !== 'dead') return;
    this.#enterLink();
    this.#ipcpDo(this.#ipcp.signal('Open', now), now);
    this.#ipv6cpDo(this.#ipv6cp?.open(now));
    this.#lcpDo(this.#lcp.open(now), now);
  }

  #receive(bytes: Bytes, now: Millis): void {
    const length = headerLength(bytes, 0, bytes.length);
    if (length === 0) return this.#trace('malformed-frame');
    if (this.#phase.kind === 'dead' || this.#phase.kind === 'closed')
      return this.#trace('frame-while-down');
    if (this.#phase.kind === 'network') this.#phase.keepalive.heard(now);
    const protocol = protocolNumber(bytes, 0, length);
    try {
      this.#dispatch(protocol, bytes.slice(length), now);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#trace('malformed-packet', `0x${protocol.toString(16)}: ${error.reason}`);
    }
  }

  /** What a phase has no use for is dropped in silence. @rfc 1661 §3.4, §3.5, §3.6, §3.7 */
  #dispatch(protocol: number, information: Bytes, now: Millis): void {
    const phase = this.#phase;
    if (protocol === PppProtocol.lcp) {
      this.#lcpDo(this.#lcp.receive(decodeControlPacket(information), now), now);
    } else if (phase.kind !== 'network' && phase.kind !== 'authentication') {
      this.#trace('out-of-phase', `0x${protocol.toString(16)}`);
    } else if (phase.method !== undefined && protocol === protocolOf(phase.method)) {
      const outputs = phase.side?.receive(decodeControlPacket(information), now) ?? [];
      this.#authenticationDo(outputs, now);
    } else if (phase.kind === 'authentication') {
      this.#trace('out-of-phase', `0x${protocol.toString(16)}`);
    } else if (protocol === PppProtocol.ipcp) {
      this.#ipcpDo(this.#ipcp.receive(decodeControlPacket(information), now), now);
    } else if (protocol === PppProtocol.ipv6cp && this.#ipv6cpUp(now)) {
      this.#ipv6cpDo(this.#ipv6cp?.receive(decodeControlPacket(information), now));
    } else if (
      protocol === PppProtocol.ipv4 ||
      (protocol === PppProtocol.ipv6 && this.#ipv6cp?.isUp)
    ) {
      this.#trace('data-as-frame');
    } else {
      const packet = this.#lcp.protocolReject(protocol, information);
      if (packet !== undefined) this.#transmit(PppProtocol.lcp, packet);
    }
  }

  #timeout(now: Millis): void {
    if (this.#phase.kind === 'closed') return;
    this.#lcpDo(this.#lcp.timeout(now), now);
    this.#ipcpDo(this.#ipcp.timeout(now), now);
    this.#ipv6cpDo(this.#ipv6cp?.timeout(now));
    const phase = this.#phase;
    if (phase.kind === 'authentication' || phase.kind === 'network')
      this.#authenticationDo(phase.side?.timeout(now) ?? [], now);
    if (phase.kind === 'network') this.#watch(phase.keepalive, now);
  }

  #watch(keepalive: Keepalive, now: Millis): void {
    const due = keepalive.timeout(now);
    if (due === 'ask') {
      const packet = this.#lcp.echoRequest();
      if (packet === undefined) keepalive.heard(now);
      else this.#transmit(PppProtocol.lcp, packet);
    }
    if (due === 'dead') {
      this.#close({ code: 'PPP_DEAD_PEER' }, now);
      this.#finish(); // Nobody is there to wait for.
    }
  }

  #lcpDo(outputs: readonly LcpOutput[], now: Millis): void {
    let ended = false;
    for (const output of outputs) {
      switch (output.kind) {
        case 'transmit':
          this.#transmit(PppProtocol.lcp, output.packet);
          break;
        case 'layer-up':
          this.#linkUp(now);
          break;
        case 'layer-down':
          if (this.#phase.kind !== 'terminating') this.#enterLink();
          if (this.#ipcp.state > State.starting) this.#ipcpDo(this.#ipcp.signal('Down', now), now);
          this.#ipv6cpDo(this.#ipv6cp?.down(now));
          break;
        case 'layer-finished':
          // A peer may end it by rejecting what LCP cannot do without.
          if (this.#phase.kind !== 'terminating') this.#failure = LCP_ENDED;
          this.#finish();
          break;
        case 'terminated':
          ended = this.#terminated(output.text);
          break;
        case 'failed':
          this.#close(output.failure, now);
          break;
        case 'protocol-rejected':
          this.#protocolRejected(output.protocol, now);
          break;
        case 'trace':
          this.#out.push(output);
      }
    }
    // Before Opened the automaton would only acknowledge, and then ask again and again.
    if (ended) this.#lcpDo(this.#lcp.close(now), now);
  }

  #ipcpDo(outputs: readonly NegotiationOutput[], now: Millis): void {
    for (const output of outputs) {
      switch (output.kind) {
        case 'transmit':
          this.#transmit(PppProtocol.ipcp, output.packet);
          break;
        case 'layer-up':
          this.#networkUp(now);
          break;
        case 'layer-down':
          if (this.#phase.kind === 'network') this.#enterNetwork(this.#phase);
          break;
        case 'terminated':
          this.#networkTerminated(output.text, now);
          break;
        case 'failed':
          this.#close(output.failure, now);
          break;
        case 'layer-finished': {
          const detail = 'IPCP ended';
          this.#close({ code: 'PPP_NEGOTIATION_FAILED', detail }, now);
          break;
        }
        case 'trace':
          this.#out.push(output);
      }
    }
  }

  #ipv6cpDo(outputs: readonly Ipv6cpOutput[] = []): void {
    for (const output of outputs) {
      if (output.kind === 'transmit') this.#transmit(PppProtocol.ipv6cp, output.packet);
      else this.#out.push(output);
    }
  }

  #authenticationDo(outputs: readonly AuthenticationOutput[], now: Millis): void {
    for (const output of outputs) {
      const phase = this.#phase;
      if (phase.kind !== 'authentication' && phase.kind !== 'network') return;
      if (output.kind === 'transmit') {
        this.#transmit(protocolOf(phase.method!), output.packet);
      } else if (output.kind === 'failed') {
        this.#close(output.failure, now);
      } else if (output.kind === 'passed' && phase.kind === 'authentication') {
        const { message } = output;
        const { method, side } = phase;
        this.#out.push({
          kind: 'authenticated',
          method,
          ...(message !== undefined && { message }),
        });
        this.#startNetwork(method, side, now);
      } else if (output.kind === 'trace') {
        this.#out.push(output);
      }
    }
  }

  #enterLink(): void {
    this.#phase = { kind: 'link' };
    this.#stage('link');
  }

  #linkUp(now: Millis): void {
    const method = this.#lcp.policy.method;
    if (method !== undefined) {
      const side = authenticationFor(method, this.#config, this.#timing);
      this.#phase = { kind: 'authentication', method, side };
      this.#stage('authentication');
      return this.#authenticationDo(side.start(now), now);
    }
    if (this.#lcp.policy.refusedMethod) return this.#close(this.#lcp.policy.noMethod, now);
    const { role, methods } = this.#config;
    if (role === 'client' && !methods.some((allowed) => allowed !== 'mschapv2')) {
      const detail = 'it asks for no proof and gives none';
      return this.#close({ code: 'PPP_PEER_NOT_AUTHENTIC', detail }, now);
    }
    this.#startNetwork(undefined, undefined, now);
  }

  #startNetwork(
    method: AuthMethod | undefined,
    side: Authentication | undefined,
    now: Millis,
  ): void {
    const { echoInterval, echoLimit } = this.#timing;
    const keepalive = new Keepalive(echoInterval, echoLimit, now);
    this.#enterNetwork({ method, side, keepalive });
    this.#ipcpDo(this.#ipcp.signal('Up', now), now);
  }

  /** Brings IPV6CP up, unless it is. Answers whether the link carries it. */
  #ipv6cpUp(now: Millis): boolean {
    if (this.#ipv6cp?.isUp === false) this.#ipv6cpDo(this.#ipv6cp.up(this.#lcp.policy.mtu, now));
    return this.#ipv6cp?.isUp === true;
  }

  #enterNetwork(
    network: Pick<Extract<Phase, { kind: 'network' }>, 'method' | 'side' | 'keepalive'>,
  ): void {
    const { method, side, keepalive } = network;
    this.#phase = { kind: 'network', method, side, keepalive, open: false };
    this.#stage('network');
  }

  #networkUp(now: Millis): void {
    if (this.#phase.kind !== 'network') return;
    this.#phase = { ...this.#phase, open: true };
    const { address, peerAddress, nameServers } = this.#ipcpPolicy;
    const mtu = this.#lcp.policy.mtu;
    this.#out.push({ kind: 'network-up', address, peerAddress, nameServers, mtu });
    // A gateway with IPv6 begins by itself. One without may stop to think about it: SoftEther forwards nothing for 4 s then.
    if (this.#config.role === 'server') this.#ipv6cpUp(now);
  }

  /** The peer takes the link down, in whatever phase; false when it is going down already. @rfc 1661 §3.7 */
  #terminated(text: Bytes): boolean {
    const phase = this.#phase;
    if (phase.kind === 'terminating' || phase.kind === 'closed') return false;
    const shown = plainText(utf8Decode(text));
    const detail = shown === '' ? {} : { detail: shown };
    this.#failure = this.refusal(shown) ?? { code: 'PPP_CLOSED_BY_PEER', ...detail };
    this.#phase = { kind: 'terminating' };
    return true;
  }

  /** Without IPv4 the link is of no use: a peer that ends IPCP before an address is agreed has none. */
  #networkTerminated(text: Bytes, now: Millis): void {
    const shown = plainText(utf8Decode(text));
    const detail = shown === '' ? {} : { detail: shown };
    const open = this.#phase.kind === 'network' && this.#phase.open;
    const early = this.#config.role === 'client' && !open;
    const code = early ? 'PPP_NO_ADDRESS' : 'PPP_CLOSED_BY_PEER';
    this.#close({ code, ...detail }, now);
  }

  #protocolRejected(protocol: number, now: Millis): void {
    const phase = this.#phase;
    const method =
      phase.kind === 'authentication' || phase.kind === 'network' ? phase.method : undefined;
    const needed =
      protocol === PppProtocol.lcp ||
      protocol === PppProtocol.ipcp ||
      protocol === PppProtocol.ipv4 ||
      (method !== undefined && protocol === protocolOf(method));
    if (protocol === PppProtocol.ipv6cp || protocol === PppProtocol.ipv6) {
      this.#ipv6cpDo(this.#ipv6cp?.rejected(now));
    }
    if (!needed) return this.#trace('protocol-rejected', `0x${protocol.toString(16)}`);
    const detail = `the peer rejects protocol 0x${protocol.toString(16).padStart(4, '0')}`;
    this.#close({ code: 'PPP_NEGOTIATION_FAILED', detail }, now);
  }

  /** Ends the link in order; the first reason counts. */
  #close(failure: Failure | undefined, now: Millis): void {
    const phase = this.#phase;
    if (phase.kind === 'closed' || phase.kind === 'terminating') return;
    this.#failure = failure;
    this.#phase = { kind: 'terminating' };
    if (phase.kind === 'dead') return this.#finish();
    this.#lcpDo(this.#lcp.close(now), now);
  }

  #finish(): void {
    if (this.#phase.kind === 'closed') return;
    this.#phase = { kind: 'closed' };
    this.#out.push({
      kind: 'closed',
      ...(this.#failure !== undefined && { failure: this.#failure }),
    });
  }

  #stage(stage: 'link' | 'authentication' | 'network'): void {
    this.#out.push({ kind: 'stage', stage });
  }

  #transmit(protocol: number, packet: ControlPacket): void {
    this.#out.push({ kind: 'transmit', bytes: encodeFrame(protocol, encodeControlPacket(packet)) });
  }

  #trace(event: string, detail?: string): void {
    const trace: Trace = { kind: 'trace', layer: 'ppp', event };
    this.#out.push(detail === undefined ? trace : { ...trace, detail });
  }
}
