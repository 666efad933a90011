/**
 * A small L2TP/IPsec gateway out of the machines' other halves (IKE responder, LNS, authenticator, a TCP/IP stack
 * that listens), for tests in virtual time. It agrees with our client by construction: real gateways judge.
 */
import type { CipherSuite } from '../../shared/crypto/suite.ts';
import { type EspEngine, SEALED_HEADER } from '../../shared/esp/engine.ts';
import type { NatTraversal } from '../../shared/ike/config.ts';
import type { Aggressive } from '../../shared/ike/credentials.ts';
import { Ike } from '../../shared/ike/ike.ts';
import type { IkeOutput } from '../../shared/ike/io.ts';
import type { Lifetime } from '../../shared/ike/lifetime.ts';
import type { Phase1Transform } from '../../shared/ike/phase1-transforms.ts';
import type { Phase2Transform } from '../../shared/ike/phase2-transforms.ts';
import type { IpOutput } from '../../shared/ip/messages.ts';
import { IpStack } from '../../shared/ip/stack.ts';
import { isControl, L2tp, type L2tpOutput } from '../../shared/l2tp/l2tp.ts';
import { type AuthMethod, Ppp, type PppOutput, PppProtocol } from '../../shared/ppp/ppp.ts';
import { headerLength } from '../../shared/ppp/protocol.ts';
import { Channel, type ChannelNumber } from '../../shared/relay/channels.ts';
import { type EspCounters, EspPath } from '../../shared/vpn/esp-path.ts';
import type { Bytes, Millis, Random } from '../../shared/wire/bytes.ts';
import { earliest } from '../../shared/wire/machine.ts';
import type { Packet } from '../../shared/wire/packet.ts';

export interface GatewayConfig {
  readonly suite: CipherSuite;
  readonly random: Random;
  readonly preSharedKey: Bytes;
  /** Aggressive mode besides main mode. */
  readonly aggressive?: Aggressive;
  readonly clientAddress: Bytes;
  readonly clientPorts: { readonly ike: number; readonly natt: number };
  /** The client's inner L2TP port. */
  readonly innerPort: number;
  readonly accounts: Readonly<Record<string, string>>;
  readonly methods: readonly AuthMethod[];
  /** TCP port that is served behind the tunnel, and what every connection is sent. */
  readonly port: number;
  readonly content: Bytes;
  /** What main mode may agree on; everything without it. */
  readonly phase1?: readonly Phase1Transform[];
  /** The same for Quick Mode. */
  readonly phase2?: readonly Phase2Transform[];
  /** Whether it speaks NAT traversal; it does without this. */
  readonly natTraversal?: NatTraversal;
  readonly misbehaviour?: Misbehaviour;
  /** Its MRU, and the client's address, which may be changed while it runs. */
  readonly mru?: number;
  readonly assign?: Bytes;
  /**
   * Whether a main mode beside a tunnel that stands renews its IKE SA. Without it a first message is not heard until that tunnel has
   * ended, since it may be the next one's: this gateway has one client at a time.
   */
  readonly renews?: boolean;
  /** What its Quick Modes and main modes offer and allow. */
  readonly ikeLifetime?: Lifetime;
  readonly childLifetime?: Lifetime;
  /** UDP port inside ESP to which its L2TP moves before it answers, and whether it negotiates SAs for it first. */
  readonly moves?: { readonly port: number; readonly negotiates: boolean };
  /** Whether it has IPv6, too. */
  readonly ipv6?: boolean;
}

/**
 * What answers in place of the machines: each gets what came from the client, and answers what is sent instead,
 * or `undefined` to let the machine have it.
 */
export interface Misbehaviour {
  readonly datagram?: (channel: ChannelNumber, bytes: Bytes) => readonly Datagram[] | undefined;
  /** L2TP control messages. */
  readonly l2tp?: (bytes: Bytes) => readonly Bytes[] | undefined;
  /** PPP frames but those with IPv4, by protocol number and information field. */
  readonly ppp?: (protocol: number, information: Bytes) => readonly Bytes[] | undefined;
  /** Machines that hear everything and are heard no more. */
  readonly mute?: readonly ('l2tp' | 'ppp')[];
}

export interface Datagram {
  readonly channel: ChannelNumber;
  readonly bytes: Bytes;
}

export const GATEWAY_ADDRESS: Bytes = Uint8Array.of(192, 0, 2, 1);
export const GATEWAY_INNER: Bytes = Uint8Array.of(10, 30, 0, 254);
const ASSIGNED: Bytes = Uint8Array.of(10, 30, 0, 10);
const NAME_SERVER: Bytes = Uint8Array.of(10, 30, 0, 1);

