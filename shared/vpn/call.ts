/**
 * The call inside the tunnel: L2TP with PPP over its session, made once the SAs have settled, and once more where the gateway
 * hung up over the way to sign in. Below it is whatever carries L2TP packets, above it whoever sends IP.
 */
import type { Failure } from '../errors.ts';
import { isControl, L2tp, type L2tpOutput } from '../l2tp/l2tp.ts';
import { type AuthMethod, Ppp, type PppOutput, PppProtocol } from '../ppp/ppp.ts';
import type { Bytes, Millis } from '../wire/bytes.ts';
import { earliest, isDue, type Trace } from '../wire/machine.ts';
import type { Packet, PacketSink } from '../wire/packet.ts';
import type { StackConfig, Stage } from './stack-config.ts';

/** A gateway installs its SAs when Quick Mode's last message arrives: what follows on its heels is lost, and L2TP waits a second. */
const SETTLE_MILLIS = 100;

/** So that a gateway that dies is missed within a minute, also where its IKE has no dead peer detection. */
const HELLO_MILLIS = 20_000;

export type CallOutput =
  | { readonly kind: 'stage'; readonly stage: Stage }
  | { readonly kind: 'authenticated'; readonly method: AuthMethod }
  | Extract<PppOutput, { kind: 'network-up' | 'ipv6-up' | 'ipv6-down' }>
  /** PPP or L2TP has ended; `close` ends what still stands. `elsewhere`: the address at which the gateway wants to be called. */
  | { readonly kind: 'ended'; readonly failure: Failure | undefined; readonly elsewhere?: string }
  | Trace;

/** Takes L2TP packets. */
interface CallLink extends Pick<PacketSink, 'take' | 'send'> {
  /** An L2TP tunnel begins, and stands: in between the gateway may move to another port. */
  begin(): void;
  settle(): void;
}

interface CallConfig
  extends Pick<StackConfig, 'random' | 'suite' | 'userName' | 'password' | 'authMethods'> {
  readonly link: CallLink;
  /** The largest IP packet that the link has room for, in bytes; `undefined` without an SA. */
  readonly mtu: () => number | undefined;
  /** Gets the IP packets that came together, valid until it returns. */
  readonly deliver: (packets: readonly Packet[]) => void;
  readonly emit: (output: CallOutput) => void;
}

export class Call {
  readonly #config: CallConfig;
  #l2tp: L2tp | undefined;
  #ppp: Ppp | undefined;
  /** Set while SAs settle, before the call is made. */
  #callAt: Millis | undefined;
  /** Whether PPP holds out for the best way to sign in; not in a second call. */
  #insist = true;
  /** Set while a call ends to be made again. */
  #again = false;
  /** Set from the first `close`: nothing is begun any more. */
  #closing = false;
  /** Whether PPP carries IP now: it does not while a gateway negotiates anew. */
  #carriesIp = false;
  #interfaceId: Bytes | undefined;
  /** Packets of one run that go to IP together. */
  readonly #forIp: Packet[] = [];

  constructor(config: CallConfig) {
    this.#config = config;
  }

