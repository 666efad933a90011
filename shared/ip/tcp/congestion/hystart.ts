/**
 * HyStart++: leaves slow start when round trips grow, before the queue overflows, and goes on slowly for a while
 * in case it was wrong.
 * @rfc 9406 §4.2, 9406 §4.3
 */
import type { Millis } from '../../../wire/bytes.ts';
import type { AckSample } from './control.ts';
import { Rounds } from './rounds.ts';

const MIN_RTT_THRESH: Millis = 4;
const MAX_RTT_THRESH: Millis = 16;
const MIN_RTT_DIVISOR = 8;
const N_RTT_SAMPLE = 8;
const CSS_GROWTH_DIVISOR = 4;
const CSS_ROUNDS = 5;

export class HyStart {
  readonly #rounds = new Rounds();
  #lastMinimum: Millis = Number.POSITIVE_INFINITY;
  #minimum: Millis = Number.POSITIVE_INFINITY;
  #samples = 0;
  /** Smallest round trip when conservative slow start began; `undefined`: ordinary slow start. */
  #baseline: Millis | undefined;
  #conservativeRounds = 0;

  get conservative(): boolean {
    return this.#baseline !== undefined;
  }

  /** Bytes the window grows by; L is infinite as we pace. */
  growth(acked: number): number {
    return this.conservative ? acked / CSS_GROWTH_DIVISOR : acked;
  }

  /** Answers whether slow start is over. */
  acknowledged(sample: AckSample): boolean {
    this.#rounds.acknowledged(sample);
    if (this.#rounds.started) {
      this.#lastMinimum = this.#minimum;
      this.#minimum = Number.POSITIVE_INFINITY;
      this.#samples = 0;
      if (this.conservative && ++this.#conservativeRounds >= CSS_ROUNDS) return true;
    }
    const { rtt } = sample.rate;
    if (rtt < 0) return false;
    this.#minimum = Math.min(this.#minimum, rtt);
    this.#samples++;
    if (this.#samples < N_RTT_SAMPLE) return false;
    if (this.#baseline !== undefined) {
      if (this.#minimum < this.#baseline) this.#baseline = undefined;
    } else if (Number.isFinite(this.#lastMinimum)) {
      const threshold = Math.max(
        MIN_RTT_THRESH,
        Math.min(this.#lastMinimum / MIN_RTT_DIVISOR, MAX_RTT_THRESH),
      );
      if (this.#minimum >= this.#lastMinimum + threshold) {
        this.#baseline = this.#minimum;
        this.#conservativeRounds = 0;
      }
    }
    return false;
  }
}
