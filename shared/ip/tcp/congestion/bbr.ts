/**
 * BBR, version 3: models the path by the bandwidth and the round trip it measures, paces at that bandwidth, and
 * probes for more now and then. Loss counts only above 2 % of a round trip.
 * Words are the draft's; sections are named where its text has the reasons. Longer than most files because the
 * phases share one model. Left out: offload budgets of network cards.
 * Source: draft-ietf-ccwg-bbr (its text of August 2026).
 */
import type { Millis } from '../../../wire/bytes.ts';
import type { Flight } from '../flights.ts';
import { AckAggregation } from './aggregation.ts';
import {
  type AckSample,
  type Algorithm,
  type CongestionControl,
  initialWindow,
} from './control.ts';
import { FullPipe } from './full-pipe.ts';
import { MaxFilter } from './max-filter.ts';
import { MinimumRtt } from './minimum-rtt.ts';
import { Rounds } from './rounds.ts';
import { BETA, ShortTermModel } from './short-term.ts';

type Phase = 'startup' | 'drain' | 'down' | 'cruise' | 'refill' | 'up' | 'probe-rtt';

/** "Summary of Control Behavior in the State Machine". */
const GAINS: Readonly<Record<Phase, { readonly pacing: number; readonly window: number }>> = {
  startup: { pacing: 4 * Math.LN2, window: 2 },
  drain: { pacing: 0.5, window: 2 },
  down: { pacing: 0.9, window: 2 },
  cruise: { pacing: 1, window: 2 },
  refill: { pacing: 1, window: 2 },
  up: { pacing: 1.25, window: 2.25 },
  'probe-rtt': { pacing: 1, window: 0.5 },
};

/** Bytes lost of those in flight that a probe takes for its own doing. */
const LOSS_THRESHOLD = 0.02;
/** Share of the long-term bound that is left to others. */
const HEADROOM = 0.15;
/** Paced this much below the bandwidth, so that queues drain. */
const PACING_MARGIN = 0.99;
/** In segments: enough for a peer that acknowledges every second. */
const MINIMUM_WINDOW = 4;
/** Losses, told by as many acknowledgments, that end Startup. */
const STARTUP_LOSSES = 6;
const DRAIN_ROUNDS = 3;
/** Probing cycles whose bandwidth counts. */
const BANDWIDTH_CYCLES = 2;
const PROBE_RTT_DURATION: Millis = 200;
/** A probe begins after 2 to 3 s, or as many round trips as Reno would need, 63 at most. */
const PROBE_WAIT: Millis = 2000;
const PROBE_WAIT_SPREAD: Millis = 1000;
const RENO_ROUNDS = 63;
/** A burst that leaves at once: a millisecond's worth, within these bounds; three may be on the way. */
const QUANTUM_TIME: Millis = 1;
const QUANTUM_LIMIT = 65_536;
const QUANTA = 3;

/** What acknowledgments now tell of the last probe: "BBR.ack_phase". */
type Feedback = 'none' | 'refilling' | 'starting' | 'probing' | 'stopping';

export interface BbrConfig {
  readonly segmentSize: number;
  /** Of the SYN; 0 when it is not known. */
  readonly smoothedRtt: Millis;
  /** Without it, any loss counts as too much. */
  readonly selective: boolean;
  readonly now: Millis;
  /** Uniform in [0, 1). */
  random(): number;
  /** What is sent from now on tells nothing about the path's limit. */
  ignoreRates(inFlight: number): void;
}

export class Bbr implements CongestionControl {
  readonly algorithm: Algorithm = 'bbr';
  readonly threshold: number = Number.POSITIVE_INFINITY;
  window: number;
  pacingRate: number;
  readonly #config: BbrConfig;
  readonly #initialWindow: number;
  readonly #rounds = new Rounds();
  readonly #pipe = new FullPipe();
  readonly #bandwidths = new MaxFilter();
  readonly #shortTerm = new ShortTermModel();
  readonly #aggregation: AckAggregation;
  readonly #minimumRtt: MinimumRtt;
  #segmentSize: number;
  #phase: Phase = 'startup';
  #cycle = 0;
  /** min(largest measured, short-term bound), bytes per millisecond. */
  #bandwidth = 0;
  /** Volume that probes found to be too much; infinite until one did. */
  #longTerm = Number.POSITIVE_INFINITY;
  #feedback: Feedback = 'none';
  #probeSample = false;
  #lossEvents = 0;
  #startupMarks = 0;
  #drainRound = 0;
  // The probing cycle.
  #cycleAt: Millis = 0;
  #probeWait: Millis = 0;
  #roundsSinceProbe = 0;
  #upRounds = 0;
  #upAcked = 0;
  #upStep = Number.POSITIVE_INFINITY;
  #tooHigh = false;
  #precautionary = false;
  // ProbeRTT.
  #probeRttUntil: Millis | undefined;
  #probeRttRound = false;
  #idleRestart = false;
  // Recovery, and what it may have to take back.
  #recovering = false;
  #priorWindow = 0;
  #undo = { phase: undefined as Phase | undefined, bandwidth: 0, inFlight: 0, longTerm: 0 };
  #rttKnown: boolean;
  #delivered = 0;

