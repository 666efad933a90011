/** Node's own UDP sockets: for every platform, one call into the system per datagram. */
import { createSocket, type Socket } from 'node:dgram';
import type { SocketEvents, Sockets, UdpSocket } from './sockets.ts';

/** Bytes the system may hold for a socket in either direction. */
const SOCKET_BUFFER: number = 1024 * 1024;

/** Bytes waiting inside the process for a socket, from which datagrams are dropped; and what IKE may add. */
const SEND_QUEUE_MARK: number = 256 * 1024;
const SEND_QUEUE_IKE_RESERVE: number = 64 * 1024;

export interface Place {
  readonly address: string;
  readonly port: number;
}

/** With whom an unconnected socket exchanges datagrams. */
interface Peer {
  /** Whether what arrived from there is wanted. */
  readonly admits: (from: Place, bytes: Uint8Array) => boolean;
  /** Where the record that begins at `start` is to go. */
  readonly destination: (frame: Uint8Array, start: number) => Place;
}

export const NODE_SOCKETS: Sockets = {
  async connect(address, port, events) {
    const socket = await opened((made, done) => made.connect(port, address, done));
    // Something may have arrived between its binding and its connecting.
    const isPeer = (from: Place): boolean => from.address === address && from.port === port;
    return new NodeSocket(socket, events, isPeer);
  },
  flush() {},
};

/** A socket that is bound to a free port of a local address and not connected. Rejects with the system's error. */
export async function bind(local: string, peer: Peer, events: SocketEvents): Promise<UdpSocket> {
  const socket = await opened((made, done) => {
    made.bind({ address: local, port: 0, exclusive: true }, done);
  });
  return new NodeSocket(socket, events, peer.admits, peer.destination);
}

class NodeSocket implements UdpSocket {
  readonly local: Place;
  readonly #socket: Socket;
  readonly #events: SocketEvents;
  readonly #destination: Peer['destination'] | undefined;

  constructor(
    socket: Socket,
    events: SocketEvents,
    admits: Peer['admits'],
    destination?: Peer['destination'],
  ) {
    this.#socket = socket;
    this.#events = events;
    this.#destination = destination;
    const { address, port } = socket.address();
    this.local = { address, port };
    socket.removeAllListeners('error');
    socket.on('error', (error) => this.#failed(error, 0));
    socket.on('message', (bytes, from) => {
      if (admits(from, bytes)) events.received(bytes, 0, bytes.length);
      else events.foreign();
    });
  }

  send(frame: Uint8Array, start: number, end: number, isIke: boolean): void {
    const mark = SEND_QUEUE_MARK + (isIke ? SEND_QUEUE_IKE_RESERVE : 0);
    if (this.#socket.getSendQueueSize() > mark) {
      this.#events.full(1);
      return;
    }
    // With a callback, or the system's error would be lost; one per socket, made once.
    if (this.#destination === undefined) {
      this.#socket.send(frame, start, end - start, this.#sent);
    } else {
      const { address, port } = this.#destination(frame, start);
      this.#socket.send(frame, start, end - start, port, address, this.#sent);
    }
  }

  close(): void {
    this.#socket.close();
  }

  readonly #sent = (error: Error | null): void => {
    if (error === null) this.#events.sent(1);
    else this.#failed(error, 1);
  };

  #failed(error: Error, count: number): void {
    this.#events.failed((error as NodeJS.ErrnoException).code ?? 'UNKNOWN', count);
  }
}

/** A new socket once `start` has succeeded; closed when it does not. */
function opened(start: (socket: Socket, done: (error?: Error) => void) => void): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({
      type: 'udp4',
      recvBufferSize: SOCKET_BUFFER,
      sendBufferSize: SOCKET_BUFFER,
    });
    const failed = (error: Error): void => {
      socket.close();
      reject(error);
    };
    socket.on('error', failed);
    start(socket, (error) => (error ? failed(error) : resolve(socket)));
  });
}
