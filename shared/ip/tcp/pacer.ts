/**
 * Spreads what may be sent over time. What a millisecond carries leaves at once, since timers are no finer; a timer
 * that comes late is made up for; from rest, an initial window leaves unpaced.
 */
import type { Millis } from '../../wire/bytes.ts';

/** Data leave this much ahead of time: one wake-up a millisecond, however fast the path. */
const QUANTUM: Millis = 1;

/** Lateness made up for: browsers let repeated timers wait at least 4 ms. */
const LATENESS: Millis = 4;

export class Pacer {
  /** When what was sent will have left at the pacing rate. */
  #at: Millis = Number.NEGATIVE_INFINITY;
  /** Bytes that may still go unpaced. */
  #unpaced = 0;

  /** When something may go again after `ready` said no. */
  get at(): Millis {
    return this.#at;
  }

  /** Whether something may go. */
  ready(now: Millis): boolean {
    return this.#unpaced > 0 || this.#at < now + QUANTUM;
  }

  /** `bytes` went out; `rate` in bytes per millisecond. */
  sent(bytes: number, rate: number, now: Millis): void {
    if (this.#unpaced > 0) this.#unpaced -= bytes;
    else this.#at = Math.max(this.#at, now - LATENESS) + bytes / rate;
  }

  /** Nothing is on the way: `bytes` may leave at once. */
  rested(bytes: number): void {
    this.#unpaced = bytes;
  }
}
