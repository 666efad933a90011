/**
 * BBR's pauses: when the smallest round trip was not seen for a while, it lets the queue drain to see it again.
 * Source: draft-ietf-ccwg-bbr, "ProbeRTT".
 */
import type { Millis } from '../../../wire/bytes.ts';
import type { BandwidthProbe } from './bandwidth-probe.ts';
import { type BbrModel, GAINS } from './bbr-model.ts';
import type { AckSample } from './control.ts';

const DURATION: Millis = 200;

export class RttProbe {
  readonly #model: BbrModel;
  readonly #bandwidthProbe: BandwidthProbe;
  /** What is sent from now on tells nothing about the path's limit. */
  readonly #ignoreRates: (inFlight: number) => void;
  /** When it may end; `undefined` until few enough are in flight. */
  #until: Millis | undefined;
  #roundPassed = false;
  #idleRestart = false;

  constructor(
    model: BbrModel,
    bandwidthProbe: BandwidthProbe,
    ignoreRates: (inFlight: number) => void,
  ) {
    this.#model = model;
    this.#bandwidthProbe = bandwidthProbe;
    this.#ignoreRates = ignoreRates;
  }

  /** Bytes in flight during a pause, at most. */
  get window(): number {
    const { bdp, minimumWindow } = this.#model;
    return Math.max(GAINS['probe-rtt'].window * bdp, minimumWindow);
  }

  /** An acknowledgment came. */
  acknowledged(sample: AckSample, now: Millis): void {
    const model = this.#model;
    if (model.phase !== 'probe-rtt' && model.minimumRtt.expired && !this.#idleRestart) {
      model.saveWindow();
      model.phase = 'probe-rtt';
      this.#until = undefined;
      this.#bandwidthProbe.stop();
      model.rounds.restart(model.delivered);
    }
    if (model.phase === 'probe-rtt') this.#pause(sample, now);
    if (sample.delivered > 0) this.#idleRestart = false;
  }

  /** Sending starts again: the pause has been, by itself. */
  restarted(now: Millis): void {
    this.#idleRestart = true;
    if (this.#model.phase === 'probe-rtt') this.#checkDone(now);
  }

  #pause(sample: AckSample, now: Millis): void {
    const { rounds, delivered } = this.#model;
    this.#ignoreRates(sample.inFlight);
    if (this.#until === undefined) {
      if (sample.inFlight > this.window) return;
      this.#until = now + DURATION;
      this.#roundPassed = false;
      rounds.restart(delivered);
      return;
    }
    if (rounds.started) this.#roundPassed = true;
    if (this.#roundPassed) this.#checkDone(now);
  }

  #checkDone(now: Millis): void {
    const model = this.#model;
    if (this.#until === undefined || now <= this.#until) return;
    model.minimumRtt.probed(now);
    model.restoreWindow();
    model.shortTerm.resetBounds();
    if (!model.pipe.reached) {
      model.phase = 'startup';
      return;
    }
    this.#bandwidthProbe.startDown(now);
    model.phase = 'cruise';
  }
}
