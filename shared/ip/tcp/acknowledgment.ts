/** What an acknowledgment says, in positions; one object is filled again for each. */
import type { Millis } from '../../wire/bytes.ts';
import { SACK_BLOCK_LIMIT } from './segment.ts';

export interface Acknowledgment {
  readonly position: number;
  /** Bytes from `position` on that the peer takes, scaled. */
  readonly window: number;
  /** Number of pairs in `edges`. */
  readonly sackCount: number;
  readonly edges: Float64Array;
  /** Neither data nor SYN nor FIN came with it. */
  readonly bare: boolean;
  /** Round trip by the timestamp it echoes, whole milliseconds; −1 where there is none. */
  readonly echoRtt: Millis;
  /** The peer saw a router's mark: ECE. */
  readonly marked: boolean;
}

/** The first block lies below the acknowledged position, or inside the second. @rfc 2883 §4 */
export function isDuplicateSack(ack: Acknowledgment): boolean {
  if (ack.sackCount === 0) return false;
  const { edges } = ack;
  if (edges[1]! <= ack.position) return true;
  return ack.sackCount > 1 && edges[0]! >= edges[2]! && edges[1]! <= edges[3]!;
}

/** Where we were, and the window we had: what data carry to a side that sends nothing itself. */
export function tellsNothing(ack: Acknowledgment, una: number, window: number): boolean {
  const moves = ack.position !== una || ack.window !== window;
  // A closed window is news each time: the peer is still there.
  return !moves && window > 0 && ack.sackCount === 0 && !ack.marked;
}

/** A place to fill in. */
export function blankAcknowledgment(): {
  -readonly [K in keyof Acknowledgment]: Acknowledgment[K];
} {
  return {
    position: 0,
    window: 0,
    sackCount: 0,
    edges: new Float64Array(2 * SACK_BLOCK_LIMIT),
    bare: false,
    echoRtt: -1,
    marked: false,
  };
}
