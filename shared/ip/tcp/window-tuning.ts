/**
 * How large a window to offer: three times what the reader takes in the shortest round trip there was. A sender in slow start has
 * less under way than that by the time that our window reaches it, so the window is not what holds it back; and where a queue
 * stands on the way it is what keeps the queue short, for everything else in the tunnel has to wait behind it. It grows, and does not
 * shrink. The method is Linux's "dynamic right-sizing", which takes the round trip as it is, with the queue.
 */
import type { Millis } from '../../wire/bytes.ts';

/** Offered at first: more than any slow start fills before it is measured. */
const INITIAL_WINDOW = 262_144;

/** Segments that a sender may be ahead of what was measured. */
const SLACK = 16 * 1460;

/** Of what is taken in a round trip. */
const HEADROOM = 3;

/** What timers, and the whole milliseconds of timestamps, add to a round trip. */
const GRAIN: Millis = 1;

/** How long is measured at least: after a moment in which nothing ran much arrives at once. */
const SHORTEST_ROUND: Millis = 50;

export class WindowTuning {
  window: number;
  readonly #limit: number;
  /** Infinite as long as it is not known. */
  #shortest: Millis = Number.POSITIVE_INFINITY;
  #since: Millis | undefined;
  /** Bytes the reader took since. */
  #taken = 0;

  constructor(limit: number) {
    this.#limit = limit;
    this.window = Math.min(limit, INITIAL_WINDOW);
  }

  /** Data came `rtt` after we sent what their timestamp echoes: a round trip, or more if the sender was idle. */
  roundTrip(rtt: Millis): void {
    this.#shortest = Math.min(this.#shortest, rtt);
  }

  /** The reader took `length` bytes; `handshakeRtt` stands in where there are no timestamps, 0: not known either. */
  taken(length: number, handshakeRtt: Millis, now: Millis): void {
    const isKnown = this.#shortest < Number.POSITIVE_INFINITY;
    const shortest = isKnown ? this.#shortest : handshakeRtt;
    this.#taken += length;
    this.#since ??= now;
    const passed = now - this.#since;
    if ((shortest === 0 && !isKnown) || passed < Math.max(shortest, SHORTEST_ROUND)) return;
    const inRound = (this.#taken * (shortest + GRAIN)) / passed;
    const target = Math.floor(HEADROOM * inRound) + SLACK;
    this.window = Math.min(this.#limit, Math.max(this.window, target));
    this.#since = now;
    this.#taken = 0;
  }
}
