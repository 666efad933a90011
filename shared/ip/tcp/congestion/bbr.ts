/**
 * BBR, version 3: models the path by the bandwidth and the round trip it measures, paces at that bandwidth, and
 * probes for more now and then. Loss counts only above 2 % of a round trip. Here are Startup, Drain, what losses do
 * between probes, and what comes of it all; the probes are `bandwidth-probe.ts` and `rtt-probe.ts`, and what they
 * share is `bbr-model.ts`.
 * Words are the draft's; sections are named where its text has the reasons. Left out: offload budgets of network cards.
 * Source: draft-ietf-ccwg-bbr (its text of August 2026).
 */
import type { Millis } from '../../../wire/bytes.ts';
import type { Flight } from '../flights.ts';
import { BandwidthProbe, LOSS_THRESHOLD } from './bandwidth-probe.ts';
import { BbrModel, GAINS, type Phase } from './bbr-model.ts';
import type { AckSample, Algorithm, CongestionControl } from './control.ts';
import { RttProbe } from './rtt-probe.ts';

/** Paced this much below the bandwidth, so that queues drain. */
const PACING_MARGIN = 0.99;
/** Losses, told by as many acknowledgments, that end Startup. */
const STARTUP_LOSSES = 6;
const DRAIN_ROUNDS = 3;

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
  readonly #selective: boolean;
  readonly #model: BbrModel;
  readonly #bandwidthProbe: BandwidthProbe;
  readonly #rttProbe: RttProbe;
  /** Acknowledgments of this round that told of losses, and marks in Startup. */
  #lossEvents = 0;
  #startupMarks = 0;
  #drainRound = 0;
  /** What a recovery that proves a mistake gives back. */
  #undo = { phase: undefined as Phase | undefined, bandwidth: 0, inFlight: 0, longTerm: 0 };

  constructor(config: BbrConfig) {
    const { segmentSize, smoothedRtt, selective, now } = config;
    const model = new BbrModel(segmentSize, smoothedRtt, now);
    const bandwidthProbe = new BandwidthProbe(model, selective, config.random);
    this.#selective = selective;
    this.#model = model;
    this.#bandwidthProbe = bandwidthProbe;
    this.#rttProbe = new RttProbe(model, bandwidthProbe, config.ignoreRates);
  }

  get phase(): string {
    return this.#model.phase;
  }

  get window(): number {
    return this.#model.window;
  }

  get pacingRate(): number {
    return this.#model.pacingRate;
  }

  /** "Per-ACK Steps". */
  acknowledged(sample: AckSample, now: Millis): void {
    const model = this.#model;
    const { rounds, shortTerm, bandwidths } = model;
    model.delivered = sample.totalDelivered;
    model.firstRtt(sample);
    shortTerm.collect(sample);
    rounds.acknowledged(sample);
    if (rounds.started) this.#bandwidthProbe.roundStarted();
    model.measureBandwidth(sample);
    this.#boundShortTerm();
    model.measureAggregation(sample, now);
    model.pipe.acknowledged(sample, rounds.started);
    this.#checkStartup(sample);
    this.#checkDrain(sample.inFlight, now);
    this.#bandwidthProbe.acknowledged(sample, now);
    model.minimumRtt.sample(sample.rate.rtt, now);
    this.#rttProbe.acknowledged(sample, now);
    shortTerm.advance(sample);
    model.bandwidth = Math.min(bandwidths.maximum, shortTerm.bandwidth);
    this.#pace(GAINS[model.phase].pacing);
    this.#setWindow(sample);
  }

  lost(flight: Flight, totalLost: number, totalDelivered: number, now: Millis): void {
    this.#model.delivered = totalDelivered;
    this.#noteLoss();
    if (this.#bandwidthProbe.lost(flight, totalLost, now)) this.#undo.phase = 'up';
  }

  recoveryStarted(): void {
    this.#saveState();
    this.#model.recovering = true;
  }

  recovered(): void {
    this.#model.recovering = false;
    this.#model.restoreWindow();
  }

  timedOut(): void {
    this.#saveState();
    this.#model.recovering = true;
    this.#model.window = this.#model.segmentSize;
  }

  /** "Handling a Spurious Loss Recovery". */
  spurious(): void {
    const model = this.#model;
    const { shortTerm } = model;
    const undo = this.#undo;
    model.recovering = false;
    model.restoreWindow();
    shortTerm.lossInRound = false;
    model.pipe.reset(0);
    shortTerm.bandwidth = Math.max(shortTerm.bandwidth, undo.bandwidth);
    shortTerm.inFlight = Math.max(shortTerm.inFlight, undo.inFlight);
    model.longTerm = Math.max(model.longTerm, undo.longTerm);
    const before = undo.phase;
    undo.phase = undefined;
    if (before === 'startup' && model.phase !== 'startup') {
      model.pipe.reached = false;
      if (model.phase !== 'probe-rtt') model.phase = 'startup';
    } else if (before === 'up' && model.phase !== 'up' && model.phase !== 'probe-rtt') {
      this.#bandwidthProbe.startRefill();
    }
  }

  /** The draft leaves ECN open but asks that marks count as congestion. */
  marked(inFlight: number, now: Millis): void {
    this.#noteLoss();
    // One mark may be somebody else's doing; the next, a round trip later, is ours.
    if (this.#model.phase === 'startup' && ++this.#startupMarks > 1) this.#startupTooHigh();
    else if (this.#bandwidthProbe.marked(inFlight, now)) this.#undo.phase = 'up';
  }

  /** "Actions when Restarting from Idle". */
  restarted(_idle: Millis, _timeout: Millis, appLimited: boolean, now: Millis): void {
    if (!appLimited) return;
    this.#model.restartAggregation(now);
    if (this.#model.isProbeBw) this.#pace(1);
    this.#rttProbe.restarted(now);
  }

  sent(): void {}

  resize(segmentSize: number): void {
    this.#model.segmentSize = segmentSize;
  }

  // ---- Startup and Drain

  /** "Exiting Startup Based on Packet Loss", and on a full pipe. */
  #checkStartup(sample: AckSample): void {
    const model = this.#model;
    if (sample.lost > 0) this.#lossEvents++;
    if (model.shortTerm.roundStarted) {
      const { lost, inFlight } = sample.rate;
      const many = this.#lossEvents >= (this.#selective ? STARTUP_LOSSES : 1);
      const starting = model.phase === 'startup' && model.recovering;
      if (starting && many && this.#bandwidthProbe.isTooHigh(lost, inFlight)) {
        this.#startupTooHigh();
      }
      this.#lossEvents = 0;
    }
    if (model.phase === 'startup' && model.pipe.reached) {
      model.phase = 'drain';
      this.#drainRound = model.rounds.count;
    }
  }

  #startupTooHigh(): void {
    const model = this.#model;
    this.#undo.phase = 'startup';
    model.pipe.reached = true;
    model.longTerm = Math.max(model.bdp, model.shortTerm.inFlightLatest);
  }

  #checkDrain(inFlight: number, now: Millis): void {
    const { phase, rounds } = this.#model;
    if (phase !== 'drain') return;
    const late = rounds.count > this.#drainRound + DRAIN_ROUNDS;
    if (late || inFlight <= this.#model.volume(1)) this.#bandwidthProbe.startDown(now);
  }

  // ---- Losses

  /**
   * Deviation: draft-ietf-ccwg-bbr lowers its short-term bounds after any loss in a round; we do above the 2 % that
   * its probes accept too. Where a thread stalls, what a round delivered says little about the path.
   */
  #boundShortTerm(): void {
    const { shortTerm, bandwidths, window, isProbing } = this.#model;
    if (!shortTerm.roundStarted) return;
    const tooLossy = shortTerm.lossInRound && shortTerm.lossRate > LOSS_THRESHOLD;
    if (tooLossy && !isProbing) shortTerm.reduce(bandwidths.maximum, window);
    shortTerm.lossInRound = false;
  }

  #noteLoss(): void {
    const { shortTerm, recovering, delivered } = this.#model;
    if (!shortTerm.lossInRound && !recovering) this.#saveState();
    shortTerm.noteLoss(delivered);
  }

  #saveState(): void {
    const { shortTerm, longTerm } = this.#model;
    this.#model.saveWindow();
    this.#undo.phase = undefined;
    this.#undo.bandwidth = shortTerm.bandwidth;
    this.#undo.inFlight = shortTerm.inFlight;
    this.#undo.longTerm = longTerm;
  }

  // ---- What comes of it

  /** Never slower while the pipe is not full. "Pacing Rate". */
  #pace(gain: number): void {
    const model = this.#model;
    const rate = gain * model.bandwidth * PACING_MARGIN;
    if (rate > 0 && (model.pipe.reached || rate > model.pacingRate)) model.pacingRate = rate;
  }

  /** "cwnd Adjustment Mechanism" and the bounds after it. */
  #setWindow(sample: AckSample): void {
    const model = this.#model;
    const { target } = model;
    const grown = model.window + sample.delivered;
    let { window } = model;
    if (model.pipe.reached) window = Math.min(grown, target);
    else if (window < target || sample.totalDelivered < model.initialWindow) window = grown;
    model.window = Math.max(Math.min(window, this.#bound), model.minimumWindow);
  }

  /** What probes and losses allow, infinite where they said nothing. */
  get #bound(): number {
    const model = this.#model;
    const { inFlight } = model.shortTerm;
    switch (model.phase) {
      case 'probe-rtt':
        return Math.min(inFlight, model.longTermWithHeadroom, this.#rttProbe.window);
      case 'cruise':
        return Math.min(inFlight, model.longTermWithHeadroom);
      case 'startup':
      case 'drain':
        return inFlight;
      default:
        return Math.min(inFlight, model.longTerm);
    }
  }
}
