/**
 * The receiving half of a connection: what is in order goes up with the burst it came in, what is not waits in a bounded ring, and
 * the window is what the reader has room for. Decides when to acknowledge and what SACK says.
 * Deviation: RFC 5681 §4.2 wants an acknowledgment for every second full-sized segment. Of those that arrive together in order the
 * last is acknowledged, and every sixteenth, as by kernels that put them together before TCP sees them.
 * @rfc 9293 §3.8.6, 2018 §4, 2883 §4, 5681 §4.2
 */
import type { Bytes, Millis } from '../../wire/bytes.ts';
import type { SpareMemory } from '../../wire/spare-memory.ts';
import { Arrivals } from './arrivals.ts';
import { EcnEcho } from './ecn.ts';
import { ByteRing } from './ring.ts';
import { SACK_BLOCK_LIMIT } from './segment.ts';
import { WindowTuning } from './window-tuning.ts';

/** Pieces kept out of order, at most; what would make another is dropped and comes again. */
const PIECE_LIMIT = 256;

/** How long an acknowledgment may wait for a second segment: 500 ms at most. @rfc 9293 §3.8.6.3 */
const DELAYED_ACK: Millis = 40;

/** Segments of one burst that are acknowledged together, at most: what they let a sender send should not be a burst of its own. */
const STRETCH_LIMIT = 16;

interface Piece {
  start: number;
  end: number;
}

export class Receiver {
  /** Next position expected: RCV.NXT. */
  nxt = 1;
  readonly echo: EcnEcho = new EcnEcho();
  readonly tuning: WindowTuning;
  /** Position behind the window that was offered; never moves back. @rfc 9293 §3.8.6.2.2 */
  #edge: number;
  /** Bytes delivered and not yet consumed. */
  #unread = 0;
  readonly #ring = new ByteRing();
  readonly #arrivals = new Arrivals();
  /** Out of order, joined where they touch, the one that changed last first. */
  readonly #pieces: Piece[] = [];
  /** What arrived twice; reported once. */
  #duplicate: Piece | undefined;
  /** Position of the FIN, once seen. */
  #fin: number | undefined;
  /** Segments in order that were not acknowledged. */
  #unacknowledged = 0;
  #urgent = false;
  #acknowledgeAt: Millis | undefined;

  constructor(limit: number) {
    this.tuning = new WindowTuning(limit);
    this.#edge = this.nxt + Math.min(limit, 65_535);
  }

  /** When a delayed acknowledgment is due. */
  get deadline(): Millis | undefined {
    return this.#acknowledgeAt;
  }

  /** Whether an acknowledgment must go once the burst is read: out of order, a second segment, a FIN, a window that opened. */
  get mustAcknowledge(): boolean {
    return this.#urgent || this.#unacknowledged >= 2;
  }

  /**
   * Whether an acknowledgment that is due may not wait for the end of the burst: each segment behind a gap has one of its
   * own, which data would not carry. @rfc 5681 §4.2
   */
  get mustTell(): boolean {
    const hasNews = this.#pieces.length > 0 || this.#duplicate !== undefined;
    return hasNews || this.#unacknowledged >= STRETCH_LIMIT;
  }

  /** Whether everything up to and with the FIN has arrived. */
  get finished(): boolean {
    return this.#fin !== undefined && this.nxt > this.#fin;
  }

