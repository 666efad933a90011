/**
 * CUBIC congestion control with its Reno-friendly region and fast convergence; slow start as in RFC 5681.
 * Left out: HyStart++ and undoing a reduction that proves spurious.
 * @rfc 9438 §4, 5681 §3.1
 */
import type { Millis } from '../../wire/bytes.ts';
import { type CongestionControl, initialWindow } from './congestion.ts';

/** In segments per second cubed. @rfc 9438 §4.1.1 */
const C = 0.4;
const BETA = 0.7;
/** Growth per round trip that makes CUBIC as fast as Reno. @rfc 9438 §4.3 */
const ALPHA = (3 * (1 - BETA)) / (1 + BETA);

/** A growth curve since the last reduction. @rfc 9438 §4.2 */
interface Epoch {
  readonly start: Millis;
  /** Seconds until the curve is back at its old maximum. */
  readonly k: number;
  /** Segments the window had at the last reduction. */
  readonly origin: number;
  /** What Reno would have, in segments. */
  estimate: number;
}

export class Cubic implements CongestionControl {
  #segmentSize: number;
  #window: number;
  #threshold: number = Number.POSITIVE_INFINITY;
  /** Where the curve flattens, and the window before the last reduction, in bytes. */
  #maximum = 0;
  #prior = 0;
  #epoch: Epoch | undefined;

  constructor(segmentSize: number) {
    this.#segmentSize = segmentSize;
    this.#window = initialWindow(segmentSize);
  }

  get window(): number {
    return this.#window;
  }

  acknowledged(bytes: number, smoothedRtt: Millis, now: Millis): void {
    if (this.#window < this.#threshold) {
      this.#slowStart(bytes);
      return;
    }
    const size = this.#segmentSize;
    const window = this.#window / size;
    this.#epoch ??= this.#begin(window, now);
    const epoch = this.#epoch;
    const acked = bytes / size;
    const friendly = epoch.estimate >= this.#prior / size ? 1 : ALPHA;
    epoch.estimate += (friendly * acked) / window;
    const seconds = (now + smoothedRtt - epoch.start) / 1000;
    const cubic = C * (seconds - epoch.k) ** 3 + epoch.origin;
    const target = Math.min(Math.max(cubic, window), 1.5 * window);
    const next = Math.max(window + ((target - window) / window) * acked, epoch.estimate);
    this.#window = next * size;
  }

  lost(inFlight: number): void {
    this.#reduce(inFlight);
    this.#window = this.#threshold;
  }

  timedOut(inFlight: number): void {
    this.#reduce(inFlight);
    this.#window = this.#segmentSize;
  }

  recovering(bytes: number): void {
    if (this.#window < this.#threshold) this.#slowStart(bytes);
  }

  idled(): void {
    this.#window = Math.min(this.#window, initialWindow(this.#segmentSize));
    this.#epoch = undefined;
  }

  resize(segmentSize: number): void {
    this.#segmentSize = segmentSize;
    this.#window = Math.max(segmentSize, this.#window);
  }

  /** Two segments for each acknowledgment at most. @rfc 3465 §2.3 */
  #slowStart(bytes: number): void {
    this.#window += Math.min(bytes, 2 * this.#segmentSize);
  }

  #begin(window: number, now: Millis): Epoch {
    const origin = Math.max(window, this.#maximum / this.#segmentSize);
    return { start: now, k: Math.cbrt((origin - window) / C), origin, estimate: window };
  }

  #reduce(inFlight: number): void {
    this.#prior = this.#window;
    // Fast convergence: a window that shrank since the last time makes room for a newcomer. @rfc 9438 §4.7
    this.#maximum = this.#window < this.#maximum ? (this.#window * (1 + BETA)) / 2 : this.#window;
    // From what is in flight, not from a window that may never have been filled. @rfc 9438 §4.6
    this.#threshold = Math.max(
      2 * this.#segmentSize,
      BETA * Math.min(this.#window, Math.max(inFlight, 2 * this.#segmentSize)),
    );
    this.#epoch = undefined;
  }
}
