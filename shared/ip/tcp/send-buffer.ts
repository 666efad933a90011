/**
 * What was written and is not yet acknowledged: twice the congestion window at most, so that what the path takes is at hand.
 * What arrived behind a gap does not count: where every round trip loses something, it is as much as a window, and more.
 */
import type { Bytes } from '../../wire/bytes.ts';
import { ByteRing } from './ring.ts';

/** Never less than this, if the limit allows. */
const SMALLEST = 262_144;

export class SendBuffer {
  /** Position behind the last byte written. */
  end = 1;
  /** A FIN goes out behind it: nothing more is written. */
  closed = false;
  readonly ring: ByteRing = new ByteRing();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes that are kept at most while the congestion window is `window` and `sacked` have arrived behind a gap. */
  capacity(window: number, sacked: number): number {
    return Math.min(this.#limit, Math.max(SMALLEST, Math.floor(2 * window)) + sacked);
  }

  /** Bytes that a write would be taken. */
  room(una: number, window: number, sacked: number): number {
    return this.closed ? 0 : Math.max(0, this.capacity(window, sacked) - (this.end - una));
  }

  /** Copies `length` bytes, for which there is room. */
  write(bytes: Bytes, length: number, una: number): void {
    this.ring.reserve(una, this.end, this.end + length);
    this.ring.write(this.end, bytes, 0, length);
    this.end += length;
  }

  /** Gives the memory back. */
  release(): void {
    this.ring.release();
  }
}