export class Gateway {
  readonly #config: GatewayConfig;
  readonly #path: EspPath;
  #ike: Ike;
  #l2tp: L2tp;
  #ppp: Ppp;
  readonly #unsent = new Map<number, number>();
  #ip: IpStack | undefined;
  #interfaceId: Bytes | undefined;
  #out: Datagram[] = [];
  /** Whether it has an IKE SA. */
  #stands = false;
  #now: Millis = 0;
  /** Ends of layers, in the order in which they came. */
  readonly ended: string[] = [];
  /** IKE SAs after the first, and pairs of ESP SAs. */
  readonly renewals = { ike: 0, esp: 0 };
  misbehaviour: Misbehaviour;

  constructor(config: GatewayConfig) {
    this.#config = config;
    this.misbehaviour = config.misbehaviour ?? {};
    const { suite } = config;
    this.#path = new EspPath(
      config.moves ? elsewhere(suite.esp, config.moves.port) : suite.esp,
      { local: 1701, remote: config.innerPort },
      (bytes, start, end) =>
        this.#out.push({
          channel: bytes[start] as ChannelNumber,
          bytes: bytes.slice(start + SEALED_HEADER, end),
        }),
      (packets) => {
        for (const packet of packets) this.#receiveL2tp(packet);
      },
    );
    this.#ike = this.#newIke();
    this.#l2tp = this.#newL2tp();
    this.#ppp = this.#newPpp();
  }

  #newIke(): Ike {
    const config = this.#config;
    const { suite, random } = config;
    return new Ike({
      role: 'responder',
      primitives: suite,
      random,
      credentials: {
        kind: 'pre-shared-key',
        key: config.preSharedKey,
        ...(config.aggressive && { aggressive: config.aggressive }),
      },
      localAddress: GATEWAY_ADDRESS,
      remoteAddress: config.clientAddress,
      localPorts: { ike: 500, natt: 4500 },
      remotePorts: config.clientPorts,
      natTraversal: config.natTraversal ?? 'on',
      innerLocalPort: 1701,
      innerRemotePort: config.innerPort,
      ...(config.phase1 && { phase1: config.phase1 }),
      ...(config.phase2 && { phase2: config.phase2 }),
      ...(config.ikeLifetime && { ikeLifetime: config.ikeLifetime }),
      ...(config.childLifetime && { childLifetime: config.childLifetime }),
    });
  }

  #newL2tp(): L2tp {
    const { suite, random } = this.#config;
    return new L2tp({ role: 'lns', random, hostName: 'gateway', primitives: suite });
  }

  #newPpp(): Ppp {
    const { suite, random, methods, accounts } = this.#config;
    return new Ppp({
      role: 'server',
      random,
      primitives: suite,
      mru: this.#config.mru ?? 1400,
      methods,
      ipv6: this.#config.ipv6 ?? false,
      server: {
        accounts: (name) => accounts[name],
        address: GATEWAY_INNER,
        assign: this.#config.assign ?? ASSIGNED,
        nameServers: [NAME_SERVER],
        hostName: 'gateway',
      },
    });
  }

  /** Why packets were dropped. */
  get counters(): EspCounters {
    return this.#path.counters;
  }

  /** Its link-local address, once IPv6 is up. */
  get linkLocal(): Bytes | undefined {
    const id = this.#interfaceId;
    return id && Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, ...id);
  }

  get deadline(): Millis | undefined {
    const { deadline } = this.#ike;
    const layers = earliest(this.#l2tp.deadline, this.#ppp.deadline, this.#ip?.deadline);
    return earliest(deadline, this.#path.sas.deadline, layers);
  }

  receive(channel: ChannelNumber, bytes: Bytes, now: Millis): Datagram[] {
    this.#now = now;
    const instead = this.misbehaviour.datagram?.(channel, bytes);
    if (instead !== undefined) return [...instead];
    if (this.#isDeafTo(channel, bytes)) return [];
    if (channel === Channel.ike) this.#toIke({ kind: 'datagram', channel: 'ike', bytes });
    else if (bytes.length > 4 && bytes.subarray(0, 4).every((byte) => byte === 0)) {
      this.#toIke({ kind: 'datagram', channel: 'natt', bytes: bytes.slice(4) });
    } else this.#path.receive(bytes, 0, bytes.length);
    this.#path.openPending();
    return this.#drain();
  }

  #isDeafTo(channel: ChannelNumber, bytes: Bytes): boolean {
    if (this.#config.renews === true || !this.#stands || channel !== Channel.ike) return false;
    return bytes.subarray(8, 16).every((byte) => byte === 0);
  }

  timeout(now: Millis): Datagram[] {
    this.#now = now;
    if ((this.#ike.deadline ?? Infinity) <= now) this.#toIke({ kind: 'timeout' });
    this.#path.sas.timeout(now);
    if ((this.#l2tp.deadline ?? Infinity) <= now) this.#toL2tp({ kind: 'timeout' });
    if ((this.#ppp.deadline ?? Infinity) <= now) this.#toPpp({ kind: 'timeout' });
    if ((this.#ip?.deadline ?? Infinity) <= now) this.#toIp({ kind: 'timeout' });
    return this.#drain();
  }

  /** What an administrator does: hangs up, from this layer on. */
  hangUp(now: Millis, layer: 'ike' | 'l2tp' | 'ppp' = 'l2tp'): Datagram[] {
    this.#now = now;
    if (layer === 'ike') this.#toIke({ kind: 'close' });
    else if (layer === 'l2tp') this.#toL2tp({ kind: 'close' });
    else this.#toPpp({ kind: 'close' });
    return this.#drain();
  }

  #drain(): Datagram[] {
    this.#path.flush();
    const out = this.#out;
    this.#out = [];
    return out;
  }

  #toIke(input: Parameters<Ike['handle']>[0]): void {
    for (const output of this.#ike.handle(input, this.#now)) this.#fromIke(output);
  }

  #fromIke(output: IkeOutput): void {
    if (output.kind === 'transmit') {
      const { bytes } = output;
      if (output.channel === 'ike') this.#out.push({ channel: Channel.ike, bytes });
      else this.#out.push({ channel: Channel.natt, bytes: Uint8Array.of(0, 0, 0, 0, ...bytes) });
    } else if (output.kind === 'ike-established') this.#stands = true;
    else if (output.kind === 'trace' && output.event === 'ike-renewed') this.renewals.ike++;
    else if (output.kind === 'child-established') {
      const channel = output.encapsulation === 'raw' ? Channel.esp : Channel.natt;
      this.renewals.esp++;
      const { inbound, outbound, initiatedBy, peerPort } = output;
      this.#path.peer.negotiated(peerPort);
      this.#path.sas.add(inbound, outbound, channel, initiatedBy === 'peer', this.#now);
      const { moves } = this.#config;
      if (moves?.negotiates && initiatedBy === 'peer') {
        this.#toIke({ kind: 'port-moved', whose: 'ours', port: moves.port });
        this.#toIke({ kind: 'rekey-child' });
      }
    } else if (output.kind === 'child-inbound') this.#path.sas.open(output.inbound);
    else if (output.kind === 'child-confirmed') this.#path.sas.confirm(output.spi);
    else if (output.kind === 'child-deleted') this.#path.sas.forget(output.spi);
    else if (output.kind === 'closed') {
      this.ended.push('ike');
      this.#stands = false;
      // For whoever comes next.
      this.#ike = this.#newIke();
    }
  }

  #toL2tp(input: Parameters<L2tp['handle']>[0]): void {
    for (const output of this.#l2tp.handle(input, this.#now)) this.#fromL2tp(output);
  }

  #fromL2tp(output: L2tpOutput): void {
    if (output.kind === 'transmit') this.#send(output.bytes, false);
    else if (output.kind === 'session-established') this.#toPpp({ kind: 'up' });
    else if (output.kind === 'closed') {
      this.ended.push('l2tp');
      // For the next call.
      this.#ip = undefined;
      this.#l2tp = this.#newL2tp();
      this.#ppp = this.#newPpp();
    }
  }

  #toPpp(input: Parameters<Ppp['handle']>[0]): void {
    for (const output of this.#ppp.handle(input, this.#now)) this.#fromPpp(output);
  }

  #fromPpp(output: PppOutput): void {
    if (output.kind === 'transmit') this.#send(output.bytes, true);
    else if (output.kind === 'network-up') this.#startIp(output.mtu);
    else if (output.kind === 'ipv6-up') {
      this.#interfaceId = output.interfaceId;
      this.#toIp(output);
    } else if (output.kind === 'ipv6-down') this.#toIp(output);
    else if (output.kind === 'closed') this.ended.push('ppp');
  }

  #startIp(mtu: number): void {
    // The client may negotiate anew, and its connections stay.
    if (this.#ip !== undefined) return;
    const { random, suite, port } = this.#config;
    this.#ip = new IpStack({
      address: GATEWAY_INNER,
      nameServers: [],
      random,
      primitives: suite,
      sink: {
        mtu,
        take: () => this.#path.take(),
        send: (packet) => this.#sendPacket(packet),
      },
    });
    this.#toIp({ kind: 'tcp-listen', listener: 1, port });
    if (this.#interfaceId) this.#toIp({ kind: 'ipv6-up', interfaceId: this.#interfaceId });
  }

  /** An IP packet of the test's to the client. */
  sendIp(bytes: Bytes): Datagram[] {
    const packet = this.#path.take();
    packet.bytes.set(bytes, packet.start);
    packet.end = packet.start + bytes.length;
    this.#sendPacket(packet);
    return this.#drain();
  }

  #sendPacket(packet: Packet): void {
    const isIpv6 = packet.bytes[packet.start]! >>> 4 === 6;
    this.#ppp.encapsulate(packet, isIpv6 ? PppProtocol.ipv6 : PppProtocol.ipv4);
    this.#l2tp.encapsulate(packet);
    this.#path.send(packet);
  }

  #toIp(input: Parameters<IpStack['handle']>[0]): void {
    for (const output of this.#ip?.handle(input, this.#now) ?? []) this.#fromIp(output);
  }

  /** Every connection gets the content and is closed. */
  #fromIp(output: IpOutput): void {
    if (output.kind === 'tcp-accepted') {
      this.#unsent.set(output.socket, 0);
      this.#write(output.socket);
    } else if (output.kind === 'tcp-wrote') {
      const sent = this.#unsent.get(output.socket)! + output.length;
      this.#unsent.set(output.socket, sent);
      if (sent === this.#config.content.length) {
        this.#toIp({ kind: 'tcp-shutdown', socket: output.socket });
      }
    } else if (output.kind === 'tcp-writable') this.#write(output.socket);
  }

  #write(socket: number): void {
    const bytes = this.#config.content.slice(this.#unsent.get(socket)!);
    this.#toIp({ kind: 'tcp-write', socket, bytes });
  }

  #send(bytes: Bytes, isFrame: boolean): void {
    if (this.misbehaviour.mute?.includes(isFrame ? 'ppp' : 'l2tp')) return;
    const packet = this.#path.take();
    packet.bytes.set(bytes, packet.start);
    packet.end = packet.start + bytes.length;
    if (isFrame) this.#l2tp.encapsulate(packet);
    this.#path.send(packet);
  }

  #receiveL2tp(packet: Packet): void {
    if (isControl(packet)) {
      const bytes = packet.bytes.slice(packet.start, packet.end);
      const instead = this.misbehaviour.l2tp?.(bytes);
      if (instead === undefined) this.#toL2tp({ kind: 'datagram', bytes });
      for (const answer of instead ?? []) this.#send(answer, false);
      return;
    }
    if (!this.#l2tp.decapsulate(packet, this.#now)) return;
    const { start } = packet;
    const protocol = this.#ppp.decapsulate(packet, this.#now);
    if (packet.start !== start) this.#toIp({ kind: 'packets', packets: [packet] });
    else if (protocol !== 0) this.#receivePpp(protocol, packet.bytes.slice(start, packet.end));
  }

  #receivePpp(protocol: number, bytes: Bytes): void {
    const information = bytes.slice(headerLength(bytes, 0, bytes.length));
    const instead = this.misbehaviour.ppp?.(protocol, information);
    if (instead === undefined) this.#toPpp({ kind: 'frame', bytes });
    for (const answer of instead ?? []) this.#send(answer, true);
  }
}

