/**
 * The sending half of a connection from its first byte on: buffer, window, Nagle, loss recovery, timers.
 * Recovery is RACK-TLP where the peer does SACK, NewReno where it does not; how much may be in flight is the
 * congestion controller's to say. Left out: pacing, proportional rate reduction, F-RTO.
 * Above 400 lines because every timer of a sender can cancel another; they would leave together.
 * @rfc 9293 §3.8, 8985 §7, 6582 §3.2, 6298 §5
 */
import type { Bytes, Millis } from '../../wire/bytes.ts';
import type { CongestionControl } from './congestion.ts';
import { Cubic } from './cubic.ts';
import { type Flight, Flights } from './flights.ts';
import { DUPLICATE_THRESHOLD, Rack } from './rack.ts';
import { ByteRing } from './ring.ts';
import { RttEstimator } from './rtt.ts';

/** Without progress for this long, the connection is given up: R2 of RFC 9293 §3.8.3, at least 100 s. */
export const USER_TIMEOUT: Millis = 120_000;

/** What a peer may add to a round trip by delaying its acknowledgment. @rfc 8985 §7.2 */
const MAXIMUM_ACK_DELAY: Millis = 200;

/** Tail probe before the first measurement. @rfc 8985 §7.2 */
const INITIAL_PROBE_TIMEOUT: Millis = 1000;

/** How a sender reaches the wire. */
export interface SenderWire {
  /** While held, nothing new and nothing again is sent. */
  readonly held: boolean;
  /** Sends data `[position, position + length)` of `ring`, and the FIN behind it when `fin`. */
  sendData(
    ring: ByteRing,
    position: number,
    length: number,
    fin: boolean,
    push: boolean,
    now: Millis,
  ): void;
}

/** What an acknowledgment says, in positions. */
interface Acknowledgment {
  readonly position: number;
  /** Bytes from `position` on that the peer takes, scaled. */
  readonly window: number;
  /** Number of pairs in `edges`. */
  readonly sackCount: number;
  readonly edges: Float64Array;
  /** Neither data nor SYN nor FIN came with it. */
  readonly bare: boolean;
  /** Round trip by the timestamp it echoes, where there is one. */
  readonly echoRtt: Millis | undefined;
}

type Recovery =
  | { readonly kind: 'open' }
  /** Until what was sent before the loss was found is acknowledged. */
  | { readonly kind: 'recovery'; readonly until: number }
  | { readonly kind: 'time-out'; readonly until: number };

type Timer =
  | { readonly kind: 'reordering' | 'tail-probe' | 'retransmission' | 'persist'; at: Millis }
  | undefined;

export class Sender {
  /** Oldest position not acknowledged. SND.UNA */
  una = 1;
  /** Next position to send. SND.NXT */
  nxt = 1;
  /** SND.WND, and the largest it ever was. */
  window = 0;
  maximumWindow = 0;
  readonly rtt: RttEstimator = new RttEstimator();
  readonly #wire: SenderWire;
  readonly #limit: number;
  readonly #ring = new ByteRing();
  readonly #flights = new Flights();
  readonly #rack = new Rack();
  readonly #congestion: CongestionControl;
  readonly #selective: boolean;
  #segmentSize: number;
  /** Position behind the last byte written. */
  #end = 1;
  #shutdown = false;
  #recovery: Recovery = { kind: 'open' };
  #timer: Timer;
  #reorderingAt: Millis | undefined;
  /** When the retransmission timer was last started. */
  #timedFrom: Millis = 0;
  /** When the peer last got us further, or kept a zero window alive. */
  #progressAt: Millis = 0;
  #lastSentAt: Millis = 0;
  #probes = 0;
  #duplicates = 0;
  #limited = false;
  /** A tail probe in the air. @rfc 8985 §7.3 */
  #tail: { readonly end: number; readonly resent: boolean } | undefined;

  /** `limit`: bytes that wait to be sent or acknowledged, at most. */
  constructor(wire: SenderWire, limit: number, segmentSize: number, selective: boolean) {
    this.#wire = wire;
    this.#limit = limit;
    this.#segmentSize = segmentSize;
    this.#selective = selective;
    this.#congestion = new Cubic(segmentSize);
  }

