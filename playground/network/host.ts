/**
 * A host on the playground's network: our TCP/IP stack, one timer, and sockets in the shapes that Node's servers take.
 * It answers ping by itself.
 */
import { createHash, webcrypto } from 'node:crypto';
import { addressKey } from '../../shared/ip/address.ts';
import { type IpInput, type IpOutput, IpStack } from '../../shared/ip/stack.ts';
import type { TcpLimits } from '../../shared/ip/tcp/environment.ts';
import type { Bytes, Millis, Random } from '../../shared/wire/bytes.ts';
import type { Packet, PacketSink } from '../../shared/wire/packet.ts';
import type { Attachment, EndKind, Network } from './network.ts';
import { type Endpoints, TcpDuplex, type Transport } from './tcp-duplex.ts';

export interface HostOptions {
  /** 4 bytes. */
  readonly address: Bytes;
  /** Largest packet it sends: by default what fits through an L2TP/IPsec tunnel over Ethernet. */
  readonly mtu?: number;
  /** Connections that one peer may have at a time; more are reset. */
  readonly connectionsPerPeer?: number;
  readonly kind?: EndKind;
}

export interface Datagram {
  readonly address: Bytes;
  readonly port: number;
  readonly bytes: Bytes;
}

export interface UdpPort {
  /** Not sent where it exceeds the MTU. */
  send(datagram: Datagram): void;
  close(): void;
}

const DEFAULT_MTU = 1400;
const DEFAULT_CONNECTIONS_PER_PEER = 32;

/** Room for the headers that the stack prepends. */
const HEADROOM = 64;

/** 160 Mbit/s at 50 ms: plenty for a demonstration, and what a thousand connections hold stays small. */
const TCP_LIMITS: TcpLimits = { sendBuffer: 1 << 20, receiveBuffer: 1 << 20 };

const random: Random = {
  bytes: (length) => webcrypto.getRandomValues(new Uint8Array(length)),
};

interface Entry {
  readonly peer: number;
  readonly duplex: TcpDuplex;
}

export class Host {
  readonly address: Bytes;
  /** Connections accepted since the start. */
  accepted = 0;
  readonly #attachment: Attachment;
  readonly #stack: IpStack;
  readonly #connectionsPerPeer: number;
  readonly #connections = new Map<number, Entry>();
  /** How many connections each peer has. */
  readonly #peers = new Map<number, number>();
  /** By port. */
  readonly #listeners = new Map<number, Listener>();
  readonly #datagrams = new Map<number, (datagram: Datagram) => void>();
  #serial = 0;
  #timer: NodeJS.Timeout | undefined;
  /** When `#timer` is due. */
  #timerAt: Millis = 0;
  #closed = false;

