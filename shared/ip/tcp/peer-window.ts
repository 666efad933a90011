/** Reads acknowledgments, and knows which of them may move the window: not one that an older segment brings. */
import type { Millis } from '../../wire/bytes.ts';
import { type Acknowledgment, blankAcknowledgment } from './acknowledgment.ts';
import type { Negotiation } from './negotiation.ts';
import { type Segment, sequenceLength, TcpFlag } from './segment.ts';
import { toPosition } from './sequence.ts';

/** Filled again for each acknowledgment: nothing is allocated for a packet. */
const acknowledgment = blankAcknowledgment();

export class PeerWindow {
  /** Segment that last moved the window: SND.WL1, SND.WL2. @rfc 9293 §3.10.7.4 */
  #sequence: number;
  #acknowledgment = 1;

  /** `sequence` of the segment that told the first window. */
  constructor(sequence: number) {
    this.#sequence = sequence;
  }

  /**
   * Fills in what a segment at `sequence` acknowledges: `position`, which is not behind `una`. `window` is the one
   * that holds until now, `echoRtt` −1 without timestamps.
   */
  read(
    segment: Segment,
    sequence: number,
    position: number,
    una: number,
    initial: number,
    window: number,
    negotiation: Negotiation,
    echoRtt: Millis,
  ): Acknowledgment {
    // What acknowledges more is newer wherever its data lie: what the peer sends again begins further back, and a window
    // that is counted from `una` would reach further than the peer ever said.
    const newer =
      position > una ||
      this.#sequence < sequence ||
      (this.#sequence === sequence && this.#acknowledgment <= position);
    if (newer) {
      this.#sequence = Math.max(this.#sequence, sequence);
      this.#acknowledgment = position;
    }
    acknowledgment.position = position;
    acknowledgment.window = newer ? segment.window << negotiation.peerScale : window;
    acknowledgment.sackCount = negotiation.selective ? segment.sackCount : 0;
    for (let i = 0; i < 2 * acknowledgment.sackCount; i++) {
      acknowledgment.edges[i] = toPosition(initial, una, segment.sackEdges[i]!);
    }
    acknowledgment.bare = sequenceLength(segment) === 0;
    acknowledgment.echoRtt = echoRtt;
    acknowledgment.marked = negotiation.ecn && segment.has(TcpFlag.ece);
    return acknowledgment;
  }
}
