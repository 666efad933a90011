/**
 * The sending half of a connection from its first byte on: what an acknowledgment sets in motion, and what a timer
 * does. What acknowledgments say is worked out in `scoreboard.ts` and `loss-recovery.ts`; how much may be in flight is
 * the congestion controller's to say; what leaves is in `transmitter.ts`. A little above 400 lines, as it joins all of these.
 * @rfc 9293 §3.8, 6298 §5
 */
import type { Bytes, Millis } from '../../wire/bytes.ts';
import { earliest } from '../../wire/machine.ts';
import { type Acknowledgment, isDuplicateSack, tellsNothing } from './acknowledgment.ts';
import { Bbr } from './congestion/bbr.ts';
import type { AckSample, Algorithm, CongestionControl } from './congestion/control.ts';
import { Cubic } from './congestion/cubic.ts';
import { DeliveryRate } from './delivery-rate.ts';
import { EcnResponse } from './ecn.ts';
import { Flights } from './flights.ts';
import { LossRecovery } from './loss-recovery.ts';
import { PathSize } from './path-size.ts';
import { Rack } from './rack.ts';
import type { RttEstimator } from './rtt.ts';
import { Scoreboard } from './scoreboard.ts';
import { SendBuffer } from './send-buffer.ts';
import { SendSpace } from './send-space.ts';
import { SenderTimer } from './sender-timer.ts';
import type { SenderSnapshot } from './snapshot.ts';
import { TailProbe } from './tail-probe.ts';
import { type SenderWire, Transmitter } from './transmitter.ts';

/** Without progress for this long, the connection is given up: R2 of RFC 9293 §3.8.3, at least 100 s. */
export const USER_TIMEOUT: Millis = 120_000;

interface SenderConfig {
  readonly wire: SenderWire;
  /** Bytes that wait to be sent or acknowledged, at most. */
  readonly limit: number;
  readonly segmentSize: number;
  /** Whether the peer does SACK. */
  readonly selective: boolean;
  readonly algorithm: Algorithm;
  /** With the SYN's sample, if there is one. */
  readonly rtt: RttEstimator;
  readonly now: Millis;
  /** Uniform in [0, 1). */
  random(): number;
}

export class Sender {
  readonly space: SendSpace = new SendSpace();
  readonly rtt: RttEstimator;
  readonly congestion: CongestionControl;
  readonly rate: DeliveryRate = new DeliveryRate();
  readonly #wire: SenderWire;
  readonly #selective: boolean;
  readonly #buffer: SendBuffer;
  readonly #flights = new Flights();
  readonly #scoreboard: Scoreboard;
  readonly #recovery: LossRecovery;
  readonly #transmitter: Transmitter;
  readonly #timer = new SenderTimer();
  readonly #tail = new TailProbe();
  readonly #ecn = new EcnResponse();
  /** Filled again for each acknowledgment. */
  readonly #sample: AckSample;
  readonly #path: PathSize;
  /** The last one measured. */
  #deliveryRate = 0;
  /** Probes of a closed window since it closed. */
  #probes = 0;

