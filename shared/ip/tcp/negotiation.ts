/** What the two SYNs agree on. @rfc 9293 §3.7.1, 7323 §2, 2018 §3 */
import { type Segment, TCP_HEADER, TcpFlag, TIMESTAMP_OPTION } from './segment.ts';

/** Window scale we offer: enough for a window of 4 MB. @rfc 7323 §2.3 */
const WINDOW_SCALE = 7;

/** @rfc 7323 §2.3 */
const LARGEST_WINDOW_SCALE = 14;

/** What a peer takes that names no MSS. @rfc 9293 §3.7.1 */
const DEFAULT_SEGMENT_SIZE = 536;

/** Smaller offers are taken for mistakes or attacks: each segment would be mostly headers. */
const SMALLEST_SEGMENT_SIZE = 64;

/** Each option is on until a SYN of the peer comes without it. */
export class Negotiation {
  /** Whether a SYN of the peer was read. */
  complete = false;
  timestamps = true;
  selective = true;
  /** While our SYN is not answered: whether it asks. @rfc 3168 §6.1.1 */
  ecn: boolean;
  /** Shifts of the peer's window fields, and of ours. */
  peerScale = 0;
  ownScale: number = WINDOW_SCALE;
  peerInitial = 0;
  #peerSegmentSize = DEFAULT_SEGMENT_SIZE;
  /** Bytes of the IP header in front of each segment. */
  readonly #ipHeader: number;

  constructor(ipHeader: number, ecn: boolean) {
    this.#ipHeader = ipHeader;
    this.ecn = ecn;
  }

  read(syn: Segment): void {
    this.#readEcn(syn);
    this.complete = true;
    this.peerInitial = syn.sequence;
    this.timestamps &&= syn.hasTimestamps;
    this.selective &&= syn.sackPermitted;
    if (syn.windowScale >= 0) this.peerScale = Math.min(syn.windowScale, LARGEST_WINDOW_SCALE);
    else this.ownScale = 0;
    if (syn.maximumSegmentSize > 0) {
      this.#peerSegmentSize = Math.max(SMALLEST_SEGMENT_SIZE, syn.maximumSegmentSize);
    }
  }

  /** A SYN asks with both bits, its answer agrees with one; both bits back are a reflection. @rfc 3168 §6.1.1 */
  #readEcn(syn: Segment): void {
    const bits = syn.flags & (TcpFlag.ece | TcpFlag.cwr);
    if (syn.has(TcpFlag.ack)) this.ecn &&= bits === TcpFlag.ece;
    else this.ecn = bits === (TcpFlag.ece | TcpFlag.cwr);
  }

  /** Bytes of data in a full segment; options come out of the MSS. @rfc 6691 §2 */
  segmentSize(pathMtu: number): number {
    const room = Math.min(this.#peerSegmentSize, pathMtu - this.#ipHeader - TCP_HEADER);
    return room - (this.timestamps ? TIMESTAMP_OPTION : 0);
  }
}
