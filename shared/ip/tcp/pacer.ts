/**
 * Spreads what may be sent over time. What a millisecond carries leaves at once, since timers are no finer; a timer
 * that comes late is made up for; from rest, an initial window leaves unpaced.
 */
import type { Millis } from '../../wire/bytes.ts';

/** Data leave this much ahead of time: one wake-up a millisecond, however fast the path. */
const QUANTUM: Millis = 1;

/** Made up for when it was the window or the writer that sending waited for: acknowledgments come in bursts, too. */
const SLACK: Millis = 4;

/**
 * Made up for when it was the timer: browsers let repeated ones wait at least 4 ms, and a busy thread any of them. What is
 * not made up for is lost for good, and BBR would take it for the path's bandwidth.
 */
const LATENESS: Millis = 20;

export class Pacer {
  /** When what was sent will have left at the pacing rate. */
  #at: Millis = Number.NEGATIVE_INFINITY;
  /** Bytes that may still go unpaced. */
  #unpaced = 0;

  /** When something may go again after `ready` said no. */
  get at(): Millis {
    return this.#at;
  }

  /** Sending goes on. `late`: it waited for nothing but `at`. */
  resume(late: boolean, now: Millis): void {
    this.#at = Math.max(this.#at, now - (late ? LATENESS : SLACK));
  }

  /** Whether something may go. */
  ready(now: Millis): boolean {
    return this.#unpaced > 0 || this.#at < now + QUANTUM;
  }

  /** `bytes` went out; `rate` in bytes per millisecond. */
  sent(bytes: number, rate: number): void {
    if (this.#unpaced > 0) this.#unpaced -= bytes;
    else this.#at += bytes / rate;
  }

  /** Nothing is on the way: `bytes` may leave at once. */
  rested(bytes: number): void {
    this.#unpaced = bytes;
  }
}