  /** Throws `RangeError` where the address is taken. */
  constructor(network: Network, options: HostOptions) {
    const { address, mtu = DEFAULT_MTU, kind = 'host' } = options;
    this.address = address;
    this.#connectionsPerPeer = options.connectionsPerPeer ?? DEFAULT_CONNECTIONS_PER_PEER;
    this.#attachment = network.attach(address, kind, {
      deliver: (bytes) => {
        this.#tell({ kind: 'packet', packet: { bytes, start: 0, end: bytes.length } });
      },
    });
    this.#stack = new IpStack({
      address,
      nameServers: [],
      random,
      sink: sinkInto(this.#attachment, mtu),
      primitives: { hash: digest },
      tcp: TCP_LIMITS,
    });
  }

  /** Connections that stand, and those that are on their way to or from it. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Calls `accept` with every connection to `port`. Throws `RangeError` where the port is taken. */
  listen(port: number, accept: (connection: TcpDuplex) => void): void {
    if (this.#listeners.has(port)) throw new RangeError(`port: ${port} is taken`);
    const listener = ++this.#serial;
    this.#listeners.set(port, { listener, accept });
    this.#tell({ kind: 'tcp-listen', listener, port });
  }

  /** The connection emits `connect` when it stands; what is written before waits. */
  connect(address: Bytes, port: number): TcpDuplex {
    const socket = ++this.#serial;
    const duplex = this.#add(
      socket,
      { remoteAddress: address, remotePort: port, localPort: 0 },
      true,
    );
    this.#tell({ kind: 'tcp-connect', socket, address, port });
    return duplex;
  }

  /** Calls `receive` with what arrives on a UDP port. Throws `RangeError` where the port is taken. */
  bind(port: number, receive: (datagram: Datagram) => void): UdpPort {
    const socket = ++this.#serial;
    this.#datagrams.set(socket, receive);
    this.#tell({ kind: 'udp-open', socket, port });
    if (!this.#datagrams.has(socket)) throw new RangeError(`port: ${port} is taken`);
    return {
      send: (datagram) => this.#tell({ kind: 'udp-send', socket, ...datagram }),
      close: () => {
        this.#datagrams.delete(socket);
        this.#tell({ kind: 'udp-close', socket });
      },
    };
  }

  /** Ends every connection with a peer that is gone: its address may be another's from now on. */
  forget(peer: Bytes): void {
    const key = addressKey(peer, 0, 4);
    for (const [socket, entry] of this.#connections) if (entry.peer === key) this.#abandon(socket);
  }

  /** Resets what is open and leaves the network. */
  close(): void {
    for (const socket of [...this.#connections.keys()]) this.#abandon(socket);
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#attachment.detach();
  }

  // ---- The machine

  /** Answers how many bytes a write was taken of. */
  #tell(input: IpInput): number {
    if (this.#closed) return 0;
    let wrote = 0;
    for (const output of this.#stack.handle(input, performance.now())) {
      if (output.kind === 'tcp-wrote') wrote = output.length;
      else this.#dispatch(output);
    }
    this.#arm();
    return wrote;
  }

  #dispatch(output: IpOutput): void {
    switch (output.kind) {
      case 'tcp-accepted':
        this.#accept(output.listener, output.socket, output.address, output.port);
        return;
      case 'udp-data':
        this.#datagrams.get(output.socket)?.(output);
        return;
      case 'udp-failed':
        this.#datagrams.delete(output.socket);
        return;
      case 'tcp-closed': {
        const entry = this.#remove(output.socket);
        entry?.duplex.dispatch(output);
        return;
      }
      case 'tcp-opened':
      case 'tcp-data':
      case 'tcp-end':
      case 'tcp-writable':
        this.#connections.get(output.socket)?.duplex.dispatch(output);
        return;
    }
  }

  /** A timer that is due no later is kept: it finds nothing to do then, which is cheaper than a new one per packet. */
  #arm(): void {
    const { deadline } = this.#stack;
    if (this.#closed || deadline === undefined) return;
    if (this.#timer !== undefined && this.#timerAt <= deadline) return;
    clearTimeout(this.#timer);
    this.#timerAt = deadline;
    const wait = Math.max(0, Math.ceil(deadline - performance.now()));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#tell({ kind: 'timeout' });
    }, wait);
  }

  // ---- Connections

  #accept(listener: number, socket: number, remoteAddress: Bytes, remotePort: number): void {
    const key = addressKey(remoteAddress, 0, 4);
    const found = [...this.#listeners].find(([, each]) => each.listener === listener);
    if (found === undefined || (this.#peers.get(key) ?? 0) >= this.#connectionsPerPeer) {
      this.#tell({ kind: 'tcp-abort', socket });
      return;
    }
    const [localPort, { accept }] = found;
    this.accepted++;
    const duplex = this.#add(socket, { remoteAddress, remotePort, localPort }, false);
    // What a peer does to its connection must not end the process.
    duplex.on('error', () => undefined);
    duplex.setNoDelay();
    accept(duplex);
  }

  #add(socket: number, peer: Omit<Endpoints, 'localAddress'>, connecting: boolean): TcpDuplex {
    const transport: Transport = {
      write: (bytes) => this.#tell({ kind: 'tcp-write', socket, bytes }),
      consumed: (length) => this.#tell({ kind: 'tcp-consumed', socket, length }),
      shutdown: () => this.#tell({ kind: 'tcp-shutdown', socket }),
      abort: () => this.#tell({ kind: 'tcp-abort', socket }),
      tune: (options) => this.#tell({ kind: 'tcp-tune', socket, ...options }),
    };
    const endpoints: Endpoints = { localAddress: this.address, ...peer };
    const duplex = new TcpDuplex(transport, endpoints, connecting);
    const key = addressKey(endpoints.remoteAddress, 0, 4);
    this.#connections.set(socket, { peer: key, duplex });
    this.#peers.set(key, (this.#peers.get(key) ?? 0) + 1);
    return duplex;
  }

  #remove(socket: number): Entry | undefined {
    const entry = this.#connections.get(socket);
    if (entry === undefined) return undefined;
    this.#connections.delete(socket);
    const left = this.#peers.get(entry.peer)! - 1;
    if (left === 0) this.#peers.delete(entry.peer);
    else this.#peers.set(entry.peer, left);
    return entry;
  }

  #abandon(socket: number): void {
    const entry = this.#remove(socket);
    this.#tell({ kind: 'tcp-abort', socket });
    entry?.duplex.dispatch({ kind: 'tcp-closed', socket, failure: { code: 'CONNECTION_RESET' } });
  }
}

interface Listener {
  readonly listener: number;
  readonly accept: (connection: TcpDuplex) => void;
}

/** One packet's buffer is enough: the network copies. */
function sinkInto(attachment: Attachment, mtu: number): PacketSink {
  const packet: Packet = { bytes: new Uint8Array(HEADROOM + mtu), start: 0, end: 0 };
  return {
    mtu,
    take: () => {
      packet.start = HEADROOM;
      packet.end = HEADROOM;
      return packet;
    },
    send: ({ bytes, start, end }) => attachment.send(bytes.subarray(start, end)),
  };
}

function digest(name: string, ...parts: readonly Bytes[]): Bytes {
  const hash = createHash(name);
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}