  constructor(config: BbrConfig) {
    this.#config = config;
    this.#segmentSize = config.segmentSize;
    this.#initialWindow = initialWindow(config.segmentSize);
    this.window = this.#initialWindow;
    this.#rttKnown = config.smoothedRtt > 0;
    this.pacingRate =
      (GAINS.startup.pacing * this.window) / (this.#rttKnown ? config.smoothedRtt : 1);
    this.#aggregation = new AckAggregation(config.now);
    this.#minimumRtt = new MinimumRtt(config.smoothedRtt, config.now);
  }

  get phase(): string {
    return this.#phase;
  }

  /** "Per-ACK Steps". */
  acknowledged(sample: AckSample, now: Millis): void {
    this.#delivered = sample.totalDelivered;
    this.#firstRtt(sample);
    this.#shortTerm.collect(sample);
    this.#updateBandwidth(sample);
    if (this.#shortTerm.roundStarted) {
      if (!this.#isProbing && this.#isRoundTooLossy) {
        this.#shortTerm.reduce(this.#bandwidths.maximum, this.window);
      }
      this.#shortTerm.lossInRound = false;
    }
    const { delivered } = sample;
    const startup = !this.#pipe.reached;
    const round = this.#rounds.count;
    this.#aggregation.acknowledged(delivered, this.#bandwidth, this.window, round, startup, now);
    this.#pipe.acknowledged(sample, this.#rounds.started);
    this.#checkStartup(sample);
    if (this.#phase === 'drain') {
      const late = this.#rounds.count > this.#drainRound + DRAIN_ROUNDS;
      if (late || sample.inFlight <= this.#volume(1)) this.#startDown(now);
    }
    this.#updateCycle(sample, now);
    this.#minimumRtt.sample(sample.rate.rtt, now);
    this.#checkProbeRtt(sample, now);
    this.#shortTerm.advance(sample);
    this.#bandwidth = Math.min(this.#bandwidths.maximum, this.#shortTerm.bandwidth);
    this.#pace(GAINS[this.#phase].pacing);
    this.#setWindow(sample);
  }

  /** "Probing for Bandwidth In ProbeBW". */
  lost(flight: Flight, totalLost: number, totalDelivered: number, now: Millis): void {
    this.#delivered = totalDelivered;
    this.#noteLoss();
    if (!this.#probeSample) return;
    const size = flight.end - flight.start;
    const lost = totalLost - flight.lostBefore;
    if (!this.#isTooHigh(lost, flight.inFlight)) return;
    // Where in this flight the threshold was crossed.
    const before = flight.inFlight - size;
    const prefix = (LOSS_THRESHOLD * before - (lost - size)) / (1 - LOSS_THRESHOLD);
    this.#probeTooHigh(before + prefix, flight.appLimited, now);
  }

  recoveryStarted(): void {
    this.#saveState();
    this.#recovering = true;
  }

  recovered(): void {
    this.#recovering = false;
    this.#restoreWindow();
  }

  timedOut(): void {
    this.#saveState();
    this.#recovering = true;
    this.window = this.#segmentSize;
  }

  /** "Handling a Spurious Loss Recovery". */
  spurious(): void {
    this.#recovering = false;
    this.#restoreWindow();
    this.#shortTerm.lossInRound = false;
    this.#pipe.reset(0);
    this.#shortTerm.bandwidth = Math.max(this.#shortTerm.bandwidth, this.#undo.bandwidth);
    this.#shortTerm.inFlight = Math.max(this.#shortTerm.inFlight, this.#undo.inFlight);
    this.#longTerm = Math.max(this.#longTerm, this.#undo.longTerm);
    const { phase } = this.#undo;
    this.#undo.phase = undefined;
    if (phase === 'startup' && this.#phase !== 'startup') {
      this.#pipe.reached = false;
      if (this.#phase !== 'probe-rtt') this.#phase = 'startup';
    } else if (phase === 'up' && this.#phase !== 'up' && this.#phase !== 'probe-rtt') {
      this.#startRefill();
    }
  }

  /** The draft leaves ECN open but asks that marks count as congestion. */
  marked(inFlight: number, now: Millis): void {
    this.#noteLoss();
    // One mark may be somebody else's doing; the next, a round trip later, is ours.
    if (this.#phase === 'startup' && ++this.#startupMarks > 1) this.#startupTooHigh();
    else if (this.#probeSample) this.#probeTooHigh(inFlight, false, now);
  }

  /** "Actions when Restarting from Idle". */
  restarted(_idle: Millis, _timeout: Millis, appLimited: boolean, now: Millis): void {
    if (!appLimited) return;
    this.#idleRestart = true;
    this.#aggregation.restart(now);
    if (this.#isProbeBw) this.#pace(1);
    else if (this.#phase === 'probe-rtt') this.#checkProbeRttDone(now);
  }

  sent(): void {}

  resize(segmentSize: number): void {
    this.#segmentSize = segmentSize;
  }

  get #isProbeBw(): boolean {
    const phase = this.#phase;
    return phase === 'down' || phase === 'cruise' || phase === 'refill' || phase === 'up';
  }

  get #isProbing(): boolean {
    const phase = this.#phase;
    return phase === 'startup' || phase === 'refill' || phase === 'up';
  }

  // ---- The model

  #firstRtt({ smoothedRtt }: AckSample): void {
    if (this.#rttKnown || smoothedRtt <= 0) return;
    this.#rttKnown = true;
    this.pacingRate = (GAINS.startup.pacing * this.#initialWindow) / smoothedRtt;
  }

  #updateBandwidth(sample: AckSample): void {
    this.#rounds.acknowledged(sample);
    if (this.#rounds.started) this.#roundsSinceProbe++;
    const { rate, appLimited } = sample.rate;
    if (rate > 0 && (rate >= this.#bandwidths.maximum || !appLimited)) {
      this.#bandwidths.update(rate, this.#cycle, BANDWIDTH_CYCLES);
    }
  }

  /** Bandwidth times round trip: what fills the path without a queue. */
  get #bdp(): number {
    const rtt = this.#minimumRtt.value;
    return Number.isFinite(rtt) ? this.#bandwidth * rtt : this.#initialWindow;
  }

  /** Bytes in flight for `gain` of the path's volume. */
  #volume(gain: number, extra = 0): number {
    const quantum = Math.min(QUANTUM_LIMIT, this.pacingRate * QUANTUM_TIME);
    const volume = Math.max(
      gain * this.#bdp + extra,
      QUANTA * Math.max(quantum, 2 * this.#segmentSize),
      this.#minimumWindow,
    );
    return this.#phase === 'up' ? volume + 2 * this.#segmentSize : volume;
  }

  get #minimumWindow(): number {
    return MINIMUM_WINDOW * this.#segmentSize;
  }

  get #longTermWithHeadroom(): number {
    if (!Number.isFinite(this.#longTerm)) return this.#longTerm;
    const headroom = Math.max(this.#segmentSize, HEADROOM * this.#longTerm);
    return Math.max(this.#longTerm - headroom, this.#minimumWindow);
  }

  // ---- Losses

  /**
   * Deviation: draft-ietf-ccwg-bbr lowers its short-term bounds after any loss in a round; we do above the 2 % that
   * its probes accept too. Where a thread stalls, what a round delivered says little about the path.
   */
  get #isRoundTooLossy(): boolean {
    const { lossInRound, lossRate } = this.#shortTerm;
    return lossInRound && lossRate > LOSS_THRESHOLD;
  }

  #noteLoss(): void {
    if (!this.#shortTerm.lossInRound && !this.#recovering) this.#saveState();
    this.#shortTerm.noteLoss(this.#delivered);
  }

  #isTooHigh(lost: number, inFlight: number): boolean {
    return lost > inFlight * LOSS_THRESHOLD || (lost > 0 && !this.#config.selective);
  }

  #probeTooHigh(inFlight: number, appLimited: boolean, now: Millis): void {
    this.#tooHigh = true;
    this.#probeSample = false;
    const target = Math.min(this.#bdp, this.window);
    if (!appLimited) this.#longTerm = Math.max(inFlight, target * BETA);
    if (this.#phase !== 'up') return;
    this.#undo.phase = 'up';
    this.#startDown(now);
  }

  #saveState(): void {
    this.#saveWindow();
    this.#undo.phase = undefined;
    this.#undo.bandwidth = this.#shortTerm.bandwidth;
    this.#undo.inFlight = this.#shortTerm.inFlight;
    this.#undo.longTerm = this.#longTerm;
  }

  #saveWindow(): void {
    const modulated = this.#recovering || this.#phase === 'probe-rtt';
    this.#priorWindow = modulated ? Math.max(this.#priorWindow, this.window) : this.window;
  }

  #restoreWindow(): void {
    this.window = Math.max(this.window, this.#priorWindow);
  }

  // ---- Startup

  /** "Exiting Startup Based on Packet Loss", and on a full pipe. */
  #checkStartup(sample: AckSample): void {
    if (sample.lost > 0) this.#lossEvents++;
    const { lost, inFlight } = sample.rate;
    if (this.#shortTerm.roundStarted) {
      const many = this.#config.selective
        ? this.#lossEvents >= STARTUP_LOSSES
        : this.#lossEvents > 0;
      const starting = this.#phase === 'startup' && this.#recovering;
      if (starting && many && this.#isTooHigh(lost, inFlight)) this.#startupTooHigh();
      this.#lossEvents = 0;
    }
    if (this.#phase === 'startup' && this.#pipe.reached) {
      this.#phase = 'drain';
      this.#drainRound = this.#rounds.count;
    }
  }

  #startupTooHigh(): void {
    this.#undo.phase = 'startup';
    this.#pipe.reached = true;
    this.#longTerm = Math.max(this.#bdp, this.#shortTerm.inFlightLatest);
  }

  // ---- The cycle of probes

  #startDown(now: Millis): void {
    this.#shortTerm.resetSignals();
    this.#upStep = Number.POSITIVE_INFINITY;
    this.#roundsSinceProbe = this.#config.random() < 0.5 ? 0 : 1;
    this.#probeWait = PROBE_WAIT + this.#config.random() * PROBE_WAIT_SPREAD;
    this.#cycleAt = now;
    this.#feedback = 'stopping';
    this.#rounds.restart(this.#delivered);
    this.#phase = 'down';
  }

  #startRefill(): void {
    this.#shortTerm.resetBounds();
    this.#upRounds = 0;
    this.#upAcked = 0;
    this.#precautionary = false;
    this.#feedback = 'refilling';
    this.#rounds.restart(this.#delivered);
    this.#phase = 'refill';
  }

  #startUp(rate: number): void {
    this.#feedback = 'starting';
    this.#rounds.restart(this.#delivered);
    this.#pipe.reset(rate);
    this.#phase = 'up';
    this.#raiseSlope();
  }

  #updateCycle(sample: AckSample, now: Millis): void {
    if (!this.#pipe.reached || this.#adaptLongTerm(sample)) return;
    switch (this.#phase) {
      case 'down':
        if (this.#isTimeToProbe(now)) this.#startRefill();
        else if (this.#isTimeToCruise(sample.inFlight)) this.#phase = 'cruise';
        return;
      case 'cruise':
        if (this.#isTimeToProbe(now)) this.#startRefill();
        return;
      case 'refill':
        if (!this.#rounds.started) return;
        this.#probeSample = true;
        this.#startUp(sample.rate.rate);
        return;
      case 'up':
        if (!this.#isTimeToGoDown(sample)) return;
        this.#tooHigh = false;
        this.#startDown(now);
        return;
    }
  }

  /** Answers whether it began another phase. "AdaptLongTermModel". */
  #adaptLongTerm(sample: AckSample): boolean {
    const { lost, inFlight, appLimited } = sample.rate;
    if (this.#feedback === 'starting' && this.#rounds.started) this.#feedback = 'probing';
    if (this.#feedback === 'stopping' && this.#rounds.started) {
      this.#probeSample = false;
      this.#feedback = 'none';
      if (this.#isProbeBw && !appLimited) this.#cycle++;
      if (this.#isProbeBw && this.#precautionary && !this.#tooHigh) {
        this.#startRefill();
        return true;
      }
    }
    if (this.#isTooHigh(lost, inFlight) || !Number.isFinite(this.#longTerm)) return false;
    this.#longTerm = Math.max(this.#longTerm, inFlight);
    if (this.#phase === 'up') this.#raiseLongTerm(sample);
    return false;
  }

  #raiseSlope(): void {
    this.#upStep = Math.max(this.window / 2 ** this.#upRounds, this.#segmentSize);
    this.#upRounds = Math.min(this.#upRounds + 1, 30);
  }

  /** One segment more for every `#upStep` bytes acknowledged. "ProbeInflightLongtermUpward". */
  #raiseLongTerm(sample: AckSample): void {
    if (!sample.windowLimited || this.window < this.#longTerm) return;
    this.#upAcked += sample.delivered;
    const steps = Math.floor(this.#upAcked / this.#upStep);
    if (steps > 0) {
      this.#upAcked -= steps * this.#upStep;
      this.#longTerm += steps * this.#segmentSize;
    }
    if (this.#rounds.started) this.#raiseSlope();
  }

  #isTimeToProbe(now: Millis): boolean {
    const target = Math.min(this.#bdp, this.window) / this.#segmentSize;
    return (
      now > this.#cycleAt + this.#probeWait ||
      this.#roundsSinceProbe >= Math.min(target, RENO_ROUNDS)
    );
  }

  #isTimeToCruise(inFlight: number): boolean {
    return inFlight <= this.#longTermWithHeadroom && inFlight <= this.#volume(1);
  }

  #isTimeToGoDown(sample: AckSample): boolean {
    if (this.#tooHigh && sample.inFlight >= this.#longTerm) {
      this.#precautionary = true;
      return true;
    }
    if (sample.windowLimited && this.window >= this.#longTerm) {
      // Held by our own bound: nothing is learnt about the path's.
      this.#pipe.reset(sample.rate.rate);
      return false;
    }
    return this.#pipe.now;
  }

  // ---- ProbeRTT

  #checkProbeRtt(sample: AckSample, now: Millis): void {
    if (this.#phase !== 'probe-rtt' && this.#minimumRtt.expired && !this.#idleRestart) {
      this.#saveWindow();
      this.#phase = 'probe-rtt';
      this.#probeRttUntil = undefined;
      this.#feedback = 'stopping';
      this.#rounds.restart(this.#delivered);
    }
    if (this.#phase === 'probe-rtt') this.#handleProbeRtt(sample, now);
    if (sample.delivered > 0) this.#idleRestart = false;
  }

  #handleProbeRtt(sample: AckSample, now: Millis): void {
    this.#config.ignoreRates(sample.inFlight);
    if (this.#probeRttUntil === undefined) {
      if (sample.inFlight > this.#probeRttWindow) return;
      this.#probeRttUntil = now + PROBE_RTT_DURATION;
      this.#probeRttRound = false;
      this.#rounds.restart(this.#delivered);
      return;
    }
    if (this.#rounds.started) this.#probeRttRound = true;
    if (this.#probeRttRound) this.#checkProbeRttDone(now);
  }

  #checkProbeRttDone(now: Millis): void {
    if (this.#probeRttUntil === undefined || now <= this.#probeRttUntil) return;
    this.#minimumRtt.probed(now);
    this.#restoreWindow();
    this.#shortTerm.resetBounds();
    if (!this.#pipe.reached) {
      this.#phase = 'startup';
      return;
    }
    this.#startDown(now);
    this.#phase = 'cruise';
  }

  get #probeRttWindow(): number {
    return Math.max(GAINS['probe-rtt'].window * this.#bdp, this.#minimumWindow);
  }

  // ---- What comes of it

  /** Never slower while the pipe is not full. "Pacing Rate". */
  #pace(gain: number): void {
    const rate = gain * this.#bandwidth * PACING_MARGIN;
    if (rate > 0 && (this.#pipe.reached || rate > this.pacingRate)) this.pacingRate = rate;
  }

  /** "cwnd Adjustment Mechanism" and the bounds after it. */
  #setWindow(sample: AckSample): void {
    const most = this.#volume(GAINS[this.#phase].window, this.#aggregation.extra);
    const grown = this.window + sample.delivered;
    if (this.#pipe.reached) this.window = Math.min(grown, most);
    else if (this.window < most || sample.totalDelivered < this.#initialWindow) this.window = grown;
    let bound = this.#shortTerm.inFlight;
    if (this.#phase === 'probe-rtt' || this.#phase === 'cruise') {
      bound = Math.min(bound, this.#longTermWithHeadroom);
    } else if (this.#isProbeBw) {
      bound = Math.min(bound, this.#longTerm);
    }
    if (this.#phase === 'probe-rtt') bound = Math.min(bound, this.#probeRttWindow);
    this.window = Math.max(Math.min(this.window, bound), this.#minimumWindow);
  }
}
