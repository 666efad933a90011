/**
 * Proportional rate reduction: brings what is in flight down to the threshold within one round trip, a little with
 * each acknowledgment, and up to it again where losses took more away.
 * @rfc 6937 §3
 */
import type { AckSample } from './control.ts';

export class ProportionalRateReduction {
  readonly #threshold: number;
  readonly #before: number;
  #delivered = 0;
  #out = 0;

  /** From `inFlight` bytes down to `threshold`. */
  constructor(inFlight: number, threshold: number) {
    this.#before = Math.max(1, inFlight);
    this.#threshold = threshold;
  }

  sent(bytes: number): void {
    this.#out += bytes;
  }

  /**
   * The window after an acknowledgment. Below the threshold one segment more than what arrived may go while `una` moves and nothing
   * new is lost: the heuristic that the revision of RFC 6937 (draft-ietf-tcpm-prr-rfc6937bis) settles on.
   */
  window(sample: AckSample, segmentSize: number): number {
    const { inFlight } = sample;
    this.#delivered += sample.delivered;
    let allowance: number;
    if (inFlight > this.#threshold) {
      allowance = Math.ceil((this.#delivered * this.#threshold) / this.#before) - this.#out;
    } else {
      allowance = Math.max(this.#delivered - this.#out, sample.delivered);
      if (sample.acked > 0 && sample.lost === 0) allowance += segmentSize;
      allowance = Math.min(this.#threshold - inFlight, allowance);
    }
    // The fast retransmit itself goes whatever the sums say.
    if (this.#out === 0) allowance = Math.max(allowance, segmentSize);
    return Math.max(inFlight + Math.max(0, allowance), segmentSize);
  }
}
