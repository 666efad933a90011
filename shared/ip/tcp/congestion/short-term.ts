/**
 * What BBR makes of losses while it does not probe: one round trip at a time, bandwidth and volume sink towards
 * what the network delivered last. Forgotten when the next probe begins.
 * Source: draft-ietf-ccwg-bbr, "When not Probing for Bandwidth".
 */
import type { AckSample } from './control.ts';

/** Most that one round with losses takes away. */
export const BETA = 0.7;

export class ShortTermModel {
  /** Bytes per millisecond, and bytes; infinite without a bound. */
  bandwidth: number = Number.POSITIVE_INFINITY;
  inFlight: number = Number.POSITIVE_INFINITY;
  /** Most that was delivered within a round trip, in the last one. */
  inFlightLatest = 0;
  /** Whether the last acknowledgment ended a round trip that counts for losses. */
  roundStarted = false;
  lossInRound = false;
  #bandwidthLatest = 0;
  #roundEnd = 0;
  /** Bytes of this round. */
  #lost = 0;
  #delivered = 0;

  /** At the beginning of an acknowledgment's work. */
  collect({ rate, totalDelivered, lost, delivered }: AckSample): void {
    if (this.roundStarted) {
      this.#lost = 0;
      this.#delivered = 0;
    }
    this.#lost += lost;
    this.#delivered += delivered;
    this.#bandwidthLatest = Math.max(this.#bandwidthLatest, rate.rate);
    this.inFlightLatest = Math.max(this.inFlightLatest, rate.delivered);
    this.roundStarted = rate.priorDelivered >= this.#roundEnd;
    if (this.roundStarted) this.#roundEnd = totalDelivered;
  }

  /** At its end. */
  advance({ rate }: AckSample): void {
    if (!this.roundStarted) return;
    this.#bandwidthLatest = rate.rate;
    this.inFlightLatest = rate.delivered;
  }

  noteLoss(totalDelivered: number): void {
    if (!this.lossInRound) this.#roundEnd = totalDelivered;
    this.lossInRound = true;
  }

  /** Share of the round's bytes that was lost. */
  get lossRate(): number {
    return this.#lost / Math.max(1, this.#lost + this.#delivered);
  }

  /** Once a round with losses. */
  reduce(bandwidth: number, window: number): void {
    if (!Number.isFinite(this.bandwidth)) this.bandwidth = bandwidth;
    if (!Number.isFinite(this.inFlight)) this.inFlight = window;
    this.bandwidth = Math.max(this.#bandwidthLatest, BETA * this.bandwidth);
    this.inFlight = Math.max(this.inFlightLatest, BETA * this.inFlight);
  }

  resetSignals(): void {
    this.lossInRound = false;
    this.#lost = 0;
    this.#delivered = 0;
    this.#bandwidthLatest = 0;
    this.inFlightLatest = 0;
  }

  resetBounds(): void {
    this.bandwidth = Number.POSITIVE_INFINITY;
    this.inFlight = Number.POSITIVE_INFINITY;
  }
}
