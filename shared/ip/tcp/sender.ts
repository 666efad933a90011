/**
 * The sending half of a connection from its first byte on: the buffer, what window, congestion, pacing and Nagle let
 * go, and what happens when a timer runs out. What acknowledgments say is worked out in `scoreboard.ts` and
 * `loss-recovery.ts`; how much may be in flight is the congestion controller's to say.
 * @rfc 9293 §3.8, 6298 §5, 6675 §5
 */
import type { Bytes, Millis } from '../../wire/bytes.ts';
import { earliest } from '../../wire/machine.ts';
import { type Acknowledgment, isDuplicateSack } from './acknowledgment.ts';
import { Bbr } from './congestion/bbr.ts';
import {
  type AckSample,
  type Algorithm,
  type CongestionControl,
  initialWindow,
} from './congestion/control.ts';
import { Cubic } from './congestion/cubic.ts';
import { DeliveryRate } from './delivery-rate.ts';
import { EcnResponse } from './ecn.ts';
import { type Flight, Flights } from './flights.ts';
import { LossRecovery } from './loss-recovery.ts';
import { Pacer } from './pacer.ts';
import { PathSize } from './path-size.ts';
import { Rack } from './rack.ts';
import { ByteRing } from './ring.ts';
import type { RttEstimator } from './rtt.ts';
import { Scoreboard } from './scoreboard.ts';
import { TcpFlag } from './segment.ts';
import { SenderTimer } from './sender-timer.ts';
import type { SenderSnapshot } from './snapshot.ts';
import { TailProbe } from './tail-probe.ts';

/** Without progress for this long, the connection is given up: R2 of RFC 9293 §3.8.3, at least 100 s. */
export const USER_TIMEOUT: Millis = 120_000;

/** The send buffer holds two windows, and never less than this, if its limit allows. */
const SMALLEST_BUFFER = 262_144;

