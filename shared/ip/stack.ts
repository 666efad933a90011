/**
 * The TCP/IP stack at the end of one link: IPv4 and IPv6, ICMP, UDP, a resolver and TCP as one machine. Packets leave
 * through `config.sink` while `handle` runs; everything else is in what it answers.
 * Left out: routing (there is one way out), multicast but for finding neighbours, broadcast.
 * @rfc 1122 §3, 8504 §5
 */
import type { Primitives } from '../crypto/suite.ts';
import type { Bytes, Millis, Random } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { earliest, type Machine } from '../wire/machine.ts';
import type { PacketSink } from '../wire/packet.ts';
import { SpareMemory } from '../wire/spare-memory.ts';
import { IpAddress } from './address.ts';
import { Autoconfiguration } from './autoconfiguration.ts';
import { Resolver } from './dns.ts';
import { Reassembly } from './fragments.ts';
import { IpHeader, IpProtocol } from './header.ts';
import { decodeIcmp, type IcmpMessage, Icmpv6Type } from './icmp.ts';
import { NetworkInterface } from './interface.ts';
import { decodeIpv4, decodeQuotedIpv4 } from './ipv4.ts';
import { decodeIpv6, decodeQuotedIpv6, IPV6_MINIMUM_MTU, skipExtensions } from './ipv6.ts';
import type { IpInput, IpOutput, SocketOutput } from './messages.ts';
import {
  decodeNeighborSolicitation,
  decodeRouterAdvertisement,
  encodeNeighborAdvertisement,
  LINK_HOP_LIMIT,
} from './neighbor-discovery.ts';
import { Path } from './path.ts';
import { Pings } from './pings.ts';
import { randomU16 } from './ports.ts';
import { DEFAULT_TCP_LIMITS, type TcpLimits } from './tcp/environment.ts';
import { TcpLayer } from './tcp/tcp.ts';
import { UdpLayer } from './udp.ts';
import { UdpSockets } from './udp-sockets.ts';

export type { IpInput, IpOutput } from './messages.ts';

export interface IpStackConfig {
  /** Ours, 4 bytes. */
  readonly address: Bytes;
  /** In the order they are asked; 4 or 16 bytes each. */
  readonly nameServers: readonly Bytes[];
  /** Domains in which a name without a dot is looked for. */
  readonly searchList?: readonly string[];
  readonly random: Random;
  readonly sink: PacketSink;
  readonly primitives: Pick<Primitives, 'hash'>;
  /** How each TCP connection is set up; `DEFAULT_TCP_LIMITS` when missing. */
  readonly tcp?: TcpLimits;
  /** Where what TCP delivers may be put. */
  readonly spare?: SpareMemory;
}

type IcmpError = Extract<IcmpMessage, { kind: 'error' }>;

export class IpStack implements Machine<IpInput, IpOutput> {
  readonly #interface: NetworkInterface;
  readonly #pings: Pings;
  readonly #udp: UdpLayer;
  readonly #udpSockets: UdpSockets;
  readonly #resolver: Resolver;
  readonly #tcp: TcpLayer;
  readonly #autoconfiguration: Autoconfiguration;
  readonly #reassembly = new Reassembly();
  /** Filled again for every packet, and for the packet an ICMP error quotes. */
  readonly #header = new IpHeader();
  readonly #quoted = new IpHeader();
  #outputs: IpOutput[] = [];
  /** About the resolver's own connections, until TCP is done with what brought them about. */
  readonly #own: SocketOutput[] = [];
  #now: Millis = 0;

