/**
 * What leaves, and when: first what is lost, then what is new, as window, congestion control, pacing and Nagle allow.
 * @rfc 9293 §3.8, 6675 §5
 */
import type { Millis } from '../../wire/bytes.ts';
import { type CongestionControl, initialWindow } from './congestion/control.ts';
import type { DeliveryRate } from './delivery-rate.ts';
import type { EcnResponse } from './ecn.ts';
import type { Flight, Flights } from './flights.ts';
import type { LossRecovery } from './loss-recovery.ts';
import { Pacer } from './pacer.ts';
import type { PathSize } from './path-size.ts';
import type { ByteRing } from './ring.ts';
import type { RttEstimator } from './rtt.ts';
import { TcpFlag } from './segment.ts';
import type { SendBuffer } from './send-buffer.ts';
import type { SendSpace } from './send-space.ts';
import type { SenderTimer } from './sender-timer.ts';

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

interface TransmitterParts {
  readonly wire: SenderWire;
  readonly space: SendSpace;
  readonly buffer: SendBuffer;
  readonly flights: Flights;
  readonly rate: DeliveryRate;
  readonly recovery: LossRecovery;
  readonly congestion: CongestionControl;
  readonly path: PathSize;
  readonly ecn: EcnResponse;
  readonly rtt: RttEstimator;
  readonly timer: SenderTimer;
}

export class Transmitter {
  /** Small segments do not wait for acknowledgments: Nagle's algorithm is off. */
  prompt = false;
  /** Segments that were sent again. */
  retransmissions = 0;
  /** Position up to which data were sent when the congestion window last held us back. */
  limitedUntil = 0;
  /** When pacing lets the next segment go, while one waits for that. */
  pacedAt: Millis | undefined;
  readonly #parts: TransmitterParts;
  readonly #pacer = new Pacer();

  constructor(parts: TransmitterParts) {
    this.#parts = parts;
  }

  /** Bytes on the way. */
  get inFlight(): number {
    const { flights, recovery, path } = this.#parts;
    return Math.max(0, flights.inFlight - recovery.duplicates * path.size);
  }

  /** Sends everything that may go. */
  output(now: Millis): void {
    const late = this.pacedAt !== undefined;
    this.pacedAt = undefined;
    if (this.#parts.wire.held) return;
    this.#pacer.resume(late, now);
    this.#start(now);
    if (this.#resendLost(now)) while (this.#sendNext(now));
  }

  /** The first that is lost goes whatever the window says. @rfc 6675 §5 step 4.3 */
  resendFirstLost(now: Millis): void {
    const lost = this.#parts.wire.held ? undefined : this.#parts.flights.firstLost();
    if (lost !== undefined) this.resend(lost, now);
  }

  /** In pieces, if the path has become narrower since. */
  resend(flight: Flight, now: Millis): void {
    const { flights, recovery, path, buffer, wire } = this.#parts;
    flights.resend(flight, now);
    recovery.resent(now);
    path.resent(flight.end, now);
    this.retransmissions++;
    this.#departs(flight, now);
    for (let at = flight.start; at < flight.end; ) {
      const length = Math.min(path.size, buffer.end - at, flight.end - at);
      const fin = at + length === buffer.end && flight.end > buffer.end;
      wire.sendData(buffer.ring, at, length, this.#flags(at, length, fin), false, now);
      at += length + (fin ? 1 : 0);
    }
  }

  /** The next `length` bytes, and the FIN. `fresh`: routers may mark it. */
  send(length: number, fin: boolean, fresh: boolean, now: Millis): void {
    const { space, flights, path, ecn, buffer, wire, timer } = this.#parts;
    const start = space.nxt;
    const end = start + length + (fin ? 1 : 0);
    if (flights.count === 0) timer.started(now);
    const flight = flights.add(start, end, now);
    path.sent(start, start + length);
    space.nxt = end;
    this.#departs(flight, now);
    let flags = this.#flags(start, length, fin);
    if (ecn.tell && length > 0) {
      flags |= TcpFlag.cwr;
      ecn.tell = false;
    }
    wire.sendData(buffer.ring, start, length, flags, fresh, now);
  }

  /** From rest: an initial window may leave at once, and congestion control may have to forget what it knew. */
  #start(now: Millis): void {
    const { space, flights, path, buffer, congestion, rtt, rate, timer } = this.#parts;
    if (flights.count > 0 || space.nxt >= buffer.end) return;
    this.#pacer.rested(initialWindow(path.size));
    if (space.nxt === 1) return;
    congestion.restarted(now - timer.lastSentAt, rtt.timeout, rate.appLimited, now);
  }

  /** Answers whether new data may follow. */
  #resendLost(now: Millis): boolean {
    const { flights, space } = this.#parts;
    for (let lost = flights.firstLost(); lost !== undefined; ) {
      if (!this.#mayFly(lost.end - lost.start, now)) return false;
      if (lost.start >= space.una + Math.max(space.window, 1)) return false;
      this.resend(lost, now);
      lost = flights.firstLost();
    }
    return true;
  }

  /** Whether congestion control and pacing let `length` bytes go. */
  #mayFly(length: number, now: Millis): boolean {
    const { inFlight } = this;
    if (inFlight > 0 && inFlight + Math.max(length, 1) > this.#parts.congestion.window) {
      this.limitedUntil = this.#parts.space.nxt;
      return false;
    }
    if (this.#pacer.ready(now)) return true;
    this.pacedAt = this.#pacer.at;
    return false;
  }

  /** Sends one new segment if it may go; answers whether another could follow. */
  #sendNext(now: Millis): boolean {
    const { space, buffer, path } = this.#parts;
    const { room } = space;
    const unsent = buffer.end - space.nxt;
    const finLeft = buffer.closed && unsent >= 0;
    if ((unsent <= 0 && !finLeft) || room <= 0) return false;
    const length = path.next(Math.min(Math.max(unsent, 0), room), now);
    const last = length === unsent;
    if (!this.#worthSending(length, last) || !this.#mayFly(length, now)) return false;
    this.send(length, finLeft && last && room > length, true, now);
    return true;
  }

  /** Nagle's algorithm and the sender's side of silly window avoidance. @rfc 9293 §3.7.4, 9293 §3.8.6.2.1 */
  #worthSending(length: number, last: boolean): boolean {
    const { path, buffer, flights, space } = this.#parts;
    if (length >= path.size) return true;
    if (last && (this.prompt || buffer.closed || flights.count === 0)) return true;
    return length >= space.maximumWindow / 2;
  }

  #departs(flight: Flight, now: Millis): void {
    const { rate, flights, congestion, timer } = this.#parts;
    const length = flight.end - flight.start;
    rate.sent(flight, flights.inFlight, now);
    congestion.sent(length);
    this.#pacer.sent(length, congestion.pacingRate);
    timer.lastSentAt = now;
  }

  #flags(start: number, length: number, fin: boolean): number {
    const push = length > 0 && start + length === this.#parts.buffer.end;
    return (fin ? TcpFlag.fin : 0) | (push ? TcpFlag.psh : 0);
  }
}
