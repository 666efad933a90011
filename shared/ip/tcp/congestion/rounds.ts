/**
 * Round trips told by data instead of a clock: one ends when something is acknowledged that was sent after the
 * last one ended. Idle time and delayed timers do not count.
 * Source: draft-ietf-ccwg-bbr, "Tracking Packet-Timed Round Trips"; the same as RFC 9406 §4.2's rounds.
 */
import type { AckSample } from './control.ts';

export class Rounds {
  count = 0;
  /** Whether the last acknowledgment began one. */
  started = false;
  #end = 0;

  acknowledged(sample: AckSample): void {
    this.started = sample.rate.priorDelivered >= this.#end;
    if (!this.started) return;
    this.count++;
    this.restart(sample.totalDelivered);
  }

  /** What was sent from now on makes the next round. */
  restart(totalDelivered: number): void {
    this.#end = totalDelivered;
  }
}