  constructor(config: IpStackConfig) {
    const { random, primitives } = config;
    const network = new NetworkInterface(
      new IpAddress(config.address),
      config.sink,
      randomU16(random),
    );
    this.#interface = network;
    const emit = (each: IpOutput) => {
      this.#outputs.push(each);
    };
    const trace = (event: string, detail?: string) => this.#trace(event, detail);
    this.#pings = new Pings(network, random, emit);
    this.#udp = new UdpLayer(network, random);
    this.#udpSockets = new UdpSockets(this.#udp, emit);
    const limits = config.tcp ?? DEFAULT_TCP_LIMITS;
    this.#tcp = new TcpLayer({
      network,
      random,
      primitives,
      limits,
      spare: config.spare ?? new SpareMemory(),
      trace,
      emit: (output) => {
        if ('socket' in output && this.#resolver.owns(output.socket)) this.#own.push(output);
        else emit(output);
      },
    });
    this.#resolver = new Resolver({
      udp: this.#udp,
      tcp: {
        reserve: () => this.#tcp.reserve(),
        command: (input) => this.#tcp.command(input, this.#now),
      },
      random,
      emit,
      trace,
      now: () => this.#now,
    });
    const servers = config.nameServers.map((each) => new IpAddress(each));
    const { searchList = [] } = config;
    this.#resolver.servers = servers;
    this.#resolver.searchList = searchList;
    this.#autoconfiguration = new Autoconfiguration({
      network,
      changed: (addresses) =>
        emit({ kind: 'ipv6-addresses', addresses: addresses.map(({ bytes }) => bytes) }),
      // What the gateway's user was assigned comes first: it is what every site has.
      named: (more, domains) => {
        this.#resolver.servers = [...servers, ...more];
        this.#resolver.searchList = [...searchList, ...domains];
      },
    });
  }

  get deadline(): Millis | undefined {
    return earliest(
      this.#tcp.deadline,
      this.#pings.deadline,
      this.#resolver.deadline,
      this.#reassembly.deadline,
      this.#autoconfiguration.deadline,
    );
  }

  /** Throws `RangeError` for an address that is not 4 bytes or a socket number in use; never for a packet. */
  handle(input: IpInput, now: Millis): readonly IpOutput[] {
    this.#now = now;
    this.#outputs = [];
    switch (input.kind) {
      case 'packets':
        for (const { bytes, start, end } of input.packets) this.#arrived(bytes, start, end, now);
        this.#tcp.burstEnded(now);
        break;
      case 'timeout':
        this.#timeout(now);
        break;
      case 'hold':
        this.#tcp.held = true;
        break;
      case 'resume':
        this.#tcp.held = false;
        this.#tcp.resume(now);
        break;
      case 'ipv6-up':
        this.#autoconfiguration.up(input.interfaceId, now);
        break;
      case 'ipv6-down':
        this.#autoconfiguration.down(now);
        break;
      case 'ping':
        this.#pings.send(input, now);
        break;
      case 'resolve':
        this.#resolver.resolve(input);
        break;
      case 'inspect':
        this.#outputs.push({ kind: 'connections', connections: this.#tcp.snapshots });
        break;
      case 'udp-open':
      case 'udp-send':
      case 'udp-close':
        this.#udpSockets.command(input);
        break;
      default:
        this.#tcp.command(input, now);
    }
    for (let own = this.#own.shift(); own !== undefined; own = this.#own.shift()) {
      this.#resolver.dispatch(own);
    }
    return this.#outputs;
  }

  #timeout(now: Millis): void {
    this.#reassembly.expire(now);
    this.#autoconfiguration.timeout(now);
    this.#pings.timeout(now);
    this.#resolver.timeout(now);
    this.#tcp.timeout(now);
  }

  #arrived(bytes: Bytes, start: number, end: number, now: Millis): void {
    const header = this.#header;
    try {
      if (bytes[start]! >>> 4 === 6) decodeIpv6(header, bytes, start, end);
      else decodeIpv4(header, bytes, start, end);
      this.#admit(header);
      if (header.isFragment) this.#arrivedFragment(bytes, now);
      else this.#demultiplex(header, bytes, now);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#trace('dropped', error.reason);
    }
  }

  /** For us alone, and from somebody else. @rfc 1122 §3.2.1.3 */
  #admit(header: IpHeader): void {
    const isOurs =
      this.#interface.isDestination(header) ||
      (header.protocol === IpProtocol.icmpv6 && this.#interface.isMember(header));
    if (!isOurs) throw new DecodeError('not our address');
    if (!header.isSourceUnicast || this.#interface.isSource(header)) {
      throw new DecodeError('source address');
    }
  }

  #arrivedFragment(bytes: Bytes, now: Millis): void {
    const header = this.#header;
    const whole = this.#reassembly.add(header, bytes, now);
    if (whole === undefined) return;
    header.dataStart = 0;
    header.dataEnd = whole.length;
    if (header.version === 6) skipExtensions(header, whole, false);
    this.#demultiplex(header, whole, now);
  }

  #demultiplex(header: IpHeader, bytes: Bytes, now: Millis): void {
    switch (header.protocol) {
      case IpProtocol.tcp:
        this.#tcp.arrived(header, bytes, now);
        return;
      case IpProtocol.udp:
        this.#udp.arrived(header, bytes);
        return;
      case header.version === 4 ? IpProtocol.icmp : IpProtocol.icmpv6:
        this.#arrivedIcmp(header, bytes, now);
        return;
      default:
        throw new DecodeError('protocol');
    }
  }

  #arrivedIcmp(header: IpHeader, bytes: Bytes, now: Millis): void {
    const message = decodeIcmp(header, bytes);
    switch (message.kind) {
      case 'echo':
        this.#pings.answer(message, header, bytes);
        return;
      case 'echo-reply':
        this.#pings.replied(message, header, now);
        return;
      case 'error':
        this.#arrivedError(message, header, bytes, now);
        return;
      case 'other':
        if (header.version === 4) throw new DecodeError('ICMP type');
        this.#arrivedDiscovery(message.type, header, bytes, now);
        return;
    }
  }

  #arrivedDiscovery(type: number, header: IpHeader, bytes: Bytes, now: Millis): void {
    if (type === Icmpv6Type.routerAdvertisement) {
      this.#autoconfiguration.advertised(decodeRouterAdvertisement(header, bytes), now);
    } else if (type === Icmpv6Type.neighborSolicitation) {
      const target = decodeNeighborSolicitation(header, bytes);
      if (!this.#interface.has(target)) throw new DecodeError('not our address');
      const path = new Path(target, header.source);
      const packet = this.#interface.take(path);
      encodeNeighborAdvertisement(packet, path);
      this.#interface.send(packet, path, IpProtocol.icmpv6, LINK_HOP_LIMIT);
    } else {
      throw new DecodeError('ICMP type');
    }
  }

  /** To the socket whose packet is quoted. @rfc 1122 §3.2.2, 4443 §2.4 */
  #arrivedError(message: IcmpError, header: IpHeader, bytes: Bytes, now: Millis): void {
    const quoted = this.#quoted;
    const decode = header.version === 4 ? decodeQuotedIpv4 : decodeQuotedIpv6;
    decode(quoted, bytes, message.quoteStart, message.quoteEnd);
    if (!this.#interface.isSource(quoted) || quoted.fragmentOffset !== 0) {
      throw new DecodeError('ICMP quote not ours');
    }
    const { failure, mtu } = message;
    // No link is narrower. @rfc 8201 §4
    if (header.version === 6 && mtu !== undefined && mtu < IPV6_MINIMUM_MTU) {
      throw new DecodeError('ICMP MTU');
    }
    switch (quoted.protocol) {
      case IpProtocol.tcp: {
        this.#tcp.unreachable(quoted, bytes, failure, mtu, now);
        return;
      }
      case IpProtocol.udp:
        this.#udp.unreachable(quoted, bytes, failure);
        return;
      case header.version === 4 ? IpProtocol.icmp : IpProtocol.icmpv6:
        this.#pings.unreachable(quoted, bytes, message, header.source, now);
        return;
    }
  }

  #trace(event: string, detail: string | undefined): void {
    this.#outputs.push(
      detail === undefined
        ? { kind: 'trace', layer: 'ip', event }
        : { kind: 'trace', layer: 'ip', event, detail },
    );
  }
}
