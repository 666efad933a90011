/**
 * How much may be in flight and how fast it may leave: what the sender tells a congestion controller, and what it
 * asks of it. CUBIC and BBR serve the same interface.
 */
import type { Millis } from '../../../wire/bytes.ts';
import type { Flight } from '../flights.ts';

export type Algorithm = 'cubic' | 'bbr';

/**
 * 10 segments, less where they are large. @rfc 6928 §2
 * Deviation: RFC 5681 §3.1 begins with one after a lost SYN, Linux only after two. One alone that is lost as well is found by
 * a time-out, not by its neighbours.
 */
export function initialWindow(segmentSize: number): number {
  return Math.min(10 * segmentSize, Math.max(2 * segmentSize, 14_600));
}

/** One measurement of the delivery rate; rates are bytes per millisecond. */
export interface RateSample {
  /** `Flight.delivered` of the latest sent among what was acknowledged; −1: nothing was. */
  priorDelivered: number;
  /** Bytes delivered since it was sent. */
  delivered: number;
  /** 0: the sample is not reliable. */
  rate: number;
  /** Bytes in flight when it was sent, bytes found lost since, and whether there was too little to send then. */
  inFlight: number;
  lost: number;
  appLimited: boolean;
  /** Of the latest sent; −1 when it was sent twice. */
  rtt: Millis;
}

/** What one acknowledgment tells; one object is filled again for each. */
export interface AckSample {
  /** Bytes that arrived, acknowledged or SACKed for the first time. */
  delivered: number;
  /** Bytes of them that the acknowledged position moved by. */
  acked: number;
  /** Bytes found lost by it. */
  lost: number;
  /** Bytes on the way after it. */
  inFlight: number;
  /** Bytes delivered in the life of the connection. */
  totalDelivered: number;
  smoothedRtt: Millis;
  /** Whether the window held the sender back within the last round trip. */
  windowLimited: boolean;
  rate: Readonly<RateSample>;
}

export interface CongestionControl {
  readonly algorithm: Algorithm;
  /** Bytes that may be in flight. Never less than one segment. */
  readonly window: number;
  /** Bytes per millisecond; infinite before anything is known. */
  readonly pacingRate: number;
  /** ssthresh in bytes, infinite where there is none (yet). */
  readonly threshold: number;
  /** What it is doing, for people: `slow-start`, `probe-up` … */
  readonly phase: string;
  /** Every acknowledgment, after loss detection. */
  acknowledged(sample: AckSample, now: Millis): void;
  /** `flight` was found lost; `totalLost` and `totalDelivered` count from the connection's start, it included. */
  lost(flight: Flight, totalLost: number, totalDelivered: number, now: Millis): void;
  /** Fast recovery begins, and `lost` follows; `inFlight` is from before the loss was found. */
  recoveryStarted(inFlight: number, now: Millis): void;
  /** Everything sent before the loss was found is acknowledged. */
  recovered(): void;
  /** The retransmission timer ran out, and `lost` follows; once for each loss, not for its repetitions. */
  timedOut(inFlight: number, now: Millis): void;
  /** The last recovery or time-out was a mistake: nothing was lost. */
  spurious(): void;
  /** A router marked packets; once a round trip. @rfc 3168 §6.1.2 */
  marked(inFlight: number, now: Millis): void;
  /** Sending starts again with nothing in flight after `idle`. */
  restarted(idle: Millis, timeout: Millis, appLimited: boolean, now: Millis): void;
  /** Bytes went out. */
  sent(bytes: number): void;
  /** The path takes smaller segments than thought, or larger ones. */
  resize(segmentSize: number): void;
}
