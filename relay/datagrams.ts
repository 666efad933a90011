/**
 * Toward one gateway: three UDP sockets with random source ports. IKE and NAT-T are connected, so that the
 * kernel drops what others send and reports ICMP errors; L2TP is not, since a gateway may answer from
 * another port (RFC 2661 §8.1) or address, and is filtered here.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import {
  Channel,
  type ChannelName,
  type ChannelNumber,
  UDP_CHANNEL_NAMES,
  type UdpChannelName,
} from '../shared/relay/channels.ts';
import type { ChannelPorts } from '../shared/relay/control.ts';
import type { Millis } from '../shared/wire/bytes.ts';
import type { Counters } from './counters.ts';
import type { PacketRate } from './packet-rate.ts';
import { hasShape, isIke, l2tpTunnelId } from './shape.ts';

/** A gateway whose name is resolved. */
interface GatewayAddress {
  /** IPv4, dotted. */
  readonly address: string;
  /** Further addresses from which L2TP is accepted. */
  readonly addresses: readonly string[];
  readonly ports: ChannelPorts;
}

/** What becomes of the sockets; each called with what arrived. */
interface DatagramEvents {
  /** A datagram of the right shape from the gateway; `bytes` may be kept. */
  received(channel: ChannelNumber, bytes: Uint8Array): void;
  /** An ICMP error; `reason` is the system's name for it. */
  unreachable(channel: ChannelName, reason: string): void;
}

/** Bytes the system may hold for a socket in either direction. */
const SOCKET_BUFFER = 1024 * 1024;

/** Bytes waiting inside the process for a socket, from which datagrams are dropped; and what IKE may add. */
const SEND_QUEUE_MARK: number = 256 * 1024;
const SEND_QUEUE_IKE_RESERVE: number = 64 * 1024;

/** What the system reports for an ICMP error. */
const UNREACHABLE = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN']);

export class Datagrams {
  readonly local: { readonly address: string } & ChannelPorts;
  readonly #gateway: GatewayAddress;
  readonly #sockets: Readonly<Record<UdpChannelName, Socket>>;
  readonly #rate: PacketRate;
  readonly #counters: Counters;
  readonly #events: DatagramEvents;
  /** Where the gateway's L2TP answered from last. */
  #l2tpPeer: { readonly address: string; readonly port: number };

  /** Opens the sockets toward `gateway`. Rejects with the system's error. */
  static async open(
    gateway: GatewayAddress,
    rate: PacketRate,
    counters: Counters,
    events: DatagramEvents,
  ): Promise<Datagrams> {
    const opened: Socket[] = [];
    try {
      const ike = await connect(gateway.address, gateway.ports.ike, opened);
      const natt = await connect(gateway.address, gateway.ports.natt, opened);
      const l2tp = await bind(ike.address().address, opened);
      return new Datagrams(gateway, { ike, natt, l2tp }, rate, counters, events);
    } catch (error) {
      for (const socket of opened) socket.close();
      throw error;
    }
  }

