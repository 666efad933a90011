/**
 * Raw ESP (IP protocol 50) for all sessions of a relay. Between an address of the relay's and a gateway's there is one
 * path, however many sessions share it; what arrives on it belongs to the session that has claimed its SPI, and
 * to nobody else. Needs the addon and CAP_NET_RAW: without them no session gets a port.
 */
import { Channel, CLAIMS_LIMIT } from '../shared/relay/channels.ts';
import type { ClaimRefusalCode } from '../shared/relay/close-codes.ts';
import type { Millis } from '../shared/wire/bytes.ts';
import { type Counters, newCounters } from './counters.ts';
import type { PacketRate } from './packet-rate.ts';
import { espSpi, hasShape } from './shape.ts';

/** What becomes of the packets of a path. */
export interface EspEvents {
  /** A packet arrived, without its IP header: `bytes[start, end)`, there during the call alone. */
  received(bytes: Uint8Array, start: number, end: number): void;
  /** Packets the system took. */
  sent(count: number): void;
  /** Packets dropped because the system does not send fast enough. */
  full(count: number): void;
  /** The system refused `count` packets; `code` is its name for the reason. */
  failed(code: string, count: number): void;
}

/** What makes paths. */
export interface EspSockets {
  /** A path between two IPv4 addresses, dotted; one at a time for a pair. Throws the system's error. */
  openEsp(local: string, remote: string, events: EspEvents): EspSocket;
}

export interface EspSocket {
  send(frame: Uint8Array, start: number, end: number, isIke: boolean): void;
  close(): void;
}

interface EspPortOptions {
  readonly rate: PacketRate;
  readonly counters: Counters;
  /** A packet with an SPI that this port has claimed. */
  readonly received: EspEvents['received'];
}

export class EspPaths {
  /** Of packets that are no session's. */
  readonly counters: Counters = newCounters();
  readonly #sockets: EspSockets | undefined;
  readonly #paths = new Map<string, Path>();

  constructor(sockets: EspSockets | undefined) {
    this.#sockets = sockets;
  }

  /** A session's part of the path between two addresses; `undefined` where there is no raw ESP. */
  port(local: string, remote: string, options: EspPortOptions): EspPort | undefined {
    const key = `${local} ${remote}`;
    let path = this.#paths.get(key);
    if (path === undefined) {
      path = this.#open(local, remote, () => this.#paths.delete(key));
      if (path === undefined) return undefined;
      this.#paths.set(key, path);
    }
    return new EspPort(path, options);
  }

  #open(local: string, remote: string, closed: () => void): Path | undefined {
    try {
      return this.#sockets && new Path(this.#sockets, local, remote, this.counters, closed);
    } catch {
      // Most often EPERM: a tab sees that the channel is missing, and an operator the same in the log.
      return undefined;
    }
  }
}

/** From one address to another, for all who share it. */
class Path implements EspEvents {
  readonly socket: EspSocket;
  /** By claimed SPI. */
  readonly owners: Map<number, EspPort> = new Map();
  /** Whose packets are on their way into the system: it tells what became of them before the next frame. */
  sender: EspPort | undefined;
  readonly #ports = new Set<EspPort>();
  readonly #counters: Counters;
  readonly #closed: () => void;

  constructor(
    sockets: EspSockets,
    local: string,
    remote: string,
    counters: Counters,
    closed: () => void,
  ) {
    this.#counters = counters;
    this.#closed = closed;
    this.socket = sockets.openEsp(local, remote, this);
  }

  join(port: EspPort): void {
    this.#ports.add(port);
  }

  /** The last one closes the path. */
  leave(port: EspPort): void {
    if (!this.#ports.delete(port) || this.#ports.size > 0) return;
    this.socket.close();
    this.#closed();
  }

  received(bytes: Uint8Array, start: number, end: number): void {
    if (!hasShape(Channel.esp, bytes, start, end)) {
      this.#counters.badShapeFromGateway++;
      return;
    }
    const owner = this.owners.get(espSpi(bytes, start));
    if (owner === undefined) this.#counters.unclaimed++;
    else owner.received(bytes, start, end);
  }

  sent(count: number): void {
    this.#sendersCounters.toGateway += count;
  }

  full(count: number): void {
    this.#sendersCounters.queueToGateway += count;
  }

  failed(_code: string, count: number): void {
    this.#sendersCounters.sendFailed += count;
  }

  get #sendersCounters(): Counters {
    return this.sender?.counters ?? this.#counters;
  }
}

/** One session's claims on a path, and its way to send. */
export class EspPort {
  readonly counters: Counters;
  readonly received: EspEvents['received'];
  readonly #path: Path;
  readonly #rate: PacketRate;
  readonly #claimed: Set<number> = new Set();

  constructor(path: Path, { rate, counters, received }: EspPortOptions) {
    this.#path = path;
    this.#rate = rate;
    this.counters = counters;
    this.received = received;
    path.join(this);
  }

  /** Has ESP with this SPI come here; answers why not. A claim repeated is granted again. */
  claim(spi: number): ClaimRefusalCode | undefined {
    const owner = this.#path.owners.get(spi);
    if (owner === this) return undefined;
    if (owner !== undefined) return 'RELAY_SPI_TAKEN';
    if (this.#claimed.size >= CLAIMS_LIMIT) return 'RELAY_SPI_LIMIT';
    this.#path.owners.set(spi, this);
    this.#claimed.add(spi);
    return undefined;
  }

  /** Gives a claim up; an SPI that is not this session's stays whose it is. */
  release(spi: number): void {
    if (this.#claimed.delete(spi)) this.#path.owners.delete(spi);
  }

  /**
   * Sends the record `frame[start, end)`, or counts it as dropped: it has not the shape of ESP, the session has
   * claimed nothing to be answered on, it sends too much, or the system's queue is full.
   */
  send(frame: Uint8Array, start: number, end: number, now: Millis): void {
    if (!hasShape(Channel.esp, frame, start, end)) this.counters.badShapeFromTab++;
    else if (this.#claimed.size === 0) this.counters.unclaimed++;
    else if (!this.#rate.admits(end - start, false, now)) this.counters.overRate++;
    else {
      this.#path.sender = this;
      this.#path.socket.send(frame, start, end, false);
    }
  }

  close(): void {
    for (const spi of this.#claimed) this.release(spi);
    this.#path.leave(this);
  }
}
