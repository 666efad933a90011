/**
 * How large a window to offer: twice what the reader takes in a round trip, and as much more as it takes more each
 * time, so that the window is never what holds a sender in slow start. It grows, and does not shrink.
 * The method is Linux's "dynamic right-sizing".
 */
import type { Millis } from '../../wire/bytes.ts';

/** Offered at first: more than any slow start fills before it is measured. */
const INITIAL_WINDOW = 262_144;

/** Segments that a sender may be ahead of what was measured. */
const SLACK = 16 * 1460;

/** Below this a round trip cannot be told from a timer's grain. */
const SHORTEST_ROUND: Millis = 1;

/** As in RFC 6298 §2.3. */
const RTT_SMOOTHING = 8;

export class WindowTuning {
  window: number;
  readonly #limit: number;
  #rtt: Millis = 0;
  #since: Millis | undefined;
  /** Bytes the reader took in this round trip, and in the one before. */
  #taken = 0;
  #before = 0;

  constructor(limit: number) {
    this.#limit = limit;
    this.window = Math.min(limit, INITIAL_WINDOW);
  }

  /** Data came `rtt` after we sent what their timestamp echoes: a round trip, if the sender was not idle. */
  roundTrip(rtt: Millis): void {
    this.#rtt = this.#rtt === 0 ? rtt : this.#rtt + (rtt - this.#rtt) / RTT_SMOOTHING;
  }

  /** The reader took `length` bytes; `handshakeRtt` stands in where there are no timestamps, 0: not known either. */
  taken(length: number, handshakeRtt: Millis, now: Millis): void {
    const rtt = this.#rtt > 0 ? this.#rtt : handshakeRtt;
    this.#taken += length;
    this.#since ??= now;
    if (rtt === 0 || now - this.#since < Math.max(rtt, SHORTEST_ROUND)) return;
    const taken = this.#taken;
    if (taken > this.#before) {
      const base = 2 * taken + SLACK;
      const growth = this.#before > 0 ? (taken - this.#before) / this.#before : 1;
      const target = Math.floor(base * (1 + 2 * Math.min(growth, 1)));
      this.window = Math.min(this.#limit, Math.max(this.window, target));
      this.#before = taken;
    }
    this.#since = now;
    this.#taken = 0;
  }
}
