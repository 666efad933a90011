/**
 * Bytes acknowledged beyond what the bandwidth explains: networks and receivers that gather acknowledgments leave
 * silences in between, and this much more must be in flight to fill them.
 * Source: draft-ietf-ccwg-bbr, "BBR.extra_acked".
 */
import type { Millis } from '../../../wire/bytes.ts';
import { MaxFilter } from './max-filter.ts';

/** Round trips that the largest excess is remembered. */
const FILTER_ROUNDS = 10;

export class AckAggregation {
  readonly #filter = new MaxFilter();
  #since: Millis;
  #delivered = 0;

  constructor(now: Millis) {
    this.#since = now;
  }

  get extra(): number {
    return this.#filter.maximum;
  }

  restart(now: Millis): void {
    this.#since = now;
    this.#delivered = 0;
  }

  acknowledged(
    delivered: number,
    bandwidth: number,
    window: number,
    round: number,
    startup: boolean,
    now: Millis,
  ): void {
    let expected = bandwidth * (now - this.#since);
    if (this.#delivered <= expected) {
      this.restart(now);
      expected = 0;
    }
    this.#delivered += delivered;
    const extra = Math.min(this.#delivered - expected, window);
    this.#filter.update(extra, round, startup ? 1 : FILTER_ROUNDS);
  }
}
