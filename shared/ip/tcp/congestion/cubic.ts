/**
 * CUBIC with its Reno-friendly region and fast convergence; HyStart++ in slow start, proportional rate reduction in
 * recovery, and what was taken back when a loss proves spurious.
 * @rfc 9438 §4, 5681 §3.1
 */
import type { Millis } from '../../../wire/bytes.ts';
import {
  type AckSample,
  type Algorithm,
  type CongestionControl,
  initialWindow,
} from './control.ts';
import { HyStart } from './hystart.ts';
import { ProportionalRateReduction } from './prr.ts';

/** In segments per second cubed. @rfc 9438 §4.1.1 */
const C = 0.4;
const BETA = 0.7;
/** Growth per round trip that makes CUBIC as fast as Reno. @rfc 9438 §4.3 */
const ALPHA = (3 * (1 - BETA)) / (1 + BETA);

/**
 * Windows a round trip at which segments are paced: in slow start twice, or pacing would be what limits; a little
 * above one afterwards. The factors are Linux's (`tcp_pacing_ss_ratio`, `tcp_pacing_ca_ratio`).
 */
const SLOW_START_PACING = 2;
const AVOIDANCE_PACING = 1.2;

/** A growth curve since the last reduction. @rfc 9438 §4.2 */
interface Epoch {
  start: Millis;
  /** Seconds until the curve is back at its old maximum. */
  readonly k: number;
  /** Segments the window had at the last reduction. */
  readonly origin: number;
  /** What Reno would have, in segments. */
  estimate: number;
}

/** What a reduction changed. @rfc 9438 §4.9 */
interface Before {
  readonly window: number;
  readonly threshold: number;
  readonly maximum: number;
  readonly prior: number;
  readonly epoch: Epoch | undefined;
}

export class Cubic implements CongestionControl {
  readonly algorithm: Algorithm = 'cubic';
  threshold: number = Number.POSITIVE_INFINITY;
  pacingRate: number = Number.POSITIVE_INFINITY;
  window: number;
  #segmentSize: number;
  /** Where the curve flattens, and the window before the last reduction, in bytes. */
  #maximum = 0;
  #prior = 0;
  #epoch: Epoch | undefined;
  #before: Before | undefined;
  #recovery: ProportionalRateReduction | undefined;
  /** In slow start that no loss has ended yet. */
  #hystart: HyStart | undefined = new HyStart();
  #acknowledgedAt: Millis = 0;

  constructor(segmentSize: number) {
    this.#segmentSize = segmentSize;
    this.window = initialWindow(segmentSize);
  }

  get phase(): string {
    if (this.#recovery !== undefined) return 'recovery';
    if (this.window >= this.threshold) return 'congestion-avoidance';
    return this.#hystart?.conservative ? 'conservative-slow-start' : 'slow-start';
  }

  acknowledged(sample: AckSample, now: Millis): void {
    const since = now - this.#acknowledgedAt;
    this.#acknowledgedAt = now;
    if (this.#recovery !== undefined) {
      this.window = this.#recovery.window(sample, this.#segmentSize);
    } else if (this.window < this.threshold) {
      this.#slowStart(sample);
    } else if (!sample.windowLimited) {
      // Time in which the application was the limit does not count. @rfc 9438 §5.8
      if (this.#epoch !== undefined) this.#epoch.start += since;
    } else if (sample.acked > 0) {
      this.#avoid(sample, now);
    }
    this.#pace(sample.smoothedRtt);
  }

  lost(): void {}

  recoveryStarted(inFlight: number): void {
    this.#reduce(inFlight);
    this.#recovery = new ProportionalRateReduction(inFlight, this.threshold);
  }

  recovered(): void {
    if (this.#recovery === undefined) return;
    this.#recovery = undefined;
    this.window = this.threshold;
  }

  timedOut(inFlight: number): void {
    this.#reduce(inFlight);
    this.#recovery = undefined;
    // The next curve begins where slow start will end, flat. @rfc 9438 §4.8
    this.#maximum = 0;
    this.window = this.#segmentSize;
  }

  /** @rfc 9438 §4.9 */
  spurious(): void {
    this.#recovery = undefined;
    const before = this.#before;
    if (before === undefined) return;
    this.#before = undefined;
    this.window = Math.max(this.window, before.window);
    this.threshold = Math.max(this.threshold, before.threshold);
    this.#maximum = Math.max(this.#maximum, before.maximum);
    this.#prior = before.prior;
    this.#epoch = before.epoch;
  }

  marked(inFlight: number): void {
    if (this.#recovery !== undefined) return;
    this.#reduce(inFlight);
    this.window = this.threshold;
  }

  /** @rfc 5681 §4.1 */
  restarted(idle: Millis, timeout: Millis): void {
    if (idle <= timeout) return;
    this.window = Math.min(this.window, initialWindow(this.#segmentSize));
    this.#epoch = undefined;
  }

  sent(bytes: number): void {
    this.#recovery?.sent(bytes);
  }

  resize(segmentSize: number): void {
    this.#segmentSize = segmentSize;
    this.window = Math.max(segmentSize, this.window);
  }

  #slowStart(sample: AckSample): void {
    if (!sample.windowLimited) return;
    if (this.#hystart === undefined) {
      // After a time-out: what is acknowledged may have lain at the peer. @rfc 3465 §2.3
      this.window += Math.min(sample.acked, this.#segmentSize);
      return;
    }
    this.window += this.#hystart.growth(sample.acked);
    if (!this.#hystart.acknowledged(sample)) return;
    this.threshold = this.window;
    this.#hystart = undefined;
  }

  #avoid(sample: AckSample, now: Millis): void {
    const size = this.#segmentSize;
    const window = this.window / size;
    this.#epoch ??= this.#begin(window, now);
    const epoch = this.#epoch;
    const acked = sample.acked / size;
    const friendly = epoch.estimate >= this.#prior / size ? 1 : ALPHA;
    epoch.estimate += (friendly * acked) / window;
    const seconds = (now + sample.smoothedRtt - epoch.start) / 1000;
    const cubic = C * (seconds - epoch.k) ** 3 + epoch.origin;
    const target = Math.min(Math.max(cubic, window), 1.5 * window);
    const next = Math.max(window + ((target - window) / window) * acked, epoch.estimate);
    this.window = next * size;
  }

  #begin(window: number, now: Millis): Epoch {
    const origin = Math.max(window, this.#maximum / this.#segmentSize);
    return { start: now, k: Math.cbrt((origin - window) / C), origin, estimate: window };
  }

  #reduce(inFlight: number): void {
    const { window, threshold } = this;
    this.#before = {
      window,
      threshold,
      maximum: this.#maximum,
      prior: this.#prior,
      epoch: this.#epoch,
    };
    this.#prior = window;
    // Fast convergence: a window that shrank since the last time makes room for a newcomer. @rfc 9438 §4.7
    this.#maximum = window < this.#maximum ? (window * (1 + BETA)) / 2 : window;
    // From what is in flight, not from a window that may never have been filled. @rfc 9438 §4.6
    this.threshold = Math.max(2 * this.#segmentSize, BETA * Math.min(window, inFlight));
    this.#epoch = undefined;
    this.#hystart = undefined;
  }

  #pace(smoothedRtt: Millis): void {
    if (smoothedRtt <= 0) return;
    const growing = this.window < this.threshold / 2;
    const factor = growing ? SLOW_START_PACING : AVOIDANCE_PACING;
    this.pacingRate = (factor * this.window) / smoothedRtt;
  }
}
