/**
 * When to rest between reads. Waking up, reading and a frame cost relay and tab more than a packet does, so while packets come fast
 * and few at a time those of a moment are taken together, as network cards do. A lone packet never waits.
 */
import type { Millis } from '../shared/wire/bytes.ts';

/** How long a rest is. */
export const REST: Millis = 2;

/** The rate that counts as fast: so many datagrams in so long. */
const WINDOW: Millis = 4;
const FAST = 12;

/** A read that took this many has gathered enough. */
const ENOUGH = 64;

export class Pace {
  #since: Millis = 0;
  #count = 0;
  #fast = false;

  /** Whether to rest, after a read of `count` datagrams at `now`. */
  rests(count: number, now: Millis): boolean {
    const passed = now - this.#since;
    this.#count += count;
    if (passed >= WINDOW) {
      this.#fast = this.#count * WINDOW >= FAST * passed;
      this.#since = now;
      this.#count = 0;
    }
    return this.#fast && count < ENOUGH;
  }
}
