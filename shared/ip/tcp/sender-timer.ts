/**
 * The one timer of a sender: whichever of reordering, tail probe, retransmission and window probe comes next.
 * @rfc 6298 §5, 8985 §7.2, 9293 §3.8.6.1
 */
import type { Millis } from '../../wire/bytes.ts';
import type { Flights } from './flights.ts';
import type { RttEstimator } from './rtt.ts';
import type { TailProbe } from './tail-probe.ts';

/** A timer that is later than this did not wait for its turn: the whole program stood still, and did not read answers either. */
const OVERSLEPT: Millis = 1000;

type TimerKind = 'reordering' | 'tail-probe' | 'retransmission' | 'persist';

export class SenderTimer {
  /** What runs; `at` counts while this is set. */
  kind: TimerKind | undefined;
  at: Millis = 0;
  /** When the retransmission timer was last started. */
  timedFrom: Millis = 0;
  lastSentAt: Millis = 0;
  /** When the peer last got us further, or kept a zero window alive. */
  progressAt: Millis = 0;

  /** The first thing on the way. */
  started(now: Millis): void {
    this.timedFrom = now;
    this.progressAt = now;
  }

  clear(): void {
    this.kind = undefined;
  }

  /**
   * Something happens: a timer, or an answer before it. Answers whether the program stood still meanwhile, which is neither a
   * silence of the peer's nor a long way to it.
   */
  woke(now: Millis): boolean {
    const late = this.kind === undefined ? 0 : overslept(this.at, now);
    if (late === 0) return false;
    this.progressAt += late;
    this.at = now;
    return true;
  }

  /** Something is on the way. `probe` is missing where a tail probe may not go. */
  watch(
    flights: Flights,
    rtt: RttEstimator,
    reorderingAt: Millis | undefined,
    probe: TailProbe | undefined,
    now: Millis,
  ): void {
    if (reorderingAt !== undefined) {
      this.#set('reordering', reorderingAt);
      return;
    }
    this.#set('retransmission', this.timedFrom + rtt.timeout);
    if (probe === undefined) return;
    const at = Math.max(now, this.lastSentAt) + probe.timeout(rtt, flights);
    if (at < this.at) this.#set('tail-probe', at);
  }

  /** Data waits for a window. Kept if it runs: written data must not push the probe away. Answers whether it was started. */
  persist(timeout: Millis, now: Millis): boolean {
    if (this.kind === 'persist') return false;
    this.#set('persist', now + timeout);
    return true;
  }

  #set(kind: TimerKind, at: Millis): void {
    this.kind = kind;
    this.at = at;
  }
}

/** How long the program stood still, if something that was due at `at` happens only now. */
export function overslept(at: Millis, now: Millis): Millis {
  return now - at > OVERSLEPT ? now - at : 0;
}
