/**
 * What BBR knows of the path, where it stands, and how much may be in flight for that: the state that its phases share.
 * Source: draft-ietf-ccwg-bbr, "Input Signals" to "State Machine Operation".
 */
import type { Millis } from '../../../wire/bytes.ts';
import { AckAggregation } from './aggregation.ts';
import { type AckSample, initialWindow } from './control.ts';
import { FullPipe } from './full-pipe.ts';
import { MaxFilter } from './max-filter.ts';
import { MinimumRtt } from './minimum-rtt.ts';
import { Rounds } from './rounds.ts';
import { ShortTermModel } from './short-term.ts';

export type Phase = 'startup' | 'drain' | 'down' | 'cruise' | 'refill' | 'up' | 'probe-rtt';

/** "Summary of Control Behavior in the State Machine". */
export const GAINS: Readonly<Record<Phase, { readonly pacing: number; readonly window: number }>> =
  {
    startup: { pacing: 4 * Math.LN2, window: 2 },
    drain: { pacing: 0.5, window: 2 },
    down: { pacing: 0.9, window: 2 },
    cruise: { pacing: 1, window: 2 },
    refill: { pacing: 1, window: 2 },
    up: { pacing: 1.25, window: 2.25 },
    'probe-rtt': { pacing: 1, window: 0.5 },
  };

/** Share of the long-term bound that is left to others. */
const HEADROOM = 0.15;
/** In segments: enough for a peer that acknowledges every second. */
const MINIMUM_WINDOW = 4;
/** Probing cycles whose bandwidth counts. */
const BANDWIDTH_CYCLES = 2;
/** A burst that leaves at once: a millisecond's worth, within these bounds; three may be on the way. */
const QUANTUM_TIME: Millis = 1;
const QUANTUM_LIMIT = 65_536;
const QUANTA = 3;

export class BbrModel {
  phase: Phase = 'startup';
  /** Whether a recovery is under way. */
  recovering = false;
  segmentSize: number;
  window: number;
  /** Bytes per millisecond. */
  pacingRate: number;
  /** Bytes delivered in the life of the connection. */
  delivered = 0;
  /** min(largest measured, short-term bound), bytes per millisecond. */
  bandwidth = 0;
  /** Volume that probes found to be too much; infinite until one did. */
  longTerm: number = Number.POSITIVE_INFINITY;
  /** Probing cycles so far. */
  cycle = 0;
  readonly initialWindow: number;
  readonly rounds: Rounds = new Rounds();
  readonly pipe: FullPipe = new FullPipe();
  readonly bandwidths: MaxFilter = new MaxFilter();
  readonly shortTerm: ShortTermModel = new ShortTermModel();
  readonly minimumRtt: MinimumRtt;
  readonly #aggregation: AckAggregation;
  #rttKnown: boolean;
  /** The window from before a recovery, or before a pause. */
  #priorWindow = 0;

  /** `smoothedRtt` 0: not known. */
  constructor(segmentSize: number, smoothedRtt: Millis, now: Millis) {
    this.segmentSize = segmentSize;
    this.initialWindow = initialWindow(segmentSize);
    this.window = this.initialWindow;
    this.#rttKnown = smoothedRtt > 0;
    this.pacingRate = (GAINS.startup.pacing * this.window) / (this.#rttKnown ? smoothedRtt : 1);
    this.minimumRtt = new MinimumRtt(smoothedRtt, now);
    this.#aggregation = new AckAggregation(now);
  }

  get isProbeBw(): boolean {
    const { phase } = this;
    return phase === 'down' || phase === 'cruise' || phase === 'refill' || phase === 'up';
  }

  get isProbing(): boolean {
    const { phase } = this;
    return phase === 'startup' || phase === 'refill' || phase === 'up';
  }

  /** Bandwidth times round trip: what fills the path without a queue. */
  get bdp(): number {
    const rtt = this.minimumRtt.value;
    return Number.isFinite(rtt) ? this.bandwidth * rtt : this.initialWindow;
  }

  get minimumWindow(): number {
    return MINIMUM_WINDOW * this.segmentSize;
  }

  get longTermWithHeadroom(): number {
    if (!Number.isFinite(this.longTerm)) return this.longTerm;
    const headroom = Math.max(this.segmentSize, HEADROOM * this.longTerm);
    return Math.max(this.longTerm - headroom, this.minimumWindow);
  }

  /** Bytes in flight for `gain` of the path's volume, `extra` of them beyond it. */
  volume(gain: number, extra = 0): number {
    const quantum = Math.min(QUANTUM_LIMIT, this.pacingRate * QUANTUM_TIME);
    const volume = Math.max(
      gain * this.bdp + extra,
      QUANTA * Math.max(quantum, 2 * this.segmentSize),
      this.minimumWindow,
    );
    return this.phase === 'up' ? volume + 2 * this.segmentSize : volume;
  }

  /** Most that this phase lets be in flight. */
  get target(): number {
    return this.volume(GAINS[this.phase].window, this.#aggregation.extra);
  }

  /** The SYN told no round trip: the first one known sets the pace. */
  firstRtt({ smoothedRtt }: AckSample): void {
    if (this.#rttKnown || smoothedRtt <= 0) return;
    this.#rttKnown = true;
    this.pacingRate = (GAINS.startup.pacing * this.initialWindow) / smoothedRtt;
  }

  measureBandwidth({ rate: { rate, appLimited } }: AckSample): void {
    if (rate > 0 && (rate >= this.bandwidths.maximum || !appLimited)) {
      this.bandwidths.update(rate, this.cycle, BANDWIDTH_CYCLES);
    }
  }

  measureAggregation({ delivered }: AckSample, now: Millis): void {
    const { bandwidth, window, rounds, pipe } = this;
    this.#aggregation.acknowledged(delivered, bandwidth, window, rounds.count, !pipe.reached, now);
  }

  restartAggregation(now: Millis): void {
    this.#aggregation.restart(now);
  }

  saveWindow(): void {
    const modulated = this.recovering || this.phase === 'probe-rtt';
    this.#priorWindow = modulated ? Math.max(this.#priorWindow, this.window) : this.window;
  }

  restoreWindow(): void {
    this.window = Math.max(this.window, this.#priorWindow);
  }
}
