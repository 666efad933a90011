/**
 * How fast the network delivers: for each acknowledgment, the bytes that arrived since the acknowledged segment
 * was sent, over the longer of the times it took to send and to acknowledge them.
 * Source: draft-ietf-ccwg-bbr, "Delivery Rate Samples" (before: draft-cheng-iccrg-delivery-rate-estimation).
 */
import type { Millis } from '../../wire/bytes.ts';
import type { RateSample } from './congestion/control.ts';
import type { Flight } from './flights.ts';

export class DeliveryRate {
  /** Bytes delivered, and bytes found lost, in the life of the connection. */
  delivered = 0;
  lost = 0;
  /** Of the last acknowledgment; filled again for each. */
  readonly sample: RateSample = blankRateSample();
  #deliveredAt: Millis = 0;
  #firstSentAt: Millis = 0;
  /** Value of `delivered` at which everything sent while there was too little to send is through; 0: none of it. */
  #limitedUntil = 0;
  #newest = 0;
  #priorAt: Millis = 0;
  #sendElapsed: Millis = 0;

  get appLimited(): boolean {
    return this.#limitedUntil > 0;
  }

  /** `flight` goes out, `inFlight` bytes with it. */
  sent(flight: Flight, inFlight: number, now: Millis): void {
    if (inFlight <= flight.end - flight.start) {
      this.#firstSentAt = now;
      this.#deliveredAt = now;
    }
    flight.delivered = this.delivered;
    flight.deliveredAt = this.#deliveredAt;
    flight.firstSentAt = this.#firstSentAt;
    flight.lostBefore = this.lost;
    flight.inFlight = inFlight;
    flight.appLimited = this.#limitedUntil > 0;
  }

  /** What is sent from now on until this much is delivered tells nothing about the path's limit. */
  limitedByApplication(inFlight: number): void {
    this.#limitedUntil = Math.max(1, this.delivered + inFlight);
  }

  /** An acknowledgment comes. */
  begin(): void {
    const { sample } = this;
    sample.priorDelivered = -1;
    sample.delivered = 0;
    sample.inFlight = 0;
    sample.lost = 0;
    sample.rate = 0;
    sample.rtt = -1;
  }

  /** `flight` arrived: acknowledged or SACKed for the first time. */
  arrived(flight: Flight, now: Millis): void {
    const { sample } = this;
    this.delivered += flight.end - flight.start;
    this.#deliveredAt = now;
    const { sentAt } = flight;
    const newer =
      sample.priorDelivered < 0 ||
      sentAt > this.#firstSentAt ||
      (sentAt === this.#firstSentAt && flight.end > this.#newest);
    if (!newer) return;
    this.#newest = flight.end;
    this.#priorAt = flight.deliveredAt;
    this.#sendElapsed = sentAt - flight.firstSentAt;
    this.#firstSentAt = sentAt;
    sample.priorDelivered = flight.delivered;
    sample.inFlight = flight.inFlight;
    sample.lost = this.lost - flight.lostBefore;
    sample.appLimited = flight.appLimited;
    // Which of two transmissions was answered, nobody knows. @rfc 6298 §3
    sample.rtt = flight.retransmitted ? -1 : now - sentAt;
  }

  /** Everything acknowledged was told; a shorter interval than `minimumRtt` proves nothing. */
  finish(minimumRtt: Millis, now: Millis): void {
    if (this.#limitedUntil > 0 && this.delivered > this.#limitedUntil) this.#limitedUntil = 0;
    const { sample } = this;
    if (sample.priorDelivered < 0) return;
    sample.delivered = this.delivered - sample.priorDelivered;
    const interval = Math.max(this.#sendElapsed, now - this.#priorAt);
    if (interval > 0 && interval >= minimumRtt) sample.rate = sample.delivered / interval;
  }
}

/** Of an acknowledgment that tells nothing. */
export function blankRateSample(): RateSample {
  return {
    priorDelivered: -1,
    delivered: 0,
    rate: 0,
    inFlight: 0,
    lost: 0,
    appLimited: false,
    rtt: -1,
  };
}