  get deadline(): Millis | undefined {
    return this.#timer?.at;
  }

  /** Bytes that a write would be taken. */
  get room(): number {
    return this.#shutdown ? 0 : this.#limit - (this.#end - this.una);
  }

  /** Whether the FIN was asked for and acknowledged. */
  get finished(): boolean {
    return this.#shutdown && this.una > this.#end;
  }

  /** Largest data of one segment, in bytes. */
  get segmentSize(): number {
    return this.#segmentSize;
  }

  /** Sequence number of a segment without data: never beyond the window, or the peer would not look at it. */
  get bareSequence(): number {
    return Math.max(this.una, Math.min(this.nxt, this.una + this.window));
  }

  /** Copies what there is room for and answers how much. The caller calls `output` after. */
  write(bytes: Bytes): number {
    const length = Math.min(this.room, bytes.length);
    if (length <= 0) return 0;
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
    this.#timer = undefined;
  }

  /** The path is narrower than thought: what is too large for it goes again, in pieces. @rfc 1191 §6.4 */
  shrink(segmentSize: number, now: Millis): void {
    if (segmentSize >= this.#segmentSize) return;
    this.#segmentSize = segmentSize;
    this.#congestion.resize(segmentSize);
    for (let i = 0; i < this.#flights.count; i++) {
      const flight = this.#flights.at(i);
      if (flight.end - flight.start > segmentSize) this.#flights.lose(flight);
    }
    this.output(now);
  }

  /** The caller has checked that `ack.position` is not behind `una` nor beyond `nxt`; `output` comes after. */
  acknowledged(ack: Acknowledgment, now: Millis): void {
    const before = this.una;
    const flightsBefore = this.#flights.count;
    const duplicateSack = this.#isDuplicateSack(ack);
    const sacked = this.#applySack(ack, now);
    const windowChanged = ack.window !== this.window;
    this.window = ack.window;
    this.maximumWindow = Math.max(this.maximumWindow, ack.window);
    const acked = this.#applyPosition(ack, now);
    const duplicate =
      ack.bare && !windowChanged && ack.position === before && flightsBefore > 0 && !sacked;
    if (acked > 0) {
      this.#timedFrom = now;
      this.#probes = 0;
    }
    // An answer to a probe of a closed window is progress too. @rfc 9293 §3.8.6.1
    if (acked > 0 || ack.window === 0) this.#progressAt = now;
    this.#judgeTail(ack, duplicate, duplicateSack, now);
    if (this.#recovery.kind !== 'open' && this.una >= this.#recovery.until) {
      this.#recovery = { kind: 'open' };
      this.#duplicates = 0;
      this.#rack.recovered();
    }
    if (duplicateSack) this.#rack.duplicated(this.una, this.nxt);
    if (this.#selective) this.#detect(now);
    else this.#countDuplicates(duplicate, acked, now);
    if (acked > 0) this.#grow(acked, now);
    this.#reopened();
    this.#arm(now);
  }

  /** Sends what window, congestion and Nagle allow. */
  output(now: Millis): void {
    if (!this.#wire.held) {
      this.#restartAfterIdle(now);
      this.#resendLost(now);
      while (this.#sendNext(now));
    }
    this.#arm(now);
  }

  /** A timer ran out. Answers false when the peer was silent for `USER_TIMEOUT`. */
  timeout(now: Millis): boolean {
    const timer = this.#timer;
    if (timer === undefined || timer.at > now) return true;
    if (this.#wire.held) {
      this.#timedFrom = now;
      this.#reorderingAt = undefined;
      this.#timer = undefined;
      this.#arm(now);
      return true;
    }
    switch (timer.kind) {
      case 'reordering':
        this.#detect(now);
        break;
      case 'tail-probe':
        this.#probeTail(now);
        break;
      case 'persist':
        if (now - this.#progressAt >= USER_TIMEOUT) return false;
        this.#probeWindow(now);
        break;
      case 'retransmission':
        if (now - this.#progressAt >= USER_TIMEOUT) return false;
        this.#retransmissionTimeout(now);
        break;
    }
    this.output(now);
    return true;
  }

  // ---- What an acknowledgment changes

  /** Marks what arrived out of order; answers whether that was news. @rfc 2018 §5 */
  #applySack(ack: Acknowledgment, now: Millis): boolean {
    let news = false;
    for (let block = 0; block < ack.sackCount; block++) {
      const left = ack.edges[2 * block]!;
      const right = ack.edges[2 * block + 1]!;
      if (left < this.una || right > this.nxt || right <= left || right <= ack.position) continue;
      for (let i = this.#firstAt(left); i < this.#flights.count; i++) {
        const flight = this.#flights.at(i);
        if (flight.end > right) break;
        if (flight.start < left || flight.sacked) continue;
        this.#rack.arrived(flight, this.rtt.minimum, now);
        this.#flights.sack(flight);
        news = true;
      }
    }
    return news;
  }

  /** Moves `una`; answers by how much. */
  #applyPosition(ack: Acknowledgment, now: Millis): number {
    const acked = ack.position - this.una;
    if (acked <= 0) return 0;
    let sentAt: Millis | undefined;
    let ambiguous = false;
    for (let first = this.#flights.first; first !== undefined; first = this.#flights.first) {
      if (first.start >= ack.position) break;
      if (first.end > ack.position) {
        this.#flights.trim(ack.position);
        break;
      }
      if (!first.sacked) {
        this.#rack.arrived(first, this.rtt.minimum, now);
        sentAt ??= first.sentAt;
        ambiguous ||= first.retransmitted;
      }
      this.#flights.shift();
    }
    // Karn: where anything was sent twice, all of it may have waited for the second time, and only a timestamp
    // tells how long the trip was. @rfc 6298 §3, 7323 §4.1
    if (sentAt !== undefined && !ambiguous) this.rtt.sample(now - sentAt);
    else if (sentAt !== undefined && ack.echoRtt !== undefined) this.rtt.sample(ack.echoRtt);
    else this.rtt.forgetBackOff();
    this.una = ack.position;
    return acked;
  }

  #detect(now: Millis): void {
    const recovering = this.#recovery.kind !== 'open';
    const lostBefore = this.#flights.lostCount;
    const inFlight = this.#flights.inFlight;
    const wait = this.#rack.detect(this.#flights, this.rtt, recovering, now);
    this.#reorderingAt = wait > 0 ? now + wait : undefined;
    if (this.#flights.lostCount > lostBefore && !recovering) this.#enterRecovery(inFlight, now);
  }

  /** Without SACK, three duplicates mean the oldest is lost, and so does a partial answer. @rfc 6582 §3.2 */
  #countDuplicates(duplicate: boolean, acked: number, now: Millis): void {
    const first = this.#flights.first;
    if (first === undefined || this.#probes > 0) {
      this.#duplicates = 0;
      return;
    }
    if (this.#recovery.kind === 'open') {
      this.#duplicates = duplicate ? this.#duplicates + 1 : acked > 0 ? 0 : this.#duplicates;
      if (this.#duplicates < DUPLICATE_THRESHOLD) return;
      const inFlight = this.#flights.inFlight;
      this.#flights.lose(first);
      this.#enterRecovery(inFlight, now);
    } else if (duplicate) {
      this.#duplicates++;
    } else if (acked > 0) {
      this.#duplicates = Math.max(0, this.#duplicates - Math.ceil(acked / this.#segmentSize));
      if (this.#recovery.kind === 'recovery') this.#flights.lose(first);
    }
  }

  #enterRecovery(inFlight: number, now: Millis): void {
    this.#recovery = { kind: 'recovery', until: this.nxt };
    this.#congestion.lost(inFlight, now);
    // The first one goes whatever the window says. @rfc 6675 §5 step 4.3
    const lost = this.#flights.firstLost();
    if (lost !== undefined && !this.#wire.held) this.#resend(lost, now);
  }

  #grow(acked: number, now: Millis): void {
    if (this.#recovery.kind === 'time-out') this.#congestion.recovering(acked);
    else if (this.#recovery.kind === 'open' && this.#limited) {
      this.#congestion.acknowledged(acked, this.rtt.smoothed, now);
    }
  }

  /** What went as a probe of a closed window goes again as soon as it is open. */
  #reopened(): void {
    const first = this.#flights.first;
    if (first === undefined || this.#probes === 0 || this.window < first.end - this.una) return;
    this.#probes = 0;
    this.#flights.lose(first);
  }

  // ---- Sending

  #resendLost(now: Millis): void {
    for (let lost = this.#flights.firstLost(); lost !== undefined; ) {
      const length = lost.end - lost.start;
      const inFlight = this.#inFlight;
      if (inFlight > 0 && inFlight + length > this.#congestion.window) return;
      if (lost.start >= this.una + Math.max(this.window, 1)) return;
      this.#resend(lost, now);
      lost = this.#flights.firstLost();
    }
  }

  #resend(flight: Flight, now: Millis): void {
    this.#flights.resend(flight, now);
    this.#lastSentAt = now;
    for (let at = flight.start; at < flight.end; ) {
      const length = Math.min(this.#segmentSize, this.#end - at, flight.end - at);
      const fin = at + length === this.#end && flight.end > this.#end;
      this.#wire.sendData(this.#ring, at, length, fin, at + length === this.#end, now);
      at += length + (fin ? 1 : 0);
    }
  }

  /** Sends one new segment if it may go; answers whether another could follow. */
  #sendNext(now: Millis): boolean {
    const unsent = this.#end - this.nxt;
    const finLeft = this.#shutdown && unsent >= 0;
    if (unsent <= 0 && !finLeft) {
      this.#limited = false;
      return false;
    }
    const room = this.una + this.window - this.nxt;
    const length = Math.min(Math.max(unsent, 0), this.#segmentSize, room);
    if (room <= 0) {
      this.#limited = false;
      return false;
    }
    const inFlight = this.#inFlight;
    if (inFlight > 0 && inFlight + Math.max(length, 1) > this.#congestion.window) {
      this.#limited = true;
      return false;
    }
    const last = length === unsent;
    if (!this.#worthSending(length, last)) return false;
    this.#send(length, finLeft && last && room > length, now);
    return true;
  }

  /** Nagle's algorithm and the sender's side of silly window avoidance. @rfc 9293 §3.7.4, 9293 §3.8.6.2.1 */
  #worthSending(length: number, last: boolean): boolean {
    if (length >= this.#segmentSize) return true;
    if (last && (this.#shutdown || this.#flights.count === 0)) return true;
    return length >= this.maximumWindow / 2;
  }

  #send(length: number, fin: boolean, now: Millis): void {
    const start = this.nxt;
    const end = start + length + (fin ? 1 : 0);
    if (this.#flights.count === 0) {
      this.#timedFrom = now;
      this.#progressAt = now;
    }
    this.#flights.add(start, end, now);
    this.nxt = end;
    this.#lastSentAt = now;
    this.#wire.sendData(this.#ring, start, length, fin, start + length === this.#end, now);
  }

  get #inFlight(): number {
    // Each duplicate without SACK tells that one segment has left the network. @rfc 5681 §3.2
    const inflation = this.#selective ? 0 : this.#duplicates * this.#segmentSize;
    return Math.max(0, this.#flights.inFlight - inflation);
  }

  #restartAfterIdle(now: Millis): void {
    const idle = this.#flights.count === 0 && this.nxt < this.#end;
    if (idle && this.nxt > 1 && now - this.#lastSentAt > this.rtt.timeout) this.#congestion.idled();
  }

  // ---- Timers

  #arm(now: Millis): void {
    this.#timer = this.#nextTimer(now);
  }

  #nextTimer(now: Millis): Timer {
    if (this.#flights.count === 0) {
      this.#reorderingAt = undefined;
      const waiting = this.nxt < this.#end || (this.#shutdown && this.nxt === this.#end);
      if (!waiting) return undefined;
      // Kept if it runs: written data must not push the probe away.
      if (this.#timer?.kind === 'persist') return this.#timer;
      if (this.window > 0 || this.#probes === 0) this.#progressAt = now;
      return { kind: 'persist', at: now + this.rtt.timeout };
    }
    if (this.#reorderingAt !== undefined) return { kind: 'reordering', at: this.#reorderingAt };
    const retransmission = this.#timedFrom + this.rtt.timeout;
    if (!this.#mayProbeTail()) return { kind: 'retransmission', at: retransmission };
    const probe = Math.max(now, this.#lastSentAt) + this.#probeTimeout();
    return probe < retransmission
      ? { kind: 'tail-probe', at: probe }
      : { kind: 'retransmission', at: retransmission };
  }

  /** @rfc 8985 §7.2 */
  #mayProbeTail(): boolean {
    return (
      this.#selective &&
      this.#recovery.kind === 'open' &&
      this.#tail === undefined &&
      this.#probes === 0 &&
      this.#flights.sackedCount === 0
    );
  }

  #probeTimeout(): Millis {
    if (this.rtt.smoothed === 0) return INITIAL_PROBE_TIMEOUT;
    return 2 * this.rtt.smoothed + (this.#flights.count === 1 ? MAXIMUM_ACK_DELAY : 2);
  }

  /** New data if there is some, else the last segment again, so that an answer shows what is missing. @rfc 8985 §7.3 */
  #probeTail(now: Millis): void {
    const room = this.una + this.window - this.nxt;
    const length = Math.min(this.#end - this.nxt, this.#segmentSize, room);
    if (length > 0) {
      this.#send(length, false, now);
      this.#tail = { end: this.nxt, resent: false };
    } else {
      const last = this.#flights.last;
      if (last === undefined) return;
      this.#resend(last, now);
      this.#tail = { end: this.nxt, resent: true };
    }
    this.#timedFrom = now;
  }

  /** A probe that had to repair a loss hid it from congestion control. @rfc 8985 §7.4.2 */
  #judgeTail(ack: Acknowledgment, duplicate: boolean, duplicateSack: boolean, now: Millis): void {
    const tail = this.#tail;
    if (tail === undefined || ack.position < tail.end) return;
    if (!tail.resent || duplicateSack || (duplicate && ack.sackCount === 0)) {
      this.#tail = undefined;
    } else if (ack.position > tail.end) {
      this.#tail = undefined;
      if (this.#recovery.kind === 'open') this.#congestion.lost(this.#flights.inFlight, now);
    }
  }

  /** The first block lies below the acknowledged position, or inside the second. @rfc 2883 §4 */
  #isDuplicateSack(ack: Acknowledgment): boolean {
    if (ack.sackCount === 0) return false;
    if (ack.edges[1]! <= ack.position) return true;
    return ack.sackCount > 1 && ack.edges[0]! >= ack.edges[2]! && ack.edges[1]! <= ack.edges[3]!;
  }

  /** Sends one segment into a window that has no room for it, so that the peer tells its window again. @rfc 9293 §3.8.6.1 */
  #probeWindow(now: Millis): void {
    const room = this.una + this.window - this.nxt;
    const data = Math.min(this.#end - this.nxt, this.#segmentSize, Math.max(1, room));
    this.#probes++;
    const since = this.#progressAt;
    this.#send(data, data === 0, now);
    this.#progressAt = since;
  }

  #retransmissionTimeout(now: Millis): void {
    const first = this.#flights.first!;
    this.rtt.backOff();
    this.#timedFrom = now;
    this.#tail = undefined;
    this.#reorderingAt = undefined;
    if (first.end > this.una + this.window) {
      // The window is closed: a probe goes again, and the network is not to blame.
      this.#probes++;
      this.#resend(first, now);
      return;
    }
    // The peer that SACKed the oldest would have acknowledged it: it dropped what it had. @rfc 2018 §8
    if (first.sacked) this.#flights.renege();
    const inFlight = this.#flights.inFlight;
    for (let i = 0; i < this.#flights.count; i++) this.#flights.lose(this.#flights.at(i));
    if (this.#recovery.kind !== 'time-out') this.#congestion.timedOut(inFlight, now);
    this.#recovery = { kind: 'time-out', until: this.nxt };
    this.#duplicates = 0;
    this.#resend(first, now);
  }

  /** Index of the first flight that begins at or behind `position`. */
  #firstAt(position: number): number {
    let low = 0;
    let high = this.#flights.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#flights.at(middle).start < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
