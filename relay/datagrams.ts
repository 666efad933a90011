/**
 * Toward one gateway: three UDP sockets with random source ports, raw ESP where the relay has it, and what passes
 * through them. IKE and NAT-T are connected, so that the kernel drops what others send and reports ICMP errors; L2TP
 * is not, since a gateway may answer from another port (RFC 2661 §8.1) or address, and is filtered here. It is for
 * laboratories: always Node's own socket. Raw ESP is shared with other sessions: what comes has an SPI that was claimed.
 */
import {
  Channel,
  type ChannelName,
  type ChannelNumber,
  CLAIMS_LIMIT,
  type UdpChannelName,
} from '../shared/relay/channels.ts';
import type { ClaimRefusalCode } from '../shared/relay/close-codes.ts';
import type { ChannelPorts } from '../shared/relay/control.ts';
import type { Millis } from '../shared/wire/bytes.ts';
import type { Counters } from './counters.ts';
import { bind, type Place } from './node-sockets.ts';
import type { PacketRate } from './packet-rate.ts';
import type { EspPort, RawEsp } from './raw-esp.ts';
import { hasShape, isIke, l2tpTunnelId } from './shape.ts';
import type { SocketEvents, Sockets, UdpSocket } from './sockets.ts';

/** A gateway whose name is resolved. */
interface GatewayAddress {
  /** IPv4, dotted. */
  readonly address: string;
  /** Addresses from which L2TP is accepted. */
  readonly addresses: readonly string[];
  readonly ports: ChannelPorts;
}

/** What becomes of the sockets; each called with what arrived. */
interface DatagramEvents {
  /** A datagram `bytes[start, end)` of the right shape from the gateway, there during the call alone. */
  received(channel: ChannelNumber, bytes: Uint8Array, start: number, end: number): void;
  /** An ICMP error; `reason` is the system's name for it. */
  unreachable(channel: ChannelName, reason: string): void;
}

/** What the relay's raw ESP is needed for here. */
export interface EspPorts extends Pick<RawEsp, 'unclaimed' | 'strangers' | 'flush'> {
  open(local: string, remote: string, events: SocketEvents): Port;
}

type Port = Pick<EspPort, 'claims' | 'claim' | 'release' | 'send' | 'close'>;

type Channels = Readonly<Record<UdpChannelName, UdpSocket>> & { readonly esp?: Port };

/** What the system reports for an ICMP error. */
const UNREACHABLE = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN']);

export class Datagrams {
  readonly #gateway: GatewayAddress;
  readonly #sockets: Sockets;
  readonly #espPorts: EspPorts | undefined;
  readonly #rate: PacketRate;
  readonly #counters: Counters;
  readonly #events: DatagramEvents;
  /** Set once all of them stand; what arrives before that is dropped. */
  #channels: Channels | undefined;
  /** Where the gateway's L2TP answered from last. */
  #l2tpPeer: Place;

  constructor(
    gateway: GatewayAddress,
    sockets: Sockets,
    espPorts: EspPorts | undefined,
    rate: PacketRate,
    counters: Counters,
    events: DatagramEvents,
  ) {
    this.#gateway = gateway;
    this.#sockets = sockets;
    this.#espPorts = espPorts;
    this.#rate = rate;
    this.#counters = counters;
    this.#events = events;
    this.#l2tpPeer = { address: gateway.address, port: gateway.ports.l2tp };
  }

  /** Opens the sockets; answers where they send from. Rejects with the system's error, and then holds none. */
  async open(): Promise<{ readonly address: string } & ChannelPorts> {
    const { address, ports } = this.#gateway;
    const opened: UdpSocket[] = [];
    try {
      const ike = await this.#sockets.connect(address, ports.ike, this.#eventsOf('ike'));
      opened.push(ike);
      const natt = await this.#sockets.connect(address, ports.natt, this.#eventsOf('natt'));
      opened.push(natt);
      const l2tp = await bind(ike.local.address, this.#l2tpRoute, this.#eventsOf('l2tp'));
      const esp = this.#openEsp(ike.local.address);
      this.#channels = { ike, natt, l2tp, ...(esp && { esp }) };
      return {
        address: ike.local.address,
        ike: ike.local.port,
        natt: natt.local.port,
        l2tp: l2tp.local.port,
      };
    } catch (error) {
      for (const socket of opened) socket.close();
      throw error;
    }
  }

  /** Without it the session has UDP: nothing of raw ESP is worth a session. */
  #openEsp(local: string): Port | undefined {
    try {
      return this.#espPorts?.open(local, this.#gateway.address, this.#eventsOf('esp'));
    } catch {
      return undefined;
    }
  }

