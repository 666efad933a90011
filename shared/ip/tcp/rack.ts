/**
 * RACK: a segment is lost when one sent later has arrived and a little more than a round trip has passed.
 * Finds lost retransmissions too, and tolerates reordering, which counting duplicates does not.
 * @rfc 8985 §6
 */
import type { Millis } from '../../wire/bytes.ts';
import type { Flight, Flights } from './flights.ts';
import type { RttEstimator } from './rtt.ts';

/** @rfc 5681 §3.2 */
export const DUPLICATE_THRESHOLD = 3;

/** Less is no time left: a timer armed for a rounding error would fire at once, for ever. */
const RESOLUTION: Millis = 0.01;

/** Recoveries for which a widened window stays wide. @rfc 8985 §6.2 step 4 */
const WIDE_RECOVERIES = 16;

export class Rack {
  /** Of the most recently sent segment that arrived. */
  #sentAt: Millis = Number.NEGATIVE_INFINITY;
  #end = 0;
  #rtt: Millis = 0;
  /** Highest position that arrived. */
  #forward = 0;
  #reorderingSeen = false;
  /** Quarters of the smallest round trip that reordering is given, and for how many recoveries yet. */
  #quarters = 1;
  #wideFor = 0;
  /** Position at which the round trip of the last widening ends. */
  #widenedAt: number | undefined;

  /**
   * A segment arrived: acknowledged or SACKed for the first time; `echoedAt` is the millisecond in which was sent what
   * the acknowledgment answers, infinite when that is not known. @rfc 8985 §6.2
   */
  arrived(flight: Flight, minimumRtt: Millis, echoedAt: Millis, now: Millis): void {
    if (flight.end > this.#forward) this.#forward = flight.end;
    else if (flight.end < this.#forward && !flight.retransmitted) this.#reorderingSeen = true;
    const rtt = now - flight.sentAt;
    // Sent later than what is answered, or faster than any round trip: the answer is to an earlier transmission.
    if (flight.retransmitted && (echoedAt < Math.floor(flight.sentAt) || rtt < minimumRtt)) return;
    if (!isLater(flight.sentAt, flight.end, this.#sentAt, this.#end)) return;
    this.#sentAt = flight.sentAt;
    this.#end = flight.end;
    this.#rtt = rtt;
  }

  /** The peer got something twice: it was not lost, so we must be more patient. Once a round trip. */
  duplicated(una: number, nxt: number): void {
    if (this.#widenedAt !== undefined && una < this.#widenedAt) return;
    this.#widenedAt = nxt;
    this.#quarters++;
    this.#wideFor = WIDE_RECOVERIES;
  }

  /** What was found lost came after all. */
  reordered(): void {
    this.#reorderingSeen = true;
  }

  /** A recovery ended. */
  recovered(): void {
    if (this.#wideFor > 0 && --this.#wideFor === 0) this.#quarters = 1;
  }

  /**
   * Calls `lost` for what is lost by now. Answers how long until all that waits would be; 0 when none does.
   * @rfc 8985 §6.2 step 5
   */
  detect(
    flights: Flights,
    rtt: RttEstimator,
    recovering: boolean,
    now: Millis,
    lost: (flight: Flight) => void,
  ): Millis {
    const patience = this.#rtt + this.#reorderingWindow(flights, rtt, recovering);
    let wait = 0;
    for (let flight = flights.earliest; flight !== undefined; ) {
      // In the order they were sent: those behind are not to be judged yet either.
      if (!isLater(this.#sentAt, this.#end, flight.sentAt, flight.end)) break;
      const { later } = flight;
      const remaining = flight.sentAt + patience - now;
      if (remaining < RESOLUTION) lost(flight);
      else wait = Math.max(wait, remaining);
      flight = later;
    }
    return wait;
  }

  #reorderingWindow(flights: Flights, rtt: RttEstimator, recovering: boolean): Millis {
    if (!this.#reorderingSeen && (recovering || flights.sackedCount >= DUPLICATE_THRESHOLD)) {
      return 0;
    }
    if (!Number.isFinite(rtt.minimum)) return 0;
    return Math.min((this.#quarters * rtt.minimum) / 4, rtt.smoothed);
  }
}

/** Whether the first was sent after the second; those sent at one instant are in order of position. */
function isLater(sentAt: Millis, end: number, otherSentAt: Millis, otherEnd: number): boolean {
  return sentAt > otherSentAt || (sentAt === otherSentAt && end > otherEnd);
}
