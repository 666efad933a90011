import type { Millis } from '../../wire/bytes.ts';

/** Between probes that nobody answered, and how many may go unanswered; what Linux does. */
const PROBE_INTERVAL: Millis = 75_000;
const PROBE_LIMIT = 9;

/** Asks a silent peer whether it is still there. Off until an interval is set. @rfc 9293 §3.8.4 */
export class Keepalive {
  #interval: Millis = Number.POSITIVE_INFINITY;
  #probes = 0;
  /** Last sign of life, or last probe. */
  #since: Millis = 0;

  get deadline(): Millis | undefined {
    const wait = this.#probes > 0 ? Math.min(PROBE_INTERVAL, this.#interval) : this.#interval;
    return Number.isFinite(wait) ? this.#since + wait : undefined;
  }

  /** `interval` of silence before the first probe; infinite: none. */
  set(interval: Millis, now: Millis): void {
    this.#interval = interval;
    this.heard(now);
  }

  heard(now: Millis): void {
    this.#probes = 0;
    this.#since = now;
  }

  /** Called when time passed. `busy`: other timers watch the peer already. */
  expire(busy: boolean, now: Millis): 'wait' | 'probe' | 'dead' {
    if ((this.deadline ?? Number.POSITIVE_INFINITY) > now) return 'wait';
    if (busy) {
      this.heard(now);
      return 'wait';
    }
    if (this.#probes >= PROBE_LIMIT) return 'dead';
    this.#probes++;
    this.#since = now;
    return 'probe';
  }
}
