/**
 * A TCP peer that keeps the letter of the rules in ways that no kernel would: until it calms down it takes windows and SACKs
 * back, acknowledges in slivers, repeats itself in other pieces, and forgets to speak. It notes what the stack does against
 * the rules meanwhile.
 */
import { IpHeader, IpProtocol } from '../../shared/ip/header.ts';
import { NetworkInterface } from '../../shared/ip/interface.ts';
import { decodeIpv4 } from '../../shared/ip/ipv4.ts';
import { Path } from '../../shared/ip/path.ts';
import { decodeSegment, encodeSegment, Segment, TcpFlag } from '../../shared/ip/tcp/segment.ts';
import type { Bytes, Millis } from '../../shared/wire/bytes.ts';
import { checksumAdd, checksumFinish } from '../../shared/wire/checksum.ts';
import { CLIENT, CopyingSink, SERVER } from './ip-pair.ts';
import { SeededRandom } from './random.ts';
import { byteAt } from './transfer.ts';

const PORT = 80;
const MTU = 1400;
const LARGEST_PIECE = 1300;
const MOST_BLOCKS = 3;

/** Bytes of the peer's and of the stack's streams by their place. */
const OWN_SEED = 2;
const STACK_SEED = 1;

export interface Habits {
  readonly initial: number;
  readonly buffer: number;
  readonly selective: boolean;
  readonly timestamps: boolean;
  /** −1: none. */
  readonly scale: number;
  readonly segmentSize: number;
  /** Takes a part of the window, or what it has SACKed, back. */
  readonly shrinks: boolean;
  readonly reneges: boolean;
  /** Acknowledges in slivers, SACKs parts of what it has, closes its window, opens it by a byte. */
  readonly divides: boolean;
  readonly partialBlocks: boolean;
  readonly closes: boolean;
  readonly silly: boolean;
  /** Sends again in other pieces; and old acknowledgments. */
  readonly overlaps: boolean;
  readonly stale: boolean;
}

export function drawHabits(random: SeededRandom): Habits {
  const chance = (probability: number) => random.next() < probability;
  const oneOf = <T>(values: readonly T[]) => values[Math.floor(random.next() * values.length)]!;
  const buffer = oneOf([1, 100, 1500, 5000, 65_000, 200_000]);
  return {
    initial: oneOf([0xffff_fff0, 5, 0x7fff_ff00]),
    buffer,
    selective: chance(0.7),
    timestamps: chance(0.6),
    // A window that rounds to nothing is no window.
    scale: buffer < 5000 ? oneOf([-1, 0]) : oneOf([-1, 0, 3, 7]),
    segmentSize: oneOf([0, 1, 64, 536, 1000, 1460]),
    shrinks: chance(0.3),
    reneges: chance(0.2),
    divides: chance(0.4),
    partialBlocks: chance(0.3),
    closes: chance(0.3),
    silly: chance(0.3),
    overlaps: chance(0.5),
    stale: chance(0.3),
  };
}

export class OddPeer {
  /** What the stack did that it must not. */
  readonly problems: string[] = [];
  readonly #habits: Habits;
  readonly #random: SeededRandom;
  readonly #emit: (bytes: Bytes) => void;
  readonly #calmAt: Millis;
  /** Bytes that it sends, and gets. */
  readonly #sends: number;
  readonly #gets: number;
  #now: Millis = 0;
  #speakAt: Millis = 0;
  #state: 'listening' | 'asked' | 'open' = 'listening';
  #stackPort = 0;
  #stackInitial = 0;
  #usesTimestamps = false;
  #usesBlocks = false;
  #scale = 0;
  #stackScale = 0;
  #recent = 0;
  // Positions are counted from each initial sequence number, as in the stack.
  readonly #has: Uint8Array;
  #next = 1;
  #acknowledged = 1;
  /** Behind the window; the furthest that was ever told; and where FIN lies. */
  #edge: number;
  #furthest = 0;
  #unread = 0;
  #fin: number | undefined;
  #una = 1;
  #sentTo = 1;
  #stackEdge = 1;

  constructor(
    habits: Habits,
    seed: number,
    calmAt: Millis,
    lengths: { readonly sends: number; readonly gets: number },
    emit: (bytes: Bytes) => void,
  ) {
    this.#habits = habits;
    this.#random = new SeededRandom(seed);
    this.#calmAt = calmAt;
    this.#sends = lengths.sends;
    this.#gets = lengths.gets;
    this.#emit = emit;
    this.#has = new Uint8Array(lengths.gets + 2);
    this.#edge = 1 + habits.buffer;
  }

  get deadline(): Millis {
    return this.#speakAt;
  }

  /** Everything arrived, and its own was acknowledged, both FINs among it. */
  get finished(): boolean {
    return this.#next === this.#gets + 2 && this.#una === this.#sends + 2;
  }

