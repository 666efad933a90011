/**
 * BBR's cycle once the pipe has been full: fill it, send a quarter more to see whether there is more, make up for
 * that, cruise; and what the probe says about the volume that the path takes in the long run.
 * Words are the draft's. Source: draft-ietf-ccwg-bbr, "ProbeBW" and "Probing for Bandwidth In ProbeBW".
 */
import type { Millis } from '../../../wire/bytes.ts';
import type { Flight } from '../flights.ts';
import type { BbrModel } from './bbr-model.ts';
import type { AckSample } from './control.ts';
import { BETA } from './short-term.ts';

/** Bytes lost of those in flight that a probe takes for its own doing. */
export const LOSS_THRESHOLD = 0.02;
/** A probe begins after 2 to 3 s, or as many round trips as Reno would need, 63 at most. */
const PROBE_WAIT: Millis = 2000;
const PROBE_WAIT_SPREAD: Millis = 1000;
const RENO_ROUNDS = 63;

/** What acknowledgments now tell of the last probe: "BBR.ack_phase". */
type Feedback = 'none' | 'refilling' | 'starting' | 'probing' | 'stopping';

export class BandwidthProbe {
  readonly #model: BbrModel;
  /** Whether the peer does SACK. Without it, any loss counts as too much. */
  readonly #selective: boolean;
  /** Uniform in [0, 1). */
  readonly #random: () => number;
  #feedback: Feedback = 'none';
  /** Whether losses are of what was sent while probing. */
  #underTest = false;
  #cycleAt: Millis = 0;
  #wait: Millis = 0;
  #roundsSince = 0;
  #upRounds = 0;
  #upAcked = 0;
  #upStep = Number.POSITIVE_INFINITY;
  #tooHigh = false;
  #precautionary = false;

  constructor(model: BbrModel, selective: boolean, random: () => number) {
    this.#model = model;
    this.#selective = selective;
    this.#random = random;
  }

  /** Another round trip has begun. */
  roundStarted(): void {
    this.#roundsSince++;
  }