  get deadline(): Millis | undefined {
    return earliest(this.#l2tp?.deadline, this.#ppp?.deadline, this.#callAt);
  }

  /** Our half of the link-local address, 8 bytes, while PPP carries IPv6. */
  get interfaceId(): Bytes | undefined {
    return this.#interfaceId;
  }

  /** SAs stand: makes the call when they have settled, unless it is made already. */
  place(now: Millis): void {
    if (this.#l2tp === undefined && !this.#closing) this.#callAt ??= now + SETTLE_MILLIS;
  }

  timeout(now: Millis): void {
    if (isDue(this.#l2tp, now)) this.#toL2tp({ kind: 'timeout' }, now);
    if (isDue(this.#ppp, now)) this.#toPpp({ kind: 'timeout' }, now);
    if (this.#callAt !== undefined && this.#callAt <= now) this.#startL2tp(now);
  }

  /** Ends the topmost layer that stands, which `ended` tells; the answer is whether one did. */
  close(now: Millis): boolean {
    this.#closing = true;
    this.#callAt = undefined;
    if (this.#ppp) this.#toPpp({ kind: 'close' }, now);
    else if (this.#l2tp) this.#toL2tp({ kind: 'close' }, now);
    else return false;
    return true;
  }

  /** Ends both layers without a word to anybody. */
  discard(): void {
    this.#closing = true;
    this.#callAt = undefined;
    this.#ppp = undefined;
    this.#l2tp = undefined;
  }

  /** The data path up: L2TP and PPP headers come off in place, and what is IP goes on together. */
  receive(packets: readonly Packet[], now: Millis): void {
    this.#forIp.length = 0;
    for (const packet of packets) if (this.#decapsulate(packet, now)) this.#forIp.push(packet);
    if (this.#forIp.length > 0) this.#config.deliver(this.#forIp);
  }

  /** Answers whether what is left is an IP packet; all else is dealt with. */
  #decapsulate(packet: Packet, now: Millis): boolean {
    if (this.#l2tp === undefined) return false;
    if (isControl(packet)) {
      this.#toL2tp({ kind: 'datagram', bytes: packet.bytes.slice(packet.start, packet.end) }, now);
      return false;
    }
    if (!this.#l2tp.decapsulate(packet, now) || this.#ppp === undefined) return false;
    const frameStart = packet.start;
    const protocol = this.#ppp.decapsulate(packet, now);
    if (packet.start !== frameStart) return true;
    if (protocol !== 0) {
      this.#toPpp({ kind: 'frame', bytes: packet.bytes.slice(frameStart, packet.end) }, now);
    }
    return false;
  }

  /** Sends the IP packet that was written into what the link's `take` gave last. */
  sendIp(packet: Packet): void {
    if (this.#ppp === undefined || this.#l2tp === undefined) return;
    const isIpv6 = packet.bytes[packet.start]! >>> 4 === 6;
    if (isIpv6 ? this.#interfaceId === undefined : !this.#carriesIp) return;
    this.#ppp.encapsulate(packet, isIpv6 ? PppProtocol.ipv6 : PppProtocol.ipv4);
    this.#l2tp.encapsulate(packet);
    this.#config.link.send(packet);
  }

  #startL2tp(now: Millis): void {
    this.#callAt = undefined;
    this.#stage('l2tp');
    this.#config.link.begin();
    const { random, suite } = this.#config;
    this.#l2tp = new L2tp({
      role: 'lac',
      random,
      hostName: 'culvert',
      primitives: suite,
      helloInterval: HELLO_MILLIS,
    });
    this.#toL2tp({ kind: 'open' }, now);
  }

  #toL2tp(input: Parameters<L2tp['handle']>[0], now: Millis): void {
    for (const output of this.#l2tp?.handle(input, now) ?? []) this.#fromL2tp(output, now);
  }

  #fromL2tp(output: L2tpOutput, now: Millis): void {
    switch (output.kind) {
      case 'transmit':
        return this.#send(output.bytes, false);
      case 'stage':
        if (output.stage === 'session') this.#config.link.settle();
        return;
      case 'session-established':
        return this.#startPpp(now);
      case 'closed': {
        // A gateway that refuses a password may hang up L2TP before PPP has told why.
        const failure = this.#ppp?.failure ?? this.#refusal(output.failure) ?? output.failure;
        const again = this.#mayCallAgain(failure);
        this.#l2tp = undefined;
        this.#ppp = undefined;
        if (!again) {
          const { elsewhere } = output;
          return this.#config.emit({ kind: 'ended', failure, ...(elsewhere && { elsewhere }) });
        }
        this.#again = false;
        this.#callAt = now + SETTLE_MILLIS;
        return;
      }
      case 'trace':
        return this.#config.emit(output);
    }
  }

  /** A gateway that hangs up L2TP in the middle of PPP's sign-in. */
  #refusal(failure: Failure | undefined): Failure | undefined {
    if (failure?.code !== 'L2TP_CLOSED_BY_PEER') return undefined;
    return this.#ppp?.refusal(failure.detail ?? '');
  }

  #startPpp(now: Millis): void {
    const { random, suite, userName, password, authMethods } = this.#config;
    const mru = this.#config.mtu();
    if (mru === undefined) return;
    this.#ppp = new Ppp({
      role: 'client',
      random,
      primitives: suite,
      mru,
      credentials: { userName, password },
      methods: authMethods,
      insist: this.#insist,
      ipv6: true,
    });
    this.#toPpp({ kind: 'up' }, now);
  }

  #toPpp(input: Parameters<Ppp['handle']>[0], now: Millis): void {
    for (const output of this.#ppp?.handle(input, now) ?? []) this.#fromPpp(output, now);
  }

  #fromPpp(output: PppOutput, now: Millis): void {
    switch (output.kind) {
      case 'transmit':
        return this.#send(output.bytes, true);
      case 'stage':
        this.#carriesIp = false;
        if (output.stage === 'link') this.#stage('ppp-link');
        else this.#stage(output.stage === 'authentication' ? 'ppp-authentication' : 'ppp-address');
        return;
      case 'network-up':
        this.#carriesIp = true;
        return this.#config.emit(output);
      case 'ipv6-up':
        this.#interfaceId = output.interfaceId;
        return this.#config.emit(output);
      case 'ipv6-down':
        this.#interfaceId = undefined;
        return this.#config.emit(output);
      case 'closed': {
        const { failure } = output;
        const again = this.#mayCallAgain(failure);
        this.#ppp = undefined;
        if (again) return this.#toL2tp({ kind: 'close' }, now);
        return this.#config.emit({ kind: 'ended', failure });
      }
      default:
        return this.#config.emit(output);
    }
  }

  /** A gateway that gave up because PPP held out for better is called once more and taken at its first offer. */
  #mayCallAgain(failure: Failure | undefined): boolean {
    if (this.#closing) return false;
    if (failure?.code === 'PPP_NO_AUTH_PROTOCOL' && this.#ppp?.heldOut) {
      this.#insist = false;
      this.#again = true;
    }
    return this.#again;
  }

  /** Control traffic of L2TP, or a PPP frame to wrap in its data header. */
  #send(bytes: Bytes, isFrame: boolean): void {
    const { link } = this.#config;
    const packet = link.take();
    packet.bytes.set(bytes, packet.start);
    packet.end = packet.start + bytes.length;
    if (isFrame) {
      if (this.#l2tp === undefined) return;
      this.#l2tp.encapsulate(packet);
    }
    link.send(packet);
  }

  #stage(stage: Stage): void {
    this.#config.emit({ kind: 'stage', stage });
  }
}
