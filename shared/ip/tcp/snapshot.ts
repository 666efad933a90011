/** One connection at one moment, for people and traces. Rates are bytes per millisecond, sizes bytes. */
import type { Bytes, Millis } from '../../wire/bytes.ts';
import type { Algorithm } from './congestion/control.ts';
import type { StateName } from './state.ts';

export interface ConnectionSnapshot {
  readonly socket: number;
  readonly address: Bytes;
  readonly port: number;
  readonly localPort: number;
  readonly state: StateName;
  /** Data acknowledged by the peer, and data received in order. */
  readonly sent: number;
  readonly received: number;
  /** What our own window offers. */
  readonly receiveWindow: number;
  /** Missing before the connection stands. */
  readonly sender?: SenderSnapshot;
}

export interface SenderSnapshot {
  readonly algorithm: Algorithm;
  /** `slow-start`, `recovery`, `cruise` … */
  readonly phase: string;
  /** cwnd, and ssthresh: infinite where there is none. */
  readonly window: number;
  readonly threshold: number;
  /** What the peer takes. */
  readonly peerWindow: number;
  readonly segmentSize: number;
  readonly smoothedRtt: Millis;
  /** Infinite before the first sample. */
  readonly minimumRtt: Millis;
  readonly retransmissionTimeout: Millis;
  /** Infinite before the first round trip. */
  readonly pacingRate: number;
  /** Of the last acknowledgment that told one; 0 before. */
  readonly deliveryRate: number;
  readonly inFlight: number;
  /** Written and not sent yet. */
  readonly unsent: number;
  /** Segments sent again. */
  readonly retransmissions: number;
}