  isTooHigh(lost: number, inFlight: number): boolean {
    return lost > inFlight * LOSS_THRESHOLD || (lost > 0 && !this.#selective);
  }

  /** `flight` was found lost. Answers whether that ended the phase in which more was tried. */
  lost(flight: Flight, totalLost: number, now: Millis): boolean {
    if (!this.#underTest) return false;
    const size = flight.end - flight.start;
    const lost = totalLost - flight.lostBefore;
    if (!this.isTooHigh(lost, flight.inFlight)) return false;
    // Where in this flight the threshold was crossed.
    const before = flight.inFlight - size;
    const prefix = (LOSS_THRESHOLD * before - (lost - size)) / (1 - LOSS_THRESHOLD);
    return this.#foundTooHigh(before + prefix, flight.appLimited, now);
  }

  /** A router marked packets. Answers as `lost` does. */
  marked(inFlight: number, now: Millis): boolean {
    return this.#underTest && this.#foundTooHigh(inFlight, false, now);
  }

  /** What acknowledgments tell from now on is not about a probe that was sent yet. */
  stop(): void {
    this.#feedback = 'stopping';
  }

  startDown(now: Millis): void {
    const model = this.#model;
    model.shortTerm.resetSignals();
    this.#upStep = Number.POSITIVE_INFINITY;
    this.#roundsSince = this.#random() < 0.5 ? 0 : 1;
    this.#wait = PROBE_WAIT + this.#random() * PROBE_WAIT_SPREAD;
    this.#cycleAt = now;
    this.#feedback = 'stopping';
    model.rounds.restart(model.delivered);
    model.phase = 'down';
  }

  startRefill(): void {
    const model = this.#model;
    model.shortTerm.resetBounds();
    this.#upRounds = 0;
    this.#upAcked = 0;
    this.#precautionary = false;
    this.#feedback = 'refilling';
    model.rounds.restart(model.delivered);
    model.phase = 'refill';
  }

  /** An acknowledgment came: the next phase, if it is time. */
  acknowledged(sample: AckSample, now: Millis): void {
    const model = this.#model;
    if (!model.pipe.reached || this.#adaptLongTerm(sample)) return;
    switch (model.phase) {
      case 'down':
        if (this.#isTimeToProbe(now)) this.startRefill();
        else if (this.#isTimeToCruise(sample.inFlight)) model.phase = 'cruise';
        return;
      case 'cruise':
        if (this.#isTimeToProbe(now)) this.startRefill();
        return;
      case 'refill':
        if (!model.rounds.started) return;
        this.#underTest = true;
        this.#startUp(sample.rate.rate);
        return;
      case 'up':
        if (!this.#isTimeToGoDown(sample)) return;
        this.#tooHigh = false;
        this.startDown(now);
        return;
    }
  }

  #startUp(rate: number): void {
    const model = this.#model;
    this.#feedback = 'starting';
    model.rounds.restart(model.delivered);
    model.pipe.reset(rate);
    model.phase = 'up';
    this.#raiseSlope();
  }

  #foundTooHigh(inFlight: number, appLimited: boolean, now: Millis): boolean {
    const model = this.#model;
    this.#tooHigh = true;
    this.#underTest = false;
    const target = Math.min(model.bdp, model.window);
    if (!appLimited) model.longTerm = Math.max(inFlight, target * BETA);
    if (model.phase !== 'up') return false;
    this.startDown(now);
    return true;
  }

  /** Answers whether it began another phase. "AdaptLongTermModel". */
  #adaptLongTerm(sample: AckSample): boolean {
    const model = this.#model;
    const { lost, inFlight, appLimited } = sample.rate;
    if (this.#feedback === 'starting' && model.rounds.started) this.#feedback = 'probing';
    if (this.#feedback === 'stopping' && model.rounds.started) {
      this.#underTest = false;
      this.#feedback = 'none';
      if (model.isProbeBw && !appLimited) model.cycle++;
      if (model.isProbeBw && this.#precautionary && !this.#tooHigh) {
        this.startRefill();
        return true;
      }
    }
    if (this.isTooHigh(lost, inFlight) || !Number.isFinite(model.longTerm)) return false;
    model.longTerm = Math.max(model.longTerm, inFlight);
    if (model.phase === 'up') this.#raiseLongTerm(sample);
    return false;
  }

  #raiseSlope(): void {
    const { window, segmentSize } = this.#model;
    this.#upStep = Math.max(window / 2 ** this.#upRounds, segmentSize);
    this.#upRounds = Math.min(this.#upRounds + 1, 30);
  }

  /** One segment more for every `#upStep` bytes acknowledged. "ProbeInflightLongtermUpward". */
  #raiseLongTerm(sample: AckSample): void {
    const model = this.#model;
    if (!sample.windowLimited || model.window < model.longTerm) return;
    this.#upAcked += sample.delivered;
    const steps = Math.floor(this.#upAcked / this.#upStep);
    if (steps > 0) {
      this.#upAcked -= steps * this.#upStep;
      model.longTerm += steps * model.segmentSize;
    }
    if (model.rounds.started) this.#raiseSlope();
  }

  #isTimeToProbe(now: Millis): boolean {
    const { bdp, window, segmentSize } = this.#model;
    const target = Math.min(bdp, window) / segmentSize;
    return now > this.#cycleAt + this.#wait || this.#roundsSince >= Math.min(target, RENO_ROUNDS);
  }

  #isTimeToCruise(inFlight: number): boolean {
    return inFlight <= this.#model.longTermWithHeadroom && inFlight <= this.#model.volume(1);
  }

  #isTimeToGoDown(sample: AckSample): boolean {
    const { window, longTerm, pipe } = this.#model;
    if (this.#tooHigh && sample.inFlight >= longTerm) {
      this.#precautionary = true;
      return true;
    }
    if (sample.windowLimited && window >= longTerm) {
      // Held by our own bound: nothing is learnt about the path's.
      pipe.reset(sample.rate.rate);
      return false;
    }
    return pipe.now;
  }
}
