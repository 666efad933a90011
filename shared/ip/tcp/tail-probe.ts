/**
 * Tail loss probes: when acknowledgments stop coming, one segment more shows soon what is missing, instead of a
 * time-out.
 * @rfc 8985 §7
 */
import type { Millis } from '../../wire/bytes.ts';
import { type Acknowledgment, isDuplicateSack } from './acknowledgment.ts';
import type { Flights } from './flights.ts';
import type { RttEstimator } from './rtt.ts';

/** What a peer may add to a round trip by delaying its acknowledgment. @rfc 8985 §7.2 */
const MAXIMUM_ACK_DELAY: Millis = 200;

/** Before the first measurement. @rfc 8985 §7.2 */
const INITIAL_TIMEOUT: Millis = 1000;

/** Less than a timer can be late. */
const SMALLEST_MARGIN: Millis = 2;

export class TailProbe {
  /** Position behind the probe in the air, and whether it repeated old data. */
  #end: number | undefined;
  #repeated = false;

  /** Whether one is in the air. */
  get flying(): boolean {
    return this.#end !== undefined;
  }

  /** How long after the last segment it goes. @rfc 8985 §7.2 */
  timeout(rtt: RttEstimator, flights: Flights): Millis {
    if (rtt.smoothed === 0) return INITIAL_TIMEOUT;
    return 2 * rtt.smoothed + (flights.count === 1 ? MAXIMUM_ACK_DELAY : SMALLEST_MARGIN);
  }

  sent(end: number, repeated: boolean): void {
    this.#end = end;
    this.#repeated = repeated;
  }

  forget(): void {
    this.#end = undefined;
  }

  /** Answers whether the probe repaired a loss, which congestion control has to hear of. @rfc 8985 §7.4.2 */
  acknowledged(ack: Acknowledgment, duplicate: boolean): boolean {
    const end = this.#end;
    if (end === undefined || ack.position < end) return false;
    const twice = isDuplicateSack(ack) || (duplicate && ack.sackCount === 0);
    if (!this.#repeated || twice) {
      this.#end = undefined;
    } else if (ack.position > end) {
      this.#end = undefined;
      return true;
    }
    return false;
  }
}
