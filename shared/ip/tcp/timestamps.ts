/**
 * The timestamps option of one connection: our clock with its offset, the peer's last value, and protection
 * against wrapped sequence numbers.
 * Deviation: RFC 7323 §3.2 would drop segments that came without the option; they are taken, as Linux does, since
 * boxes on the way remove it.
 * @rfc 7323 §3, 7323 §5
 */
import type { Millis } from '../../wire/bytes.ts';
import type { Segment } from './segment.ts';

/** A value older than this proves nothing any more: 24 days. @rfc 7323 §5.5 */
const RECENT_LIFETIME: Millis = 24 * 86_400_000;

export class Timestamps {
  readonly #offset: number;
  /** TS.Recent and when it was taken. */
  #recent = 0;
  #recentAt: Millis = 0;

  constructor(offset: number) {
    this.#offset = offset;
  }

  /** Value to send: milliseconds on our clock. */
  value(now: Millis): number {
    return (Math.floor(now) + this.#offset) >>> 0;
  }

  /** Value to echo. */
  get echo(): number {
    return this.#recent;
  }

  /** Remembers the peer's value. Only for segments that reach the last position acknowledged. @rfc 7323 §4.3 */
  remember(segment: Segment, now: Millis): void {
    this.#recent = segment.timestamp;
    this.#recentAt = now;
  }

  /** Whether the segment is from an earlier trip around the sequence space. @rfc 7323 §5.3 */
  isOld(segment: Segment, now: Millis): boolean {
    return this.advance(segment) < 0 && now - this.#recentAt < RECENT_LIFETIME;
  }

  /** Ticks by which the peer's clock has moved since the last value; below 0 in an older segment. */
  advance(segment: Segment): number {
    return (segment.timestamp - this.#recent) | 0;
  }

  /** The round trip an echoed value tells, in whole milliseconds; −1 for one we never sent. @rfc 7323 §4.1 */
  roundTrip(segment: Segment, now: Millis): Millis {
    const elapsed = (this.value(now) - segment.timestampEcho) | 0;
    return elapsed >= 0 && segment.timestampEcho !== 0 ? elapsed : -1;
  }
}
