/**
 * Whether sending faster still makes delivery faster: three round trips without a quarter more mean it does not.
 * Source: draft-ietf-ccwg-bbr, "Exiting Acceleration Based on Bandwidth Plateau".
 */
import type { AckSample } from './control.ts';

const GROWTH = 1.25;
const ROUNDS = 3;

export class FullPipe {
  /** Filled once in the life of the connection, and since the last `reset`. */
  reached = false;
  now = false;
  #baseline = 0;
  #rounds = 0;

  acknowledged(sample: AckSample, roundStarted: boolean): void {
    const { rate, appLimited } = sample.rate;
    if (this.now || !roundStarted || appLimited) return;
    if (rate >= this.#baseline * GROWTH) {
      this.reset(rate);
      return;
    }
    this.#rounds++;
    this.now = this.#rounds >= ROUNDS;
    if (this.now) this.reached = true;
  }

  /** Looks anew, for more than `baseline`. */
  reset(baseline: number): void {
    this.#baseline = baseline;
    this.#rounds = 0;
    this.now = false;
  }
}
