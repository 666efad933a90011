/**
 * The round trip of an empty path: the smallest of 10 s, and one that must be seen again every 5 s, by a pause if
 * need be.
 * Source: draft-ietf-ccwg-bbr, "ProbeRTT Logic".
 */
import type { Millis } from '../../../wire/bytes.ts';

const FILTER_LENGTH: Millis = 10_000;
const PROBE_INTERVAL: Millis = 5000;

export class MinimumRtt {
  /** Infinite before the first sample. */
  value: Millis;
  /** Whether it is time to look. */
  expired = false;
  #at: Millis;
  #recent: Millis = Number.POSITIVE_INFINITY;
  #recentAt: Millis;

  constructor(smoothedRtt: Millis, now: Millis) {
    this.value = smoothedRtt > 0 ? smoothedRtt : Number.POSITIVE_INFINITY;
    this.#at = now;
    this.#recentAt = now;
  }

  /** `rtt` −1: none. */
  sample(rtt: Millis, now: Millis): void {
    this.expired = now > this.#recentAt + PROBE_INTERVAL;
    if (rtt >= 0 && (rtt < this.#recent || this.expired)) {
      this.#recent = rtt;
      this.#recentAt = now;
    }
    if (this.#recent < this.value || now > this.#at + FILTER_LENGTH) {
      this.value = this.#recent;
      this.#at = this.#recentAt;
    }
  }

  /** A pause showed the empty path. */
  probed(now: Millis): void {
    this.#recentAt = now;
  }
}
