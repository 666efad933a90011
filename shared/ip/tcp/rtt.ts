import type { Millis } from '../../wire/bytes.ts';

/**
 * Before the first measurement. @rfc 6298 §2.1
 * Deviation: RFC 6298 §5.7 goes back to 3 s after a lost SYN; where that is lost other things are, and those 3 s would be waited for.
 * Nor do we take what a timestamp then tells for a round trip: it has the peer's waiting in it.
 */
export const INITIAL_RTO: Millis = 1000;

/**
 * Deviation: RFC 6298 §2.4 asks for 1 s. 200 ms is what Linux does and what peers' delayed ACKs (at most 200 ms
 * in practice) allow; 1 s makes every lost tail visible to a person.
 */
const MINIMUM_RTO: Millis = 200;

/** @rfc 6298 §2.5 */
const MAXIMUM_RTO: Millis = 60_000;

/** Time between two ticks of the clock G; the driver's clock is finer, but it may wake us this much late. */
const GRANULARITY: Millis = 1;

/** Round-trip times, smoothed, and the retransmission time-out they give. @rfc 6298 §2 */
export class RttEstimator {
  /** Smoothed round-trip time; 0 before the first sample. */
  smoothed: Millis = 0;
  /** Smallest sample so far; infinite before the first. */
  minimum: Millis = Number.POSITIVE_INFINITY;
  /** What was sent earlier is no sample. */
  timedFrom: Millis = Number.NEGATIVE_INFINITY;
  #variation: Millis = 0;
  #timeout: Millis = INITIAL_RTO;
  #backoff = 1;

  /** The retransmission time-out, with back-off. */
  get timeout(): Millis {
    return Math.min(MAXIMUM_RTO, this.#timeout * this.#backoff);
  }

  sample(rtt: Millis): void {
    this.minimum = Math.min(this.minimum, rtt);
    if (this.smoothed === 0) {
      this.smoothed = rtt;
      this.#variation = rtt / 2;
    } else {
      this.#variation = 0.75 * this.#variation + 0.25 * Math.abs(this.smoothed - rtt);
      this.smoothed = 0.875 * this.smoothed + 0.125 * rtt;
    }
    const timeout = this.smoothed + Math.max(GRANULARITY, 4 * this.#variation);
    this.#timeout = Math.max(MINIMUM_RTO, timeout);
    this.#backoff = 1;
  }

  /** A time-out passed without an answer. @rfc 6298 §5.5 */
  backOff(): void {
    if (this.timeout < MAXIMUM_RTO) this.#backoff *= 2;
  }

  /** Data was acknowledged, though no sample could be taken (retransmitted and no timestamps). */
  forgetBackOff(): void {
    this.#backoff = 1;
  }
}
