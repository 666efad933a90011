/**
 * ESP as IP protocol 50, for all sessions: the addon has one raw socket per address family, and what arrives belongs
 * to whoever has claimed its SPI between those two addresses. It needs CAP_NET_RAW.
 */
import { NativeSocket, NativeSockets } from './native-sockets.ts';
import type { DatagramSocket, SocketEvents } from './sockets.ts';

/** SPI and sequence number. @rfc 4303 §2 */
const ESP_HEADER = 8;

export class RawEsp {
  /** ESP packets whose SPI nobody has claimed. */
  unclaimed = 0;
  readonly #sockets: NativeSockets;
  readonly #paths = new Map<string, Path>();

  static #shared: RawEsp | undefined;

  /** The raw sockets of this thread; `undefined` without the addon or without the right to have them. */
  static load(): RawEsp | undefined {
    const sockets = NativeSockets.load();
    if (sockets === undefined || !isPermitted(sockets)) return undefined;
    RawEsp.#shared ??= new RawEsp(sockets);
    return RawEsp.#shared;
  }

  private constructor(sockets: NativeSockets) {
    this.#sockets = sockets;
  }

  /** ESP packets that came from or to an address between which no port is open. */
  get strangers(): number {
    return this.#sockets.strangers;
  }

  /** Sends what the ports have taken. */
  flush(): void {
    this.#sockets.flush();
  }

  /** A session's port between two addresses; it gets nothing until it has claimed an SPI. Throws the system's error. */
  open(local: string, remote: string, events: SocketEvents): EspPort {
    const name = `${local} ${remote}`;
    let path = this.#paths.get(name);
    if (path === undefined) {
      path = new Path(this, this.#sockets, local, remote);
      this.#paths.set(name, path);
    }
    return path.port(events, () => this.#paths.delete(name));
  }
}

/** What goes between two addresses, and who has which SPI there. */
class Path {
  readonly claims: Map<number, EspPort> = new Map();
  readonly #sockets: NativeSockets;
  readonly #id: number;
  #ports = 0;

  constructor(raw: RawEsp, sockets: NativeSockets, local: string, remote: string) {
    this.#sockets = sockets;
    this.#id = sockets.openEsp(local, remote, {
      received: (bytes, start, end) => {
        const port = end - start < ESP_HEADER ? undefined : this.claims.get(u32(bytes, start));
        if (port === undefined) raw.unclaimed++;
        else port.events.received(bytes, start, end);
      },
      // The kernel tells a raw socket of no ICMP errors; what is left is a shortage of its own.
      failed: () => {},
    });
  }

  port(events: SocketEvents, emptied: () => void): EspPort {
    this.#ports++;
    const socket = new NativeSocket(this.#sockets, this.#id, events);
    return new EspPort(this, socket, events, () => {
      if (--this.#ports > 0) return;
      emptied();
      this.#sockets.close(this.#id);
    });
  }
}

/** One session's ESP toward its gateway. */
export class EspPort implements DatagramSocket {
  readonly events: SocketEvents;
  readonly #path: Pick<Path, 'claims'>;
  readonly #socket: NativeSocket;
  readonly #closed: () => void;
  readonly #spis = new Set<number>();

  constructor(
    path: Pick<Path, 'claims'>,
    socket: NativeSocket,
    events: SocketEvents,
    closed: () => void,
  ) {
    this.#path = path;
    this.#socket = socket;
    this.events = events;
    this.#closed = closed;
  }

  /** SPIs that are claimed at present. */
  get claims(): number {
    return this.#spis.size;
  }

  /** From now on what arrives with this SPI is this session's. False, and nothing changes, when it is another's. */
  claim(spi: number): boolean {
    const { claims } = this.#path;
    const owner = claims.get(spi);
    if (owner !== undefined) return owner === this;
    claims.set(spi, this);
    this.#spis.add(spi);
    return true;
  }

  /** Takes back a claim of this session; what is another's is left alone. */
  release(spi: number): void {
    if (this.#spis.delete(spi)) this.#path.claims.delete(spi);
  }

  send(frame: Uint8Array, start: number, end: number, isIke: boolean): void {
    this.#socket.send(frame, start, end, isIke);
  }

  /** To be called once. */
  close(): void {
    for (const spi of this.#spis) this.#path.claims.delete(spi);
    this.#spis.clear();
    this.#closed();
  }
}

function isPermitted(sockets: NativeSockets): boolean {
  try {
    sockets.close(sockets.openEsp('127.0.0.1', '127.0.0.1', { received() {}, failed() {} }));
    return true;
  } catch (error) {
    // The pair is open already: of course it is permitted.
    return (error as NodeJS.ErrnoException).code === 'EEXIST';
  }
}

function u32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  );
}
