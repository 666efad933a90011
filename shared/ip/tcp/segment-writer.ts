/** Fills in the header of each segment a connection sends. */
import type { Millis } from '../../wire/bytes.ts';
import { Ecn } from './ecn.ts';
import type { ConnectionIdentity, TcpEnvironment } from './environment.ts';
import type { Negotiation } from './negotiation.ts';
import type { Receiver } from './receiver.ts';
import type { ByteRing } from './ring.ts';
import { SACK_BLOCK_LIMIT, Segment, TCP_HEADER, TcpFlag } from './segment.ts';
import { toWire } from './sequence.ts';
import type { Timestamps } from './timestamps.ts';

const WINDOW_FIELD_LIMIT = 65_535;

/** Filled again for each segment: nothing is allocated for a packet. */
const outgoing = new Segment();
const edges = new Float64Array(2 * SACK_BLOCK_LIMIT);

export class SegmentWriter {
  /** Position that was acknowledged last: Last.ACK.sent of RFC 7323 §4.3. */
  acknowledged = 1;
  readonly #identity: ConnectionIdentity;
  readonly #environment: TcpEnvironment;
  readonly #initial: number;
  readonly #negotiation: Negotiation;
  readonly #timestamps: Timestamps;
  readonly #receiver: Receiver;

  constructor(
    identity: ConnectionIdentity,
    environment: TcpEnvironment,
    initial: number,
    negotiation: Negotiation,
    timestamps: Timestamps,
    receiver: Receiver,
  ) {
    this.#identity = identity;
    this.#environment = environment;
    this.#initial = initial;
    this.#negotiation = negotiation;
    this.#timestamps = timestamps;
    this.#receiver = receiver;
  }

  /** SYN, or SYN and ACK once the peer's was read, with every option that is still possible. */
  syn(now: Millis): void {
    const negotiation = this.#negotiation;
    const answering = negotiation.complete;
    let flags: number = answering ? TcpFlag.syn | TcpFlag.ack : TcpFlag.syn;
    // Both bits ask, one agrees. @rfc 3168 §6.1.1
    if (negotiation.ecn) flags |= answering ? TcpFlag.ece : TcpFlag.ece | TcpFlag.cwr;
    this.#begin(flags, 0, now);
    if (!answering) outgoing.acknowledgment = 0;
    outgoing.window = Math.min(WINDOW_FIELD_LIMIT, this.#receiver.window);
    outgoing.maximumSegmentSize =
      this.#environment.mtu - this.#identity.path.headerLength - TCP_HEADER;
    outgoing.windowScale = negotiation.ownScale > 0 ? negotiation.ownScale : -1;
    outgoing.sackPermitted = negotiation.selective;
    this.#environment.transmit(this.#identity.path, outgoing);
  }

  /** An acknowledgment without data, with SACK where there is something to tell. */
  acknowledgment(position: number, now: Millis): void {
    this.#receiver.acknowledge();
    this.#begin(TcpFlag.ack, position, now);
    if (this.#receiver.echo.active) outgoing.flags |= TcpFlag.ece;
    if (this.#negotiation.selective) {
      outgoing.sackCount = this.#receiver.sackBlocks(edges);
      for (let i = 0; i < 2 * outgoing.sackCount; i++) {
        outgoing.sackEdges[i] = toWire(this.#negotiation.peerInitial, edges[i]!);
      }
    }
    this.#environment.transmit(this.#identity.path, outgoing);
  }

  /**
   * Data, FIN or both, with `flags` besides ACK. SACK does not travel with data: a gap was told by a segment of its
   * own at once. `fresh` data may be marked by routers. @rfc 3168 §6.1.5
   */
  data(
    ring: ByteRing,
    position: number,
    length: number,
    flags: number,
    fresh: boolean,
    now: Millis,
  ): void {
    this.#receiver.acknowledge();
    this.#begin(TcpFlag.ack | flags, position, now);
    if (fresh && length > 0 && this.#negotiation.ecn) outgoing.ecn = Ecn.capable;
    if (this.#receiver.echo.active) outgoing.flags |= TcpFlag.ece;
    this.#environment.transmit(this.#identity.path, outgoing, ring, position, length);
  }

  reset(position: number, now: Millis): void {
    this.#begin(TcpFlag.rst | TcpFlag.ack, position, now);
    this.#environment.transmit(this.#identity.path, outgoing);
  }

  /** The answer to an acknowledgment of something we never sent. @rfc 9293 §3.10.7.3 */
  resetAt(sequence: number, now: Millis): void {
    this.#begin(TcpFlag.rst, 0, now);
    outgoing.sequence = sequence;
    outgoing.acknowledgment = 0;
    outgoing.hasTimestamps = false;
    this.#environment.transmit(this.#identity.path, outgoing);
  }

  #begin(flags: number, position: number, now: Millis): void {
    const receiver = this.#receiver;
    const negotiation = this.#negotiation;
    outgoing.sourcePort = this.#identity.localPort;
    outgoing.destinationPort = this.#identity.remotePort;
    outgoing.sequence = toWire(this.#initial, position);
    outgoing.acknowledgment = toWire(negotiation.peerInitial, receiver.nxt);
    outgoing.flags = flags;
    outgoing.ecn = Ecn.notCapable;
    outgoing.window = Math.min(WINDOW_FIELD_LIMIT, receiver.window >>> negotiation.ownScale);
    outgoing.clearOptions();
    if (negotiation.timestamps) {
      outgoing.hasTimestamps = true;
      outgoing.timestamp = this.#timestamps.value(now);
      outgoing.timestampEcho = this.#timestamps.echo;
    }
    this.acknowledged = receiver.nxt;
  }
}
