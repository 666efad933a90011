/** How much may be in flight: what the sender tells a congestion controller, and what it asks of it. */
import type { Millis } from '../../wire/bytes.ts';

/** 10 segments, less where they are large. @rfc 6928 §2 */
export function initialWindow(segmentSize: number): number {
  return Math.min(10 * segmentSize, Math.max(2 * segmentSize, 14_600));
}

export interface CongestionControl {
  /** Bytes that may be in flight. Never less than one segment. */
  readonly window: number;
  /** `bytes` arrived outside of loss recovery while the window, not the application, was the limit. */
  acknowledged(bytes: number, smoothedRtt: Millis, now: Millis): void;
  /** Segments were found lost; once for each recovery. */
  lost(inFlight: number, now: Millis): void;
  /** The retransmission timer ran out; once for each loss, not for its repetitions. */
  timedOut(inFlight: number, now: Millis): void;
  /** `bytes` arrived while everything in flight at the time-out is being sent again. */
  recovering(bytes: number): void;
  /** Nothing was sent for longer than a time-out. @rfc 5681 §4.1 */
  idled(): void;
  /** The path takes smaller segments than thought. */
  resize(segmentSize: number): void;
}
