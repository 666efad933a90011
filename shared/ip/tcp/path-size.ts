/**
 * The largest segment a path takes. A path that says "too large" is believed; one that swallows large segments in
 * silence is found by time-outs, and tried again later with one large segment of data: it may only have been down.
 * @rfc 1191 §6.4, 4821 §7.7, 8899 §4.3
 */
import type { Millis } from '../../wire/bytes.ts';

/** Time-outs in a row of one segment before its size is blamed. */
const TIMEOUTS = 3;

/** Sizes of data to fall back to; the last fits every path that may carry IPv4. */
const FALLBACKS = [1024, 512];

/** When a larger one is tried: soon, in case nothing was wrong with the size; then by PMTU_RAISE_TIMER. @rfc 8899 §5.1.1 */
const FIRST_RAISE: Millis = 10_000;
const RAISE_INTERVAL: Millis = 600_000;

export class PathSize {
  /** Bytes of data in a segment. */
  size: number;
  /** What the ends agreed on, or a router said. */
  #full: number;
  #timeouts = 0;
  #raiseAt: Millis = Number.POSITIVE_INFINITY;
  /** Position behind the large segment in the air. */
  #probe: number | undefined;

  constructor(size: number) {
    this.size = size;
    this.#full = size;
  }

  /** A router said how much fits. */
  limit(size: number): void {
    this.#full = size;
    this.size = Math.min(this.size, size);
    this.#probe = undefined;
    this.#raiseAt = Number.POSITIVE_INFINITY;
  }

  /** A segment with `length` bytes was not answered. Answers whether smaller ones are to be sent. */
  timedOut(length: number, now: Millis): boolean {
    if (++this.#timeouts < TIMEOUTS) return false;
    const fallback = FALLBACKS.find((each) => each < Math.min(this.size, length));
    if (fallback === undefined) return false;
    this.#timeouts = 0;
    this.size = fallback;
    this.#probe = undefined;
    this.#raiseAt = now + FIRST_RAISE;
    return true;
  }

  /** Everything before `una` arrived. Answers whether larger ones may be sent again. */
  acknowledged(una: number): boolean {
    this.#timeouts = 0;
    if (this.#probe === undefined || una < this.#probe) return false;
    this.#probe = undefined;
    this.size = this.#full;
    return true;
  }

  /** Bytes the next segment may have, of `available`: more than usual when it is time to try. */
  next(available: number, now: Millis): number {
    const raise = now >= this.#raiseAt && this.size < this.#full && available >= this.#full;
    return raise ? this.#full : Math.min(this.size, available);
  }

  /** `[start, end)` goes out for the first time. */
  sent(start: number, end: number): void {
    if (end - start <= this.size) return;
    this.#probe = end;
    this.#raiseAt = Number.POSITIVE_INFINITY;
  }

  /** The segment that ends at `end` goes again: if it was the large one, the time has not come. */
  resent(end: number, now: Millis): void {
    if (end !== this.#probe) return;
    this.#probe = undefined;
    this.#raiseAt = now + RAISE_INTERVAL;
  }
}