  timeout(now: Millis): void {
    this.#now = now;
    this.#speakAt = now + 50 + this.#below(this.#isOdd ? 300 : 50);
    if (this.#state === 'asked') this.#send(TcpFlag.syn | TcpFlag.ack, 0);
    if (this.#state !== 'open') return;
    this.#read();
    // What it says again may be what tells where it stands.
    if (this.#isOdd && this.#below(2) === 0) this.#acknowledged = this.#next;
    else this.#acknowledge();
    this.#speak();
  }

  arrived(bytes: Bytes, now: Millis): void {
    this.#now = now;
    const header = new IpHeader();
    decodeIpv4(header, bytes, 0, bytes.length);
    const segment = new Segment();
    decodeSegment(segment, bytes, header.dataStart, header.dataEnd);
    if (segment.has(TcpFlag.rst)) {
      if (!this.finished) this.problems.push('reset');
      return;
    }
    if (segment.has(TcpFlag.syn)) return this.#arrivedSyn(segment);
    if (this.#state === 'listening') return;
    this.#state = 'open';
    this.#arrivedAcknowledgment(segment);
    this.#arrivedData(segment, bytes);
    if (this.#isOdd && this.#below(3) === 0) return;
    if (segment.dataLength > 0 || segment.has(TcpFlag.fin)) this.#acknowledge();
  }

  get #isOdd(): boolean {
    return this.#now < this.#calmAt;
  }

  #below(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }

  /** One time in ten, as long as it is odd. */
  #feelsLike(habit: boolean): boolean {
    return this.#isOdd && habit && this.#below(10) === 0;
  }

  // ---- Receiving

  #arrivedSyn(syn: Segment): void {
    const { timestamps, selective, scale } = this.#habits;
    this.#stackInitial = syn.sequence;
    this.#stackPort = syn.sourcePort;
    this.#usesTimestamps = timestamps && syn.hasTimestamps;
    this.#usesBlocks = selective && syn.sackPermitted;
    this.#recent = syn.timestamp;
    if (scale >= 0 && syn.windowScale >= 0) {
      this.#scale = scale;
      this.#stackScale = syn.windowScale;
    }
    if (this.#state === 'listening') this.#state = 'asked';
    if (this.#state === 'asked') this.#send(TcpFlag.syn | TcpFlag.ack, 0);
    else this.#acknowledge();
  }

  #arrivedAcknowledgment(segment: Segment): void {
    const position = (segment.acknowledgment - this.#habits.initial) | 0;
    if (position > this.#sentTo) this.problems.push(`acknowledged ${position} of ${this.#sentTo}`);
    this.#una = Math.max(this.#una, position);
    this.#stackEdge = Math.max(this.#stackEdge, position + segment.window * 2 ** this.#stackScale);
  }

  #arrivedData(segment: Segment, bytes: Bytes): void {
    const position = (segment.sequence - this.#stackInitial) | 0;
    const end = position + segment.dataLength;
    // A probe of a closed window may go a byte further.
    if (end > this.#furthest + 1) this.problems.push(`sent ${end} of ${this.#furthest}`);
    if (segment.hasTimestamps && position <= this.#acknowledged) this.#recent = segment.timestamp;
    for (let at = position; at < end; at++) {
      const byte = bytes[segment.dataStart + at - position];
      if (byte !== byteAt(at - 1, STACK_SEED)) this.problems.push(`wrong byte at ${at}`);
      if (at >= this.#next && at < this.#edge) this.#has[at] = 1;
    }
    if (segment.has(TcpFlag.fin)) {
      if (end !== this.#gets + 1) this.problems.push(`FIN at ${end}`);
      this.#fin = end;
    }
    const before = this.#next;
    while (this.#next <= this.#gets && this.#has[this.#next] === 1) this.#next++;
    this.#unread += this.#next - before;
    if (this.#next === this.#fin) this.#next++;
  }

  #read(): void {
    const { closes, buffer } = this.#habits;
    this.#unread -= this.#isOdd && closes ? this.#below(this.#unread + 1) : this.#unread;
    this.#edge = Math.max(this.#edge, this.#next + buffer - this.#unread);
  }

  /** Where it stands, in its own way. */
  #acknowledge(): void {
    const { divides, shrinks, closes, silly, stale, reneges, buffer } = this.#habits;
    if (this.#isOdd && divides && this.#next - this.#acknowledged > 1) {
      this.#acknowledged += 1 + this.#below(this.#next - this.#acknowledged);
    } else {
      this.#acknowledged = this.#next;
    }
    if (!(this.#isOdd && silly)) {
      this.#edge = Math.max(this.#edge, this.#next + buffer - this.#unread);
    } else if (this.#edge <= this.#next) {
      this.#edge = this.#next + 1;
    }
    if (this.#feelsLike(shrinks)) this.#edge -= this.#below(Math.max(0, this.#edge - this.#next));
    if (this.#feelsLike(closes)) this.#edge = this.#next;
    if (this.#feelsLike(reneges)) this.#has.fill(0, this.#next);
    if (this.#feelsLike(stale)) {
      this.#send(TcpFlag.ack, this.#sentTo, 0, 1 + this.#below(this.#acknowledged));
    }
    this.#send(TcpFlag.ack, this.#sentTo);
  }

  // ---- Sending

  /** What was not acknowledged, once more, and what else the stack's window takes. */
  #speak(): void {
    const { overlaps } = this.#habits;
    const odd = this.#isOdd && overlaps;
    const limit = Math.min(this.#sends + 1, this.#stackEdge);
    let at = odd ? Math.max(1, this.#una - this.#below(2000)) : this.#una;
    for (let count = 0; count < 8 && at < limit; count++) {
      const length = Math.min(1 + this.#below(LARGEST_PIECE), limit - at);
      this.#send(TcpFlag.ack | TcpFlag.psh, at, length);
      at += odd ? Math.max(1, length - this.#below(length)) : length;
    }
    if (this.#una <= this.#sends && this.#una >= limit) this.#send(TcpFlag.ack, this.#una, 1);
    if (at > this.#sends && this.#una <= this.#sends + 1) {
      this.#send(TcpFlag.ack | TcpFlag.fin, this.#sends + 1);
    }
  }

  #send(flags: number, position: number, length = 0, acknowledged = this.#acknowledged): void {
    const opens = (flags & TcpFlag.syn) !== 0;
    const shift = opens ? 0 : this.#scale;
    const segment = new Segment();
    segment.sourcePort = PORT;
    segment.destinationPort = this.#stackPort;
    segment.flags = flags;
    segment.sequence = (this.#habits.initial + position) >>> 0;
    segment.acknowledgment = (this.#stackInitial + acknowledged) >>> 0;
    segment.window = Math.min(65_535, Math.max(0, this.#edge - acknowledged) >>> shift);
    this.#furthest = Math.max(this.#furthest, acknowledged + segment.window * 2 ** shift);
    if (opens) {
      segment.maximumSegmentSize = this.#habits.segmentSize;
      segment.windowScale = this.#habits.scale;
      segment.sackPermitted = this.#habits.selective;
    } else if (this.#usesBlocks) {
      this.#writeBlocks(segment);
    }
    if (this.#usesTimestamps) {
      segment.hasTimestamps = true;
      segment.timestamp = Math.floor(this.#now) + 1;
      segment.timestampEcho = this.#recent;
    }
    const taken = length + (flags & TcpFlag.fin ? 1 : 0);
    this.#sentTo = Math.max(this.#sentTo, position + taken);
    this.#emit(packetOf(segment, position, length));
  }

  #writeBlocks(segment: Segment): void {
    const has = this.#has;
    const edges = segment.sackEdges;
    for (let at = this.#next; at < has.length && segment.sackCount < MOST_BLOCKS; ) {
      if (has[at] !== 1) {
        at++;
        continue;
      }
      let end = at;
      while (has[end] === 1) end++;
      let [left, right] = [at, end];
      if (this.#isOdd && this.#habits.partialBlocks && end - at > 2) {
        left += this.#below((end - at) / 2);
        right = left + 1 + this.#below(end - left);
      }
      edges[2 * segment.sackCount] = this.#stackInitial + left;
      edges[2 * segment.sackCount + 1] = this.#stackInitial + right;
      segment.sackCount++;
      at = end;
    }
  }
}

/** `length` bytes of the peer's stream from `position` on go behind the header. */
function packetOf(segment: Segment, position: number, length: number): Bytes {
  let sent: Bytes | undefined;
  const network = new NetworkInterface(
    SERVER,
    new CopyingSink(MTU + 100, (bytes) => {
      sent = bytes;
    }),
    0,
  );
  const path = new Path(SERVER, CLIENT);
  const packet = network.take(path);
  const { bytes, start } = packet;
  const header = encodeSegment(segment, bytes, start);
  for (let i = 0; i < length; i++) bytes[start + header + i] = byteAt(position - 1 + i, OWN_SEED);
  packet.end = start + header + length;
  const sum = path.pseudoHeaderSum(IpProtocol.tcp, header + length);
  const checksum = checksumFinish(checksumAdd(sum, bytes, start, packet.end));
  bytes[start + 16] = checksum >>> 8;
  bytes[start + 17] = checksum;
  network.send(packet, path, IpProtocol.tcp);
  return sent!;
}