/** An engine under a path whose L2TP leaves from `port`, and which takes what comes there for 1701's. */
function elsewhere(engine: EspEngine, port: number): EspEngine {
  const write = (slot: number, at: number, value: number): void => {
    const { bytes, start } = engine.slots[slot]!;
    bytes[start + at] = value >>> 8;
    bytes[start + at + 1] = value;
  };
  return {
    slots: engine.slots,
    results: engine.results,
    nextHeaders: engine.nextHeaders,
    inbound: (parameters) => engine.inbound(parameters),
    sealer: (parameters) => {
      const sealer = engine.sealer(parameters);
      return {
        spi: sealer.spi,
        overhead: sealer.overhead,
        get sequence() {
          return sealer.sequence;
        },
        get octets() {
          return sealer.octets;
        },
        payloadRoom: (size) => sealer.payloadRoom(size),
        seal: (first, count, nextHeader, channel) => {
          for (let slot = first; slot < first + count; slot++) write(slot, 0, port);
          return sealer.seal(first, count, nextHeader, channel);
        },
        close: () => sealer.close(),
      };
    },
    open: (first, count) => {
      engine.open(first, count);
      for (let slot = first; slot < first + count; slot++) {
        const { bytes, start, end } = engine.slots[slot]!;
        if (end > start && bytes[start + 2] === port >>> 8 && bytes[start + 3] === (port & 0xff)) {
          write(slot, 2, 1701);
        }
      }
    },
  };
}
