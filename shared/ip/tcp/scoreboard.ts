/**
 * Marks on the flights what an acknowledgment says about them, and gathers what is new in it for loss detection,
 * round trips and the delivery rate.
 * @rfc 2018 §5, 6298 §3
 */
import type { Millis } from '../../wire/bytes.ts';
import type { Acknowledgment } from './acknowledgment.ts';
import type { DeliveryRate } from './delivery-rate.ts';
import type { Flight, Flights } from './flights.ts';
import type { Rack } from './rack.ts';
import type { RttEstimator } from './rtt.ts';
import { SACK_BLOCK_LIMIT } from './segment.ts';

export class Scoreboard {
  /** Bytes by which the acknowledged position moved. */
  acked = 0;
  /** Whether a block told something new. */
  sacked = false;
  /** When the latest of what arrived and was never sent twice was sent. */
  originalSentAt: Millis = Number.NEGATIVE_INFINITY;
  readonly #flights: Flights;
  readonly #rack: Rack;
  readonly #rtt: RttEstimator;
  readonly #rate: DeliveryRate;
  /** Blocks of the last acknowledgment, as far as every segment inside is marked; and where the next one's are put together. */
  #known = new Float64Array(2 * SACK_BLOCK_LIMIT);
  #marked = new Float64Array(2 * SACK_BLOCK_LIMIT);
  #knownCount = 0;

  constructor(flights: Flights, rack: Rack, rtt: RttEstimator, rate: DeliveryRate) {
    this.#flights = flights;
    this.#rack = rack;
    this.#rtt = rtt;
    this.#rate = rate;
  }

  /** `una` and `nxt` are from before it. */
  apply(ack: Acknowledgment, una: number, nxt: number, now: Millis): void {
    this.sacked = false;
    this.originalSentAt = Number.NEGATIVE_INFINITY;
    this.#rate.begin();
    this.#applySack(ack, una, nxt, now);
    this.#applyPosition(ack, una, now);
    this.#rate.finish(this.#rtt.minimum, now);
  }

  /** What was SACKed is not at the peer any more. @rfc 2018 §8 */
  renege(): void {
    this.#flights.renege();
    this.#knownCount = 0;
  }

  #applySack(ack: Acknowledgment, una: number, nxt: number, now: Millis): void {
    const marked = this.#marked;
    let count = 0;
    for (let block = 0; block < ack.sackCount; block++) {
      const left = ack.edges[2 * block]!;
      const right = ack.edges[2 * block + 1]!;
      if (left < una || right > nxt || right <= left || right <= ack.position) continue;
      let until = this.#firstUnknown(left, right);
      for (let i = this.#flights.indexAt(until); i < this.#flights.count; i++) {
        const flight = this.#flights.at(i);
        // Of what went again in smaller pieces one may be missing.
        if (flight.end > right) break;
        until = flight.end;
        if (flight.sacked) continue;
        // The timestamp answers what moved `una`, not what lies beyond a gap.
        this.#arrived(flight, Number.POSITIVE_INFINITY, now);
        this.#flights.sack(flight);
        this.sacked = true;
      }
      marked[2 * count] = left;
      marked[2 * count + 1] = until;
      count++;
    }
    this.#marked = this.#known;
    this.#known = marked;
    this.#knownCount = count;
  }

  /** A block grows at its right, mostly: what the last acknowledgment told is skipped. */
  #firstUnknown(left: number, right: number): number {
    for (let i = 0; i < this.#knownCount; i++) {
      const end = this.#known[2 * i + 1]!;
      if (this.#known[2 * i]! <= left && left < end && end <= right) return end;
    }
    return left;
  }

  #applyPosition(ack: Acknowledgment, una: number, now: Millis): void {
    this.acked = Math.max(0, ack.position - una);
    if (this.acked === 0) return;
    const echoedAt = ack.echoRtt >= 0 ? Math.floor(now) - ack.echoRtt : Number.POSITIVE_INFINITY;
    let sentAt: Millis = -1;
    let ambiguous = false;
    for (let first = this.#flights.first; first !== undefined; first = this.#flights.first) {
      if (first.start >= ack.position) break;
      if (first.end > ack.position) {
        this.#rate.delivered += ack.position - first.start;
        this.#flights.trim(ack.position);
        break;
      }
      if (!first.sacked) {
        this.#arrived(first, echoedAt, now);
        if (sentAt < 0) sentAt = first.sentAt;
        ambiguous ||= first.retransmitted;
      }
      this.#flights.shift();
    }
    // Karn: where anything was sent twice, all of it may have waited for the second time, and only a timestamp
    // tells how long the trip was. @rfc 6298 §3, 7323 §4.1
    let trip: Millis = -1;
    if (sentAt >= 0 && !ambiguous) trip = now - sentAt;
    else if (sentAt >= 0 && ack.echoRtt >= 0) trip = Math.max(1, ack.echoRtt);
    if (trip >= 0 && now - trip >= this.#rtt.timedFrom) this.#rtt.sample(trip);
    else this.#rtt.forgetBackOff();
  }

  #arrived(flight: Flight, echoedAt: Millis, now: Millis): void {
    if (!flight.retransmitted) {
      this.originalSentAt = Math.max(this.originalSentAt, flight.sentAt);
    }
    this.#rack.arrived(flight, this.#rtt.minimum, echoedAt, now);
    this.#rate.arrived(flight, now);
  }
}
