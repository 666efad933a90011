/**
 * The TCP/IP stack behind one address: IPv4, ICMP, UDP, a resolver and TCP as one machine. Packets leave through
 * `config.sink` while `handle` runs; everything else is in what it answers.
 * Left out: IPv6, routing (there is one way out), multicast, broadcast.
 * @rfc 1122 §3
 */
import type { Primitives } from '../crypto/suite.ts';
import type { Bytes, Millis, Random } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { earliest, type Machine } from '../wire/machine.ts';
import type { PacketSink } from '../wire/packet.ts';
import { addressNumber, type Ipv4Address, isUnicast } from './address.ts';
import { Resolver } from './dns.ts';
import { Reassembly } from './fragments.ts';
import { decodeIcmp, type IcmpMessage, icmpFailure, isFragmentationNeeded } from './icmp.ts';
import {
  decodeIpv4,
  decodeQuotedIpv4,
  IPV4_MINIMUM_MTU,
  IpProtocol,
  Ipv4Header,
  Ipv4Output,
} from './ipv4.ts';
import type { IpInput, IpOutput } from './messages.ts';
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
  /** In the order they are asked. */
  readonly nameServers: readonly Bytes[];
  readonly random: Random;
  readonly sink: PacketSink;
  readonly primitives: Pick<Primitives, 'hash'>;
  /** How each TCP connection is set up; `DEFAULT_TCP_LIMITS` when missing. */
  readonly tcp?: TcpLimits;
}

export class IpStack implements Machine<IpInput, IpOutput> {
  readonly #address: Ipv4Address;
  readonly #pings: Pings;
  readonly #udp: UdpLayer;
  readonly #udpSockets: UdpSockets;
  readonly #resolver: Resolver;
  readonly #tcp: TcpLayer;
  readonly #reassembly = new Reassembly();
  /** Filled again for every packet, and for the packet an ICMP error quotes. */
  readonly #header = new Ipv4Header();
  readonly #quoted = new Ipv4Header();
  #outputs: IpOutput[] = [];
  #now: Millis = 0;

  constructor(config: IpStackConfig) {
    const { random, primitives, nameServers } = config;
    this.#address = addressNumber(config.address);
    const output = new Ipv4Output(this.#address, config.sink, randomU16(random));
    const emit = (each: IpOutput) => {
      this.#outputs.push(each);
    };
    const trace = (event: string, detail?: string) => this.#trace(event, detail);
    this.#pings = new Pings(output, random, emit);
    this.#udp = new UdpLayer(output, random);
    this.#udpSockets = new UdpSockets(this.#udp, emit);
    const now = () => this.#now;
    this.#resolver = new Resolver({ udp: this.#udp, random, nameServers, emit, trace, now });
    const limits = config.tcp ?? DEFAULT_TCP_LIMITS;
    this.#tcp = new TcpLayer({ output, random, primitives, limits, emit, trace });
  }

  get deadline(): Millis | undefined {
    return earliest(
      this.#tcp.deadline,
      this.#pings.deadline,
      this.#resolver.deadline,
      this.#reassembly.deadline,
    );
  }

  /** Throws `RangeError` for an address that is not 4 bytes or a socket number in use; never for a packet. */
  handle(input: IpInput, now: Millis): readonly IpOutput[] {
    this.#now = now;
    this.#outputs = [];
    switch (input.kind) {
      case 'packet':
        this.#arrived(input.packet.bytes, input.packet.start, input.packet.end, now);
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
      case 'ping':
        this.#pings.send(input, now);
        break;
      case 'resolve':
        this.#resolver.resolve(input.query, input.name);
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
    return this.#outputs;
  }

  #timeout(now: Millis): void {
    this.#reassembly.expire(now);
    this.#pings.timeout(now);
    this.#resolver.timeout(now);
    this.#tcp.timeout(now);
  }

  #arrived(bytes: Bytes, start: number, end: number, now: Millis): void {
    try {
      decodeIpv4(this.#header, bytes, start, end);
      this.#admit(this.#header);
      if (this.#header.isFragment) this.#arrivedFragment(bytes, now);
      else this.#demultiplex(this.#header, bytes, now);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#trace('dropped', error.reason);
    }
  }

  /** For us alone, and from somebody else. @rfc 1122 §3.2.1.3 */
  #admit(header: Ipv4Header): void {
    if (header.destination !== this.#address) throw new DecodeError('not our address');
    if (!isUnicast(header.source) || header.source === this.#address) {
      throw new DecodeError('source address');
    }
  }

  #arrivedFragment(bytes: Bytes, now: Millis): void {
    const whole = this.#reassembly.add(this.#header, bytes, now);
    if (whole === undefined) return;
    this.#header.dataStart = 0;
    this.#header.dataEnd = whole.length;
    this.#demultiplex(this.#header, whole, now);
  }

  #demultiplex(header: Ipv4Header, bytes: Bytes, now: Millis): void {
    switch (header.protocol) {
      case IpProtocol.tcp:
        this.#tcp.arrived(header, bytes, now);
        return;
      case IpProtocol.udp:
        this.#udp.arrived(header, bytes);
        return;
      case IpProtocol.icmp:
        this.#arrivedIcmp(header, bytes, now);
        return;
      default:
        throw new DecodeError('protocol');
    }
  }

  #arrivedIcmp(header: Ipv4Header, bytes: Bytes, now: Millis): void {
    const message = decodeIcmp(bytes, header.dataStart, header.dataEnd);
    switch (message.kind) {
      case 'echo':
        this.#pings.answer(message, header, bytes);
        return;
      case 'echo-reply':
        this.#pings.replied(message, header, now);
        return;
      case 'error':
        this.#arrivedError(message, bytes, now);
        return;
      case 'unknown':
        throw new DecodeError('ICMP type');
    }
  }

  /** To the socket whose packet is quoted. @rfc 1122 §3.2.2 */
  #arrivedError(message: Extract<IcmpMessage, { kind: 'error' }>, bytes: Bytes, now: Millis): void {
    const quoted = this.#quoted;
    decodeQuotedIpv4(quoted, bytes, message.quoteStart, message.quoteEnd);
    if (quoted.source !== this.#address || quoted.fragmentOffset !== 0) {
      throw new DecodeError('ICMP quote not ours');
    }
    const failure = icmpFailure(message.type, message.code);
    switch (quoted.protocol) {
      case IpProtocol.tcp: {
        const tooLarge = isFragmentationNeeded(message.type, message.code);
        const mtu = tooLarge ? Math.max(message.mtu, IPV4_MINIMUM_MTU) : undefined;
        this.#tcp.unreachable(quoted, bytes, failure, mtu, now);
        return;
      }
      case IpProtocol.udp:
        this.#udp.unreachable(quoted, bytes, failure);
        return;
      case IpProtocol.icmp:
        this.#pings.unreachable(quoted, bytes, failure);
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
