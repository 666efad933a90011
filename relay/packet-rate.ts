/**
 * How much one session may send toward its gateway. A record costs as many tokens as it takes packets on the
 * wire, so that one number bounds both packets and bytes. The last tokens are kept for IKE: a lost IKE
 * message costs the tunnel, a lost ESP packet only a retransmission.
 */
import { RELAY_MTU } from '../shared/relay/channels.ts';
import type { Millis } from '../shared/wire/bytes.ts';
import { TokenBucket } from './token-bucket.ts';

/** Part of a second's packets that may come at once. */
const BURST_PART = 1 / 10;

/** Least packets that may come at once, whatever the rate: a few of the largest records. */
const LEAST_BURST = 256;

/** Part of the burst that only IKE may use. */
const IKE_PART = 1 / 8;

export class PacketRate {
  readonly #bucket: TokenBucket;
  readonly #reserve: number;

  constructor(packetsPerSecond: number, now: Millis) {
    const burst = Math.max(LEAST_BURST, packetsPerSecond * BURST_PART);
    this.#bucket = new TokenBucket(packetsPerSecond, burst, now);
    this.#reserve = burst * IKE_PART;
  }

  /** Whether a record of `length` bytes may go out now; one that may not is to be dropped. */
  admits(length: number, isIke: boolean, now: Millis): boolean {
    return this.#bucket.take(Math.ceil(length / RELAY_MTU), now, isIke ? 0 : this.#reserve);
  }
}