  /** Bytes from `nxt` on that we take: RCV.WND. */
  get window(): number {
    return Math.max(0, this.#edge - this.nxt);
  }

  /** Takes a segment's data, which overlaps the window, and its FIN. `bytes` stays as it is until `take`. */
  accept(
    position: number,
    bytes: Bytes,
    from: number,
    length: number,
    fin: boolean,
    now: Millis,
  ): void {
    const end = position + length;
    // One that lies where data were taken is not this connection's, and must not pass for its end.
    if (fin && end < this.nxt) this.#urgent = true;
    else if (fin && end <= this.#edge && this.#fin === undefined) this.#fin = end;
    const start = Math.max(position, this.nxt);
    const stop = Math.min(end, this.#edge, this.#fin ?? end);
    if (length > 0 && position < this.nxt) this.repeated(position, Math.min(end, this.nxt));
    if (start > this.nxt) {
      if (stop > start) this.#keep(start, stop, bytes, from + start - position);
      this.#urgent = true;
      return;
    }
    if (stop > start) {
      this.#delay(now);
      this.#advance(stop, bytes, from + start - position);
    } else if (length > 0) {
      // Probed while the window is closed, or nothing new: the sender wants to know where we are.
      this.#urgent = true;
    }
    if (this.#fin === this.nxt) {
      this.nxt++;
      this.#edge = Math.max(this.#edge, this.nxt);
      this.#urgent = true;
    }
  }

  /** What became readable since the last time, as the reader's own. */
  take(spare: SpareMemory): Bytes | undefined {
    return this.#arrivals.take(spare);
  }

  /** The reader took `length` bytes. Sets `mustAcknowledge` when the window grew enough to tell. */
  consumed(length: number, rtt: Millis, now: Millis): void {
    this.#unread = Math.max(0, this.#unread - length);
    this.tuning.taken(length, rtt, now);
    const { window } = this.tuning;
    const growth = this.nxt + window - this.#unread - this.#edge;
    const worth = Math.max(Math.floor(window / 4), this.#smallestStep);
    if (growth >= worth && !this.finished) this.#urgent = true;
  }

  /** Bytes came that were here already: the next SACK says so first. @rfc 2883 §4 */
  repeated(start: number, end: number): void {
    this.#duplicate = { start, end };
    this.#urgent = true;
  }

  /** Something came that only a repeated acknowledgment answers. */
  acknowledgeNow(): void {
    this.#urgent = true;
  }

  /** A delayed acknowledgment whose time has come. */
  expire(now: Millis): void {
    if (this.#acknowledgeAt !== undefined && this.#acknowledgeAt <= now) this.#urgent = true;
  }

  /** An acknowledgment goes out: moves the window's edge, unless the step would be silly. @rfc 9293 §3.8.6.2.2 */
  acknowledge(): void {
    const edge = this.nxt + this.tuning.window - this.#unread;
    if (edge - this.#edge >= this.#smallestStep) this.#edge = edge;
    this.#unacknowledged = 0;
    this.#urgent = false;
    this.#acknowledgeAt = undefined;
  }

  /** Writes edge pairs for the SACK option, as positions, and answers how many pairs. @rfc 2018 §4, 2883 §4 */
  sackBlocks(edges: Float64Array): number {
    let count = 0;
    if (this.#duplicate !== undefined) {
      edges[0] = this.#duplicate.start;
      edges[1] = this.#duplicate.end;
      count++;
      this.#duplicate = undefined;
    }
    for (let i = 0; i < this.#pieces.length && count < SACK_BLOCK_LIMIT; i++, count++) {
      edges[2 * count] = this.#pieces[i]!.start;
      edges[2 * count + 1] = this.#pieces[i]!.end;
    }
    return count;
  }

  release(): void {
    this.#ring.release();
    this.#pieces.length = 0;
    this.#acknowledgeAt = undefined;
  }

  get #smallestStep(): number {
    return Math.min(Math.floor(this.tuning.window / 2), 1460);
  }

  #delay(now: Millis): void {
    this.#unacknowledged++;
    this.#acknowledgeAt ??= now + DELAYED_ACK;
  }

  /** In-order bytes up to `stop`, and what they join on to. */
  #advance(stop: number, bytes: Bytes, from: number): void {
    const start = this.nxt;
    this.#arrivals.add(bytes, from, stop - start);
    const end = this.#pieces.length === 0 ? stop : this.#join(stop);
    this.nxt = end;
    this.#unread += end - start;
  }

  /** Hands on the pieces that begin at `stop` now; answers where they end. */
  #join(stop: number): number {
    // A gap closes, wholly or in part: the sender wants to know at once. @rfc 5681 §4.2
    this.#urgent = true;
    let end = stop;
    for (let i = 0; i < this.#pieces.length; i++) {
      const piece = this.#pieces[i]!;
      if (piece.start > end) continue;
      end = Math.max(end, piece.end);
      this.#pieces.splice(i, 1);
      i = -1;
    }
    if (end > stop) {
      const joined = new Uint8Array(end - stop);
      this.#ring.read(stop, joined, 0, joined.length);
      this.#arrivals.add(joined, 0, joined.length);
    }
    return end;
  }

  #keep(start: number, stop: number, bytes: Bytes, from: number): void {
    const overlaps = this.#pieces.some((piece) => piece.start <= stop && start <= piece.end);
    if (!overlaps && this.#pieces.length >= PIECE_LIMIT) return;
    const covering = this.#pieces.find((piece) => piece.start <= start && stop <= piece.end);
    if (covering !== undefined) this.repeated(start, stop);
    let used = this.nxt;
    for (const piece of this.#pieces) used = Math.max(used, piece.end);
    this.#ring.reserve(this.nxt, used, stop);
    this.#ring.write(start, bytes, from, stop - start);
    const joined: Piece = { start, end: stop };
    for (let i = this.#pieces.length - 1; i >= 0; i--) {
      const piece = this.#pieces[i]!;
      if (piece.start > stop || start > piece.end) continue;
      joined.start = Math.min(joined.start, piece.start);
      joined.end = Math.max(joined.end, piece.end);
      this.#pieces.splice(i, 1);
    }
    this.#pieces.unshift(joined);
  }
}