/** How a sender reaches the wire. */
export interface SenderWire {
  /** While held, nothing new and nothing again is sent. */
  readonly held: boolean;
  /**
   * Sends data `[position, position + length)` of `ring` with `flags` besides ACK. `fresh`: for the first time, so
   * that routers may mark it.
   */
  sendData(
    ring: ByteRing,
    position: number,
    length: number,
    flags: number,
    fresh: boolean,
    now: Millis,
  ): void;
}

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
  /** Oldest position not acknowledged. SND.UNA */
  una = 1;
  /** Next position to send. SND.NXT */
  nxt = 1;
  /** SND.WND, and the largest it ever was. */
  window = 0;
  maximumWindow = 0;
  /** Small segments do not wait for acknowledgments: Nagle's algorithm is off. */
  prompt = false;
  readonly rtt: RttEstimator;
  readonly congestion: CongestionControl;
  readonly rate: DeliveryRate = new DeliveryRate();
  readonly #wire: SenderWire;
  readonly #limit: number;
  readonly #selective: boolean;
  readonly #ring = new ByteRing();
  readonly #flights = new Flights();
  readonly #scoreboard: Scoreboard;
  readonly #recovery: LossRecovery;
  readonly #pacer = new Pacer();
  readonly #timer = new SenderTimer();
  readonly #tail = new TailProbe();
  readonly #ecn = new EcnResponse();
  /** Filled again for each acknowledgment. */
  readonly #sample: AckSample;
  /** Segments that were sent again, and the last delivery rate measured. */
  #retransmissions = 0;
  #deliveryRate = 0;
  readonly #path: PathSize;
  /** Position behind the last byte written. */
  #end = 1;
  #shutdown = false;
  /** When the peer last got us further, or kept a zero window alive. */
  #progressAt: Millis = 0;
  /** Probes of a closed window since it closed. */
  #probes = 0;
  /** Position up to which data were sent when the window last held us back. */
  #limitedUntil = 0;
  /** When pacing lets the next segment go, while one waits for that. */
  #pacedAt: Millis | undefined;

  constructor(config: SenderConfig) {
    const { segmentSize, selective, rtt, now, algorithm } = config;
    this.#wire = config.wire;
    this.#limit = config.limit;
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
    return earliest(this.#timer.kind === undefined ? undefined : this.#timer.at, this.#pacedAt);
  }

  /** Bytes that are buffered at most, now: twice the window, so that what the path takes is at hand. */
  get capacity(): number {
    const wanted = Math.max(SMALLEST_BUFFER, Math.floor(2 * this.congestion.window));
    return Math.min(this.#limit, wanted);
  }

  /** Bytes that a write would be taken. */
  get room(): number {
    return this.#shutdown ? 0 : Math.max(0, this.capacity - (this.#end - this.una));
  }

  /** Whether the FIN was asked for and acknowledged. */
  get finished(): boolean {
    return this.#shutdown && this.una > this.#end;
  }

  /** Bytes on the way. */
  get inFlight(): number {
    return Math.max(0, this.#flights.inFlight - this.#recovery.duplicates * this.#path.size);
  }

  /** Bytes written that were never sent. */
  get unsent(): number {
    return Math.max(0, this.#end - this.nxt);
  }

  /** Sequence number of a segment without data: never beyond the window, or the peer would not look at it. */
  get bareSequence(): number {
    return Math.max(this.una, Math.min(this.nxt, this.una + this.window));
  }

  /** For people; allocates. */
  get snapshot(): SenderSnapshot {
    const { algorithm, phase, window, threshold, pacingRate } = this.congestion;
    return {
      algorithm,
      phase,
      window,
      threshold,
      peerWindow: this.window,
      segmentSize: this.#path.size,
      smoothedRtt: this.rtt.smoothed,
      minimumRtt: this.rtt.minimum,
      retransmissionTimeout: this.rtt.timeout,
      pacingRate,
      deliveryRate: this.#deliveryRate,
      inFlight: this.inFlight,
      unsent: this.unsent,
      retransmissions: this.#retransmissions,
    };
  }

  /** Copies what there is room for and answers how much. The caller calls `output` after. */
  write(bytes: Bytes): number {
    const length = Math.min(this.room, bytes.length);
    if (length <= 0) return 0;
    this.#checkLimitedByApplication();
    this.#ring.reserve(this.una, this.#end, this.#end + length);
    this.#ring.write(this.#end, bytes, 0, length);
    this.#end += length;
    return length;
  }

  /** A FIN goes out behind what was written. */
  shutdown(): void {
    this.#shutdown = true;
  }

  /** Gives the buffer back. */
  release(): void {
    this.#ring.release();
    this.#timer.clear();
    this.#pacedAt = undefined;
  }

  /** The path is narrower than thought: what is too large for it goes again, in pieces. @rfc 1191 §6.4 */
  shrink(segmentSize: number, now: Millis): void {
    this.#path.limit(segmentSize);
    this.#resized();
    this.output(now);
  }

  /** The caller has checked that `ack.position` is not behind `una` nor beyond `nxt`; `output` comes after. */
  acknowledged(ack: Acknowledgment, now: Millis): void {
    const before = this.una;
    const waiting = this.#flights.count > 0;
    const inFlightBefore = this.inFlight;
    const duplicatesBefore = this.#recovery.duplicates;
    const lostBefore = this.rate.lost;
    const deliveredBefore = this.rate.delivered;
    this.#checkLimitedByApplication();
    this.#scoreboard.apply(ack, before, this.nxt, now);
    const { acked, sacked } = this.#scoreboard;
    const windowChanged = ack.window !== this.window;
    this.window = ack.window;
    this.maximumWindow = Math.max(this.maximumWindow, ack.window);
    this.una = ack.position;
    // A probe of a closed window is answered like a duplicate.
    const duplicate =
      ack.bare && !windowChanged && acked <= 0 && waiting && !sacked && this.#probes === 0;
    if (acked > 0) {
      this.#timer.timedFrom = now;
      this.#probes = 0;
      if (this.#path.acknowledged(this.una)) this.congestion.resize(this.#path.size);
    }
    // An answer to a probe of a closed window is progress too. @rfc 9293 §3.8.6.1
    if (acked > 0 || ack.window === 0) this.#progressAt = now;
    const repaired = this.#tail.acknowledged(ack, duplicate);
    if (repaired && this.#recovery.kind === 'open') this.#repairedByProbe(inFlightBefore, now);
    const { una, nxt } = this;
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
    sample.windowLimited = before < this.#limitedUntil;
    if (sample.rate.rate > 0) this.#deliveryRate = sample.rate.rate;
    this.congestion.acknowledged(sample, now);
    // The first one goes whatever the window says. @rfc 6675 §5 step 4.3
    const lost = urgent && !this.#wire.held ? this.#flights.firstLost() : undefined;
    if (lost !== undefined) this.#resend(lost, now);
    this.#reopened();
    this.#arm(now);
  }

  /** Sends what window, congestion, pacing and Nagle allow. */
  output(now: Millis): void {
    this.#pacedAt = undefined;
    if (!this.#wire.held) {
      this.#start(now);
      if (this.#resendLost(now)) while (this.#sendNext(now));
    }
    this.#arm(now);
  }

  /** A timer ran out. Answers false when the peer was silent for `USER_TIMEOUT`. */
  timeout(now: Millis): boolean {
    const timer = this.#timer;
    const { kind } = timer;
    if (kind !== undefined && timer.at <= now) {
      timer.clear();
      if (this.#wire.held) {
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
    const silent = now - this.#progressAt >= USER_TIMEOUT;
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
    const idle = this.#end <= this.nxt && this.#flights.lostCount === 0;
    if (idle && this.inFlight < this.congestion.window) {
      this.rate.limitedByApplication(this.inFlight);
    }
  }

  #detect(now: Millis): void {
    if (!this.#recovery.detect(this.inFlight, this.nxt, now)) return;
    const lost = this.#flights.firstLost();
    if (lost !== undefined) this.#resend(lost, now);
  }

  /** A tail probe hid a loss from congestion control, which reacts as if recovery had come and gone. */
  #repairedByProbe(inFlight: number, now: Millis): void {
    this.congestion.recoveryStarted(inFlight, now);
    this.congestion.recovered();
  }

  /** What went as a probe of a closed window goes again as soon as it is open. */
  #reopened(): void {
    const first = this.#flights.first;
    if (first === undefined || this.#probes === 0 || this.window < first.end - this.una) return;
    this.#probes = 0;
    this.#flights.lose(first);
  }

  // ---- Sending

  /** From rest: an initial window may leave at once, and congestion control may have to forget what it knew. */
  #start(now: Millis): void {
    if (this.#flights.count > 0 || this.nxt >= this.#end) return;
    this.#pacer.rested(initialWindow(this.#path.size));
    if (this.nxt === 1) return;
    const idle = now - this.#timer.lastSentAt;
    this.congestion.restarted(idle, this.rtt.timeout, this.rate.appLimited, now);
  }

  /** Answers whether new data may follow. */
  #resendLost(now: Millis): boolean {
    for (let lost = this.#flights.firstLost(); lost !== undefined; ) {
      if (!this.#mayFly(lost.end - lost.start, now)) return false;
      if (lost.start >= this.una + Math.max(this.window, 1)) return false;
      this.#resend(lost, now);
      lost = this.#flights.firstLost();
    }
    return true;
  }

  /** Whether congestion control and pacing let `length` bytes go. */
  #mayFly(length: number, now: Millis): boolean {
    const { inFlight } = this;
    if (inFlight > 0 && inFlight + Math.max(length, 1) > this.congestion.window) {
      this.#limitedUntil = this.nxt;
      return false;
    }
    if (this.#pacer.ready(now)) return true;
    this.#pacedAt = this.#pacer.at;
    return false;
  }

  #resend(flight: Flight, now: Millis): void {
    this.#flights.resend(flight, now);
    this.#recovery.resent(now);
    this.#path.resent(flight.end, now);
    this.#retransmissions++;
    this.#departs(flight, now);
    for (let at = flight.start; at < flight.end; ) {
      const length = Math.min(this.#path.size, this.#end - at, flight.end - at);
      const fin = at + length === this.#end && flight.end > this.#end;
      this.#wire.sendData(this.#ring, at, length, this.#flags(at, length, fin), false, now);
      at += length + (fin ? 1 : 0);
    }
  }

  /** Sends one new segment if it may go; answers whether another could follow. */
  #sendNext(now: Millis): boolean {
    const unsent = this.#end - this.nxt;
    const finLeft = this.#shutdown && unsent >= 0;
    const room = this.una + this.window - this.nxt;
    if ((unsent <= 0 && !finLeft) || room <= 0) return false;
    const length = this.#path.next(Math.min(Math.max(unsent, 0), room), now);
    const last = length === unsent;
    if (!this.#worthSending(length, last) || !this.#mayFly(length, now)) return false;
    this.#send(length, finLeft && last && room > length, now);
    return true;
  }

  /** Nagle's algorithm and the sender's side of silly window avoidance. @rfc 9293 §3.7.4, 9293 §3.8.6.2.1 */
  #worthSending(length: number, last: boolean): boolean {
    if (length >= this.#path.size) return true;
    if (last && (this.prompt || this.#shutdown || this.#flights.count === 0)) return true;
    return length >= this.maximumWindow / 2;
  }

  #send(length: number, fin: boolean, now: Millis): void {
    const start = this.nxt;
    const end = start + length + (fin ? 1 : 0);
    if (this.#flights.count === 0) {
      this.#timer.timedFrom = now;
      this.#progressAt = now;
    }
    const flight = this.#flights.add(start, end, now);
    this.#path.sent(start, start + length);
    this.nxt = end;
    this.#departs(flight, now);
    let flags = this.#flags(start, length, fin);
    if (this.#ecn.tell && length > 0) {
      flags |= TcpFlag.cwr;
      this.#ecn.tell = false;
    }
    this.#wire.sendData(this.#ring, start, length, flags, this.#probes === 0, now);
  }

  #departs(flight: Flight, now: Millis): void {
    const length = flight.end - flight.start;
    this.rate.sent(flight, this.#flights.inFlight, now);
    this.congestion.sent(length);
    this.#pacer.sent(length, this.congestion.pacingRate, now);
    this.#timer.lastSentAt = now;
  }

  #flags(start: number, length: number, fin: boolean): number {
    const push = length > 0 && start + length === this.#end;
    return (fin ? TcpFlag.fin : 0) | (push ? TcpFlag.psh : 0);
  }

  // ---- Timers

  #arm(now: Millis): void {
    if (this.#flights.count > 0) {
      const probe = this.#mayProbeTail ? this.#tail : undefined;
      this.#timer.watch(this.#flights, this.rtt, this.#recovery.reorderingAt, probe, now);
      return;
    }
    this.#recovery.reorderingAt = undefined;
    const waiting = this.nxt < this.#end || (this.#shutdown && this.nxt === this.#end);
    if (!waiting || this.#pacedAt !== undefined) {
      this.#timer.clear();
    } else if (this.#timer.persist(this.rtt.timeout, now)) {
      if (this.window > 0 || this.#probes === 0) this.#progressAt = now;
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
    const room = this.una + this.window - this.nxt;
    const length = Math.min(this.#end - this.nxt, this.#path.size, room);
    const last = this.#flights.last;
    if (length > 0) this.#send(length, false, now);
    else if (last !== undefined) this.#resend(last, now);
    this.#tail.sent(this.nxt, length <= 0);
    this.#timer.timedFrom = now;
  }

  /** Sends one segment into a window that has no room for it, so that the peer tells its window again. @rfc 9293 §3.8.6.1 */
  #probeWindow(now: Millis): void {
    const room = this.una + this.window - this.nxt;
    const data = Math.min(this.#end - this.nxt, this.#path.size, Math.max(1, room));
    this.#probes++;
    const since = this.#progressAt;
    this.#send(data, data === 0, now);
    this.#progressAt = since;
  }

  #retransmissionTimeout(now: Millis): void {
    const first = this.#flights.first!;
    this.rtt.backOff();
    this.#timer.timedFrom = now;
    this.#tail.forget();
    if (first.end > this.una + this.window) {
      // The window is closed: a probe goes again, and the network is not to blame.
      this.#probes++;
    } else {
      this.#recovery.timedOut(this.nxt, now);
      if (this.#path.timedOut(first.end - first.start, now)) this.#resized();
    }
    this.#resend(first, now);
  }
}
