import type { Millis } from '../../wire/bytes.ts';
import { type Segment, TcpFlag } from './segment.ts';

/** At most one challenge acknowledgment a connection in this time. @rfc 5961 §7 */
const CHALLENGE_INTERVAL: Millis = 500;

/** Which unwelcome segments are answered: always those that carry something, the rest not too often. @rfc 5961 §7 */
export class Challenges {
  #last: Millis = Number.NEGATIVE_INFINITY;

  allow(segment: Segment, now: Millis): boolean {
    const carries = segment.dataLength > 0 || segment.has(TcpFlag.fin);
    if (carries && !segment.has(TcpFlag.syn)) return true;
    if (now - this.#last < CHALLENGE_INTERVAL) return false;
    this.#last = now;
    return true;
  }
}
