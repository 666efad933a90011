/**
 * Sockets of the addon. Records of a frame are gathered and sent by one call; what has arrived at any socket in a
 * turn of the event loop is taken burst by burst out of one ring.
 */
import { getSystemErrorName } from 'node:util';
import { type Addon, loadAddon, type NativeSet } from './native.ts';
import { Pace, REST } from './pace.ts';
import type { DatagramSocket, SocketEvents, Sockets, UdpSocket } from './sockets.ts';

/** Records of one call, as RANGES_LIMIT in native/datagrams.h. */
const RANGES_LIMIT = 1024;

/** Words of `arrivals` before the first message, and of each message. */
const ARRIVALS_HEADER = 2;
const ARRIVAL_WORDS = 4;

/** The number under which ESP between other addresses arrives. */
const NOBODY = -1;

/** What is told about a socket's arrivals. */
type Receiver = Pick<SocketEvents, 'received' | 'failed'>;

export class NativeSockets implements Sockets {
  /** ESP that came from or to an address for which no path is open. */
  strangers = 0;
  readonly #native: NativeSet;
  readonly #ring: Uint8Array;
  readonly #arrivals: Int32Array;
  readonly #ranges: Int32Array;
  readonly #outcome: Int32Array;
  readonly #pace = new Pace();
  #resting = false;
  /** By the addon's number. */
  readonly #receivers: (Receiver | undefined)[] = [];
  /** Whose records of which frame are gathered, how many, and which of them are IKE. */
  #sender: NativeSocket | undefined;
  #frame: Uint8Array | undefined;
  #count = 0;
  readonly #isIke = new Uint8Array(RANGES_LIMIT);

  static #shared: NativeSockets | undefined;

  /** The sockets of this thread; `undefined` where the addon is not there or not wanted. */
  static load(): NativeSockets | undefined {
    const addon = loadAddon();
    if (addon !== undefined) NativeSockets.#shared ??= new NativeSockets(addon);
    return addon === undefined ? undefined : NativeSockets.#shared;
  }

  private constructor(addon: Addon) {
    this.#native = addon.start(() => this.#readable());
    this.#ring = new Uint8Array(this.#native.ring);
    this.#arrivals = new Int32Array(this.#native.arrivals);
    this.#ranges = new Int32Array(this.#native.ranges);
    this.#outcome = new Int32Array(this.#native.outcome);
  }

  async connect(
    address: string,
    port: number,
    events: SocketEvents,
    localPort = 0,
  ): Promise<UdpSocket> {
    const id = this.#open(this.#native.openUdp(address, port, localPort), events);
    const local = { address: this.#native.localAddress(id), port: this.#native.localPort(id) };
    return Object.assign(new NativeSocket(this, id, events), { local });
  }

  /** ESP as protocol 50 between two addresses, one at a time for a pair; answers its number. Throws the system's error. */
  openEsp(local: string, remote: string, receiver: Receiver): number {
    return this.#open(this.#native.openEsp(local, remote), receiver);
  }

  close(id: number): void {
    this.#receivers[id] = undefined;
    this.#native.close(id);
  }

  /** Adds a record to those of the frame that are to be sent. */
  gather(
    sender: NativeSocket,
    frame: Uint8Array,
    start: number,
    end: number,
    isIke: boolean,
  ): void {
    if (sender !== this.#sender || frame !== this.#frame || this.#count === RANGES_LIMIT) {
      this.flush();
      this.#sender = sender;
      this.#frame = frame;
    }
    const at = this.#count++;
    this.#ranges[2 * at] = start;
    this.#ranges[2 * at + 1] = end;
    this.#isIke[at] = isIke ? 1 : 0;
  }

  flush(): void {
    const sender = this.#sender;
    const frame = this.#frame;
    const count = this.#count;
    if (sender === undefined || frame === undefined) return;
    this.#sender = undefined;
    this.#frame = undefined;
    this.#count = 0;
    this.#send(sender, frame, count, false);
    const full = this.#full;
    if (full > 0) this.#sendIke(sender, frame, count - full, count);
  }

  /** The IKE messages among the ranges that found the buffer full get its reserve; the others are dropped. */
  #sendIke(sender: NativeSocket, frame: Uint8Array, from: number, to: number): void {
    let count = 0;
    for (let i = from; i < to; i++) {
      if (this.#isIke[i] === 0) continue;
      this.#ranges.copyWithin(2 * count, 2 * i, 2 * i + 2);
      count++;
    }
    let dropped = to - from - count;
    if (count > 0) {
      this.#send(sender, frame, count, true);
      dropped += this.#full;
    }
    if (dropped > 0) sender.events.full(dropped);
  }

  #send({ id, events }: NativeSocket, frame: Uint8Array, count: number, reserve: boolean): void {
    const sent = this.#native.send(id, frame, count, reserve);
    if (sent > 0) events.sent(sent);
    const failed = this.#outcome[2]!;
    const error = this.#outcome[3]!;
    if (error !== 0) events.failed(getSystemErrorName(-error), failed);
  }