  /** Whether there is raw ESP. */
  get hasEsp(): boolean {
    return this.#channels?.esp !== undefined;
  }

  /** Has raw ESP with this SPI come here; answers why not. A claim of ours, repeated, is granted again. */
  claim(spi: number): ClaimRefusalCode | undefined {
    const esp = this.#channels?.esp;
    // The limit first: a refusal for it says nothing about others.
    if (esp === undefined || esp.claims >= CLAIMS_LIMIT) return 'RELAY_SPI_LIMIT';
    return esp.claim(spi) ? undefined : 'RELAY_SPI_TAKEN';
  }

  /** Gives a claim up; another session's stays its own. */
  release(spi: number): void {
    this.#channels?.esp?.release(spi);
  }

  /**
   * Takes the record `frame[start, end)` to be sent by the next `flush` at the latest, or counts it as dropped: it
   * has not the channel's shape, no SPI is claimed to be answered on, the session sends too much, or the system does
   * not send fast enough.
   */
  send(channel: ChannelNumber, frame: Uint8Array, start: number, end: number, now: Millis): void {
    if (!hasShape(channel, frame, start, end)) {
      this.#counters.badShapeFromTab++;
      return;
    }
    if (channel === Channel.esp && this.#channels?.esp?.claims === 0) {
      this.#counters.unclaimed++;
      return;
    }
    const ike = isIke(channel, frame, start, end);
    if (!this.#rate.admits(end - start, ike, now)) {
      if (ike) this.#counters.overRateIke++;
      else this.#counters.overRate++;
      return;
    }
    this.#channels?.[CHANNEL_NAME[channel]]?.send(frame, start, end, ike);
  }

  /** Sends what was taken; afterwards the frame's bytes may change. */
  flush(): void {
    this.#sockets.flush();
    this.#espPorts?.flush();
  }

  close(): void {
    for (const socket of Object.values(this.#channels ?? {})) socket.close();
    this.#channels = undefined;
  }

  #eventsOf(name: ChannelName): SocketEvents {
    const channel = Channel[name];
    const counters = this.#counters;
    return {
      received: (bytes, start, end) => {
        if (this.#channels === undefined) return;
        if (hasShape(channel, bytes, start, end)) {
          this.#events.received(channel, bytes, start, end);
        } else {
          counters.badShapeFromGateway++;
        }
      },
      foreign: () => counters.foreign++,
      sent: (count) => {
        counters.toGateway += count;
      },
      full: (count) => {
        counters.queueToGateway += count;
      },
      failed: (code, count) => {
        const times = Math.max(1, count);
        if (UNREACHABLE.has(code)) {
          counters.unreachable += times;
          this.#events.unreachable(name, code);
        } else {
          counters.sendFailed += times;
        }
      },
    };
  }

  readonly #l2tpRoute = {
    admits: (from: Place, bytes: Uint8Array): boolean => {
      if (!this.#gateway.addresses.includes(from.address)) return false;
      if (hasShape(Channel.l2tp, bytes, 0, bytes.length)) {
        this.#l2tpPeer = { address: from.address, port: from.port };
      }
      return true;
    },
    /** A new tunnel is asked for at the well-known port; the rest goes where the answer came from. @rfc 2661 §8.1 */
    destination: (frame: Uint8Array, start: number): Place => {
      if (l2tpTunnelId(frame, start) !== 0) return this.#l2tpPeer;
      return { address: this.#gateway.address, port: this.#gateway.ports.l2tp };
    },
  };
}

const CHANNEL_NAME = Object.fromEntries(
  Object.entries(Channel).map(([name, number]) => [number, name]),
) as Readonly<Record<ChannelNumber, ChannelName>>;