  private constructor(
    gateway: GatewayAddress,
    sockets: Readonly<Record<UdpChannelName, Socket>>,
    rate: PacketRate,
    counters: Counters,
    events: DatagramEvents,
  ) {
    this.#gateway = gateway;
    this.#sockets = sockets;
    this.#rate = rate;
    this.#counters = counters;
    this.#events = events;
    this.#l2tpPeer = { address: gateway.address, port: gateway.ports.l2tp };
    const { ike, natt, l2tp } = sockets;
    this.local = {
      address: ike.address().address,
      ike: ike.address().port,
      natt: natt.address().port,
      l2tp: l2tp.address().port,
    };
    for (const name of UDP_CHANNEL_NAMES) {
      sockets[name].removeAllListeners('error');
      sockets[name].on('error', (error) => this.#failed(name, error));
      sockets[name].on('message', (bytes, from) => this.#arrived(Channel[name], bytes, from));
    }
  }

  /**
   * Sends the record `frame[start, end)`, or counts it as dropped: it has not the channel's shape, the session
   * sends too much, or the queue is full.
   */
  send(channel: ChannelNumber, frame: Uint8Array, start: number, end: number, now: Millis): void {
    if (!hasShape(channel, frame, start, end)) {
      this.#counters.badShapeFromTab++;
      return;
    }
    const ike = isIke(channel, frame, start, end);
    if (!this.#rate.admits(end - start, ike, now)) {
      if (ike) this.#counters.overRateIke++;
      else this.#counters.overRate++;
      return;
    }
    const name = channelName(channel);
    const socket = this.#sockets[name];
    if (socket.getSendQueueSize() > SEND_QUEUE_MARK + (ike ? SEND_QUEUE_IKE_RESERVE : 0)) {
      this.#counters.queueToGateway++;
      return;
    }
    // With a callback, or the system's error would be lost; one per channel, made once.
    if (name !== 'l2tp') {
      socket.send(frame, start, end - start, this.#sent[name]);
    } else {
      const { address, port } = this.#l2tpDestination(frame, start);
      socket.send(frame, start, end - start, port, address, this.#sent.l2tp);
    }
  }

  close(): void {
    for (const name of UDP_CHANNEL_NAMES) this.#sockets[name].close();
  }

  readonly #sent: Readonly<Record<UdpChannelName, (error: Error | null) => void>> = {
    ike: (error) => this.#afterSend('ike', error),
    natt: (error) => this.#afterSend('natt', error),
    l2tp: (error) => this.#afterSend('l2tp', error),
  };

  #afterSend(name: ChannelName, error: Error | null): void {
    if (error === null) this.#counters.toGateway++;
    else this.#failed(name, error);
  }

  #failed(name: ChannelName, error: Error): void {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== undefined && UNREACHABLE.has(code)) {
      this.#counters.unreachable++;
      this.#events.unreachable(name, code);
    } else {
      this.#counters.sendFailed++;
    }
  }

  #arrived(channel: ChannelNumber, bytes: Uint8Array, from: RemoteInfo): void {
    // A connected socket too: something may have arrived between its binding and its connecting.
    if (!this.#isGateway(channel, from)) {
      this.#counters.foreign++;
      return;
    }
    if (!hasShape(channel, bytes, 0, bytes.length)) {
      this.#counters.badShapeFromGateway++;
      return;
    }
    if (channel === Channel.l2tp) this.#l2tpPeer = { address: from.address, port: from.port };
    this.#events.received(channel, bytes);
  }

  #isGateway(channel: ChannelNumber, from: RemoteInfo): boolean {
    const { address, addresses, ports } = this.#gateway;
    switch (channel) {
      case Channel.ike:
        return from.address === address && from.port === ports.ike;
      case Channel.natt:
        return from.address === address && from.port === ports.natt;
      default:
        return from.address === address || addresses.includes(from.address);
    }
  }

  /** A new tunnel is asked for at the well-known port; the rest goes where the answer came from. @rfc 2661 §8.1 */
  #l2tpDestination(frame: Uint8Array, start: number): { address: string; port: number } {
    if (l2tpTunnelId(frame, start) !== 0) return this.#l2tpPeer;
    return { address: this.#gateway.address, port: this.#gateway.ports.l2tp };
  }
}

function channelName(channel: ChannelNumber): UdpChannelName {
  if (channel === Channel.ike) return 'ike';
  return channel === Channel.natt ? 'natt' : 'l2tp';
}

function connect(address: string, port: number, opened: Socket[]): Promise<Socket> {
  return ready(opened, (socket, done) => socket.connect(port, address, done));
}

function bind(address: string, opened: Socket[]): Promise<Socket> {
  return ready(opened, (socket, done) => socket.bind({ address, port: 0, exclusive: true }, done));
}

/** A new socket once `start` has succeeded; remembered in `opened` whatever becomes of it. */
function ready(
  opened: Socket[],
  start: (socket: Socket, done: (error?: Error) => void) => void,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({
      type: 'udp4',
      recvBufferSize: SOCKET_BUFFER,
      sendBufferSize: SOCKET_BUFFER,
    });
    opened.push(socket);
    socket.on('error', reject);
    start(socket, (error) => (error ? reject(error) : resolve(socket)));
  });
}