  /** Of the last `#send`: how many records were not tried since the buffer is full. */
  get #full(): number {
    return this.#outcome[1]!;
  }

  #open(id: number, receiver: Receiver): number {
    if (id < 0) throw systemError(id);
    this.#receivers[id] = receiver;
    return id;
  }

  #readable(): void {
    let datagrams = 0;
    for (let count = this.#native.receive(); count >= 0; count = this.#native.receive()) {
      datagrams += this.#burst(count);
    }
    const rests = this.#pace.rests(datagrams, performance.now());
    if (rests !== this.#resting) {
      this.#resting = rests;
      // After a rest the sockets are looked at whether or not anything has come: waking up is what costs.
      this.#native.watch(!rests);
    }
    if (rests) setTimeout(() => this.#readable(), REST);
  }

  /** Answers how many datagrams those messages were. */
  #burst(count: number): number {
    let datagrams = 0;
    const arrivals = this.#arrivals;
    const error = arrivals[0]!;
    const failedId = arrivals[1]!;
    let at = ARRIVALS_HEADER;
    for (let i = 0; i < count; i++, at += ARRIVAL_WORDS) {
      const id = arrivals[at + 3]!;
      if (id === NOBODY) this.strangers++;
      const receiver = this.#receivers[id];
      if (receiver === undefined) continue;
      const start = arrivals[at]!;
      const end = start + arrivals[at + 1]!;
      // One datagram, or a GRO bundle of datagrams of one length of which the last may be shorter.
      const step = arrivals[at + 2]! || end - start;
      // Whoever closes the socket meanwhile hears no more.
      for (let from = start; from < end && this.#receivers[id] === receiver; from += step) {
        datagrams++;
        receiver.received(this.#ring, from, Math.min(from + step, end));
      }
    }
    if (error !== 0) this.#receivers[failedId]?.failed(getSystemErrorName(-error), 0);
    return datagrams;
  }
}

/** One of the addon's sockets, as somebody sends from it. */
export class NativeSocket implements DatagramSocket {
  readonly id: number;
  readonly events: Pick<SocketEvents, 'sent' | 'full' | 'failed'>;
  readonly #sockets: NativeSockets;

  constructor(sockets: NativeSockets, id: number, events: NativeSocket['events']) {
    this.#sockets = sockets;
    this.id = id;
    this.events = events;
  }

  send(frame: Uint8Array, start: number, end: number, isIke: boolean): void {
    this.#sockets.gather(this, frame, start, end, isIke);
  }

  close(): void {
    this.#sockets.flush();
    this.#sockets.close(this.id);
  }
}

/** The error Node would have thrown for a negative answer. */
function systemError(number: number): Error {
  const code = getSystemErrorName(number);
  return Object.assign(new Error(code), { code, errno: number });
}
