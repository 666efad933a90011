/** A rate with room for bursts: tokens come with time, up to a depth, and what finds too few is turned away. */
import type { Millis } from '../shared/wire/bytes.ts';

export class TokenBucket {
  readonly #perMilli: number;
  readonly #depth: number;
  #tokens: number;
  #filledAt: Millis;

  /** A full bucket of `depth` tokens that gets `perSecond` new ones. */
  constructor(perSecond: number, depth: number, now: Millis) {
    this.#perMilli = perSecond / 1000;
    this.#depth = depth;
    this.#tokens = depth;
    this.#filledAt = now;
  }

  /** Takes `cost` tokens, unless fewer than `reserve` would be left; answers whether it did. */
  take(cost: number, now: Millis, reserve = 0): boolean {
    // A clock that is set back takes nothing away.
    const passed = Math.max(0, now - this.#filledAt);
    this.#filledAt = now;
    this.#tokens = Math.min(this.#depth, this.#tokens + passed * this.#perMilli);
    if (this.#tokens - cost < reserve) return false;
    this.#tokens -= cost;
    return true;
  }
}