  constructor(config: SenderConfig) {
    const { segmentSize, selective, rtt, now, algorithm } = config;
    this.#wire = config.wire;
    this.#buffer = new SendBuffer(config.limit);
    this.#path = new PathSize(segmentSize);
    this.#selective = selective;
    this.rtt = rtt;
    const flights = this.#flights;
    const rate = this.rate;
    const rack = new Rack();
    const congestion =
      algorithm === 'cubic'
        ? new Cubic(segmentSize)
        : new Bbr({
            segmentSize,
            selective,
            smoothedRtt: rtt.smoothed,
            now,
            random: config.random,
            ignoreRates: (inFlight) => rate.limitedByApplication(inFlight),
          });
    this.congestion = congestion;
    const scoreboard = new Scoreboard(flights, rack, rtt, rate);
    this.#scoreboard = scoreboard;
    this.#recovery = new LossRecovery({
      flights,
      rack,
      rtt,
      rate,
      scoreboard,
      congestion,
      selective,
    });
    this.#transmitter = new Transmitter({
      wire: config.wire,
      space: this.space,
      buffer: this.#buffer,
      flights,
      rate,
      recovery: this.#recovery,
      congestion,
      path: this.#path,
      ecn: this.#ecn,
      rtt,
      timer: this.#timer,
    });
    this.#sample = {
      delivered: 0,
      acked: 0,
      lost: 0,
      inFlight: 0,
      totalDelivered: 0,
      smoothedRtt: 0,
      windowLimited: false,
      rate: rate.sample,
    };
  }

  get deadline(): Millis | undefined {
    return earliest(
      this.#timer.kind === undefined ? undefined : this.#timer.at,
      this.#transmitter.pacedAt,
    );
  }

  /** Bytes that are buffered at most, now. */
  get capacity(): number {
    return this.#buffer.capacity(this.congestion.window, this.#flights.sackedBytes);
  }

  /** Bytes that a write would be taken. */
  get room(): number {
    return this.#buffer.room(this.space.una, this.congestion.window, this.#flights.sackedBytes);
  }

  /** Whether the FIN was asked for and acknowledged. */
  get finished(): boolean {
    return this.#buffer.closed && this.space.una > this.#buffer.end;
  }

  /** Bytes on the way. */
  get inFlight(): number {
    return this.#transmitter.inFlight;
  }

  /** Bytes written that were never sent. */
  get unsent(): number {
    return Math.max(0, this.#buffer.end - this.space.nxt);
  }

  /** Nagle's algorithm is off. */
  set prompt(prompt: boolean) {
    this.#transmitter.prompt = prompt;
  }

  /** For people; allocates. */
  get snapshot(): SenderSnapshot {
    const { algorithm, phase, window, threshold, pacingRate } = this.congestion;
    return {
      algorithm,
      phase,
      window,
      threshold,
      peerWindow: this.space.window,
      segmentSize: this.#path.size,
      smoothedRtt: this.rtt.smoothed,
      minimumRtt: this.rtt.minimum,
      retransmissionTimeout: this.rtt.timeout,
      pacingRate,
      deliveryRate: this.#deliveryRate,
      inFlight: this.inFlight,
      unsent: this.unsent,
      retransmissions: this.#transmitter.retransmissions,
    };
  }

  /** Copies what there is room for and answers how much. The caller calls `output` after. */
  write(bytes: Bytes): number {
    const length = Math.min(this.room, bytes.length);
    if (length <= 0) return 0;
    this.#checkLimitedByApplication();
    this.#buffer.write(bytes, length, this.space.una);
    return length;
  }

  /** A FIN goes out behind what was written. */
  shutdown(): void {
    this.#buffer.closed = true;
  }

  /** Gives the buffer back. */
  release(): void {
    this.#buffer.release();
    this.#timer.clear();
    this.#transmitter.pacedAt = undefined;
  }

  /** The path is narrower than thought: what is too large for it goes again, in pieces. @rfc 1191 §6.4 */
  shrink(segmentSize: number, now: Millis): void {
    this.#path.limit(segmentSize);
    this.#resized();
    this.output(now);
  }

  /** The caller has checked that `ack.position` is not behind `una` nor beyond `nxt`; `output` comes after. */
  acknowledged(ack: Acknowledgment, now: Millis): void {
    const { space } = this;
    if (this.#flights.count === 0 && tellsNothing(ack, space.una, space.window)) return;
    this.#wake(now);
    const before = space.una;
    const waiting = this.#flights.count > 0;
    const inFlightBefore = this.inFlight;
    const duplicatesBefore = this.#recovery.duplicates;
    const lostBefore = this.rate.lost;
    const deliveredBefore = this.rate.delivered;
    this.#checkLimitedByApplication();
    this.#scoreboard.apply(ack, before, space.nxt, now);
    const { acked, sacked } = this.#scoreboard;
    const windowChanged = ack.window !== space.window;
    space.offered(ack.window);
    space.una = ack.position;
    // A probe of a closed window is answered like a duplicate.
    const duplicate =
      ack.bare && !windowChanged && acked <= 0 && waiting && !sacked && this.#probes === 0;
    if (acked > 0) {
      this.#timer.timedFrom = now;
      this.#probes = 0;
      if (this.#path.acknowledged(space.una)) this.congestion.resize(this.#path.size);
    }
    // An answer to a probe of a closed window is progress too. @rfc 9293 §3.8.6.1
    if (acked > 0 || ack.window === 0) this.#timer.progressAt = now;
    const repaired = this.#tail.acknowledged(ack, duplicate);
    if (repaired && this.#recovery.kind === 'open') this.#repairedByProbe(inFlightBefore, now);
    const { una, nxt } = space;
    const size = this.#path.size;
    const urgent = this.#recovery.acknowledged(ack, duplicate, una, nxt, size, inFlightBefore, now);
    if (isDuplicateSack(ack)) this.#recovery.duplicated(una, nxt);
    if (ack.marked && this.#ecn.marked(una, nxt)) this.congestion.marked(inFlightBefore, now);
    const sample = this.#sample;
    sample.acked = acked;
    sample.delivered = this.#selective
      ? this.rate.delivered - deliveredBefore
      : Math.max(0, acked + (this.#recovery.duplicates - duplicatesBefore) * size);
    sample.lost = this.rate.lost - lostBefore;
    sample.inFlight = this.inFlight;
    sample.totalDelivered = this.rate.delivered;
    sample.smoothedRtt = this.rtt.smoothed;
    sample.windowLimited = before < this.#transmitter.limitedUntil;
    if (sample.rate.rate > 0) this.#deliveryRate = sample.rate.rate;
    this.congestion.acknowledged(sample, now);
    if (urgent) this.#transmitter.resendFirstLost(now);
    this.#reopened();
    this.#arm(now);
  }

  /** Sends what window, congestion, pacing and Nagle allow. */
  output(now: Millis): void {
    this.#transmitter.output(now);
    this.#arm(now);
  }

  /** A timer ran out. Answers false when the peer was silent for `USER_TIMEOUT`. */
  timeout(now: Millis): boolean {
    const timer = this.#timer;
    const { kind } = timer;
    if (kind !== undefined && timer.at <= now) {
      this.#wake(now);
      timer.clear();
      if (this.#wire.held) {
        // Whoever is asked nothing is not silent.
        timer.progressAt = now;
        timer.timedFrom = now;
        this.#recovery.reorderingAt = undefined;
      } else if (!this.#expired(kind, now)) {
        return false;
      }
    }
    this.output(now);
    return true;
  }

  /** Answers false when it is time to give up. */
  #expired(kind: NonNullable<SenderTimer['kind']>, now: Millis): boolean {
    const silent = now - this.#timer.progressAt >= USER_TIMEOUT;
    switch (kind) {
      case 'reordering':
        this.#detect(now);
        return true;
      case 'tail-probe':
        this.#probeTail(now);
        return true;
      case 'persist':
        if (!silent) this.#probeWindow(now);
        return !silent;
      case 'retransmission':
        if (!silent) this.#retransmissionTimeout(now);
        return !silent;
    }
  }

  /** What was sent before the program stood still has waited for it. */
  #wake(now: Millis): void {
    if (this.#timer.woke(now)) this.rtt.timedFrom = now;
  }

  // ---- Acknowledgments

  #resized(): void {
    const { size } = this.#path;
    this.congestion.resize(size);
    for (let i = 0; i < this.#flights.count; i++) {
      const flight = this.#flights.at(i);
      if (flight.end - flight.start > size) this.#flights.lose(flight);
    }
  }

  /** Source: draft-ietf-ccwg-bbr, "Detecting application-limited phases". */
  #checkLimitedByApplication(): void {
    const idle = this.#buffer.end <= this.space.nxt && this.#flights.lostCount === 0;
    if (idle && this.inFlight < this.congestion.window) {
      this.rate.limitedByApplication(this.inFlight);
    }
  }

  #detect(now: Millis): void {
    const began = this.#recovery.detect(this.inFlight, this.space.nxt, now);
    if (began) this.#transmitter.resendFirstLost(now);
  }

  /** A tail probe hid a loss from congestion control, which reacts as if recovery had come and gone. */
  #repairedByProbe(inFlight: number, now: Millis): void {
    this.congestion.recoveryStarted(inFlight, now);
    this.congestion.recovered();
  }

  /** What went as a probe of a closed window goes again as soon as it is open. */
  #reopened(): void {
    const first = this.#flights.first;
    if (first === undefined || this.#probes === 0 || this.space.room < first.end - this.space.nxt)
      return;
    this.#probes = 0;
    this.#flights.lose(first);
  }

  // ---- Timers

  #arm(now: Millis): void {
    if (this.#flights.count > 0) {
      const probe = this.#mayProbeTail ? this.#tail : undefined;
      this.#timer.watch(this.#flights, this.rtt, this.#recovery.reorderingAt, probe, now);
      return;
    }
    this.#recovery.reorderingAt = undefined;
    const waiting =
      this.space.nxt < this.#buffer.end ||
      (this.#buffer.closed && this.space.nxt === this.#buffer.end);
    if (!waiting || this.#transmitter.pacedAt !== undefined) {
      this.#timer.clear();
    } else if (this.#timer.persist(this.rtt.timeout, now)) {
      if (this.space.window > 0 || this.#probes === 0) this.#timer.progressAt = now;
    }
  }

  /** @rfc 8985 §7.2 */
  get #mayProbeTail(): boolean {
    return (
      this.#selective &&
      this.#recovery.kind === 'open' &&
      !this.#tail.flying &&
      this.#probes === 0 &&
      this.#flights.sackedCount === 0
    );
  }

  /** New data if there is some, else the last segment again, so that an answer shows what is missing. @rfc 8985 §7.3 */
  #probeTail(now: Millis): void {
    const { space } = this;
    const length = Math.min(this.#buffer.end - space.nxt, this.#path.size, space.room);
    const last = this.#flights.last;
    if (length > 0) this.#transmitter.send(length, false, true, now);
    else if (last !== undefined) this.#transmitter.resend(last, now);
    this.#tail.sent(this.space.nxt, length <= 0);
    this.#timer.timedFrom = now;
  }

  /** Sends one segment into a window that has no room for it, so that the peer tells its window again. @rfc 9293 §3.8.6.1 */
  #probeWindow(now: Millis): void {
    const { space } = this;
    const most = Math.max(1, space.room);
    const data = Math.min(this.#buffer.end - space.nxt, this.#path.size, most);
    this.#probes++;
    const since = this.#timer.progressAt;
    this.#transmitter.send(data, data === 0, false, now);
    this.#timer.progressAt = since;
  }

  #retransmissionTimeout(now: Millis): void {
    const first = this.#flights.first!;
    this.rtt.backOff();
    this.#timer.timedFrom = now;
    this.#tail.forget();
    if (first.end > this.space.una + this.space.window) {
      // The window is closed: a probe goes again, and the network is not to blame.
      this.#probes++;
    } else {
      this.#recovery.timedOut(this.space.nxt, now);
      if (this.#path.timedOut(first.end - first.start, now)) this.#resized();
    }
    this.#transmitter.resend(first, now);
  }
}
