/**
 * The data path of one session: the L2TP header put on and taken off in place. RFC 2661 §3.1, §5.3, §5.4.
 *
 * Packets are passed on in the order they arrive in, sequence numbers or not: what is above, IP, stands
 * reordering and loss better than waiting.
 */
import type { Packet } from '../wire/packet.ts';

/** Most octets that `encapsulate` puts in front of a PPP frame: flags, tunnel, session, Ns, Nr. */
export const MAX_DATA_HEADER = 10;

const LENGTH_BIT = 0x40;
const SEQUENCE_BIT = 0x08;
const OFFSET_BIT = 0x02;
const CONTROL_BIT = 0x80;
const VERSION_MASK = 0x0f;
const VERSION = 2;

/** Whether the UDP payload in the cursor is a control message: its T bit. @rfc 2661 §3.1 */
export function isControl(packet: Packet): boolean {
  return packet.start < packet.end && (packet.bytes[packet.start]! & CONTROL_BIT) !== 0;
}

interface SessionIds {
  readonly localTunnelId: number;
  readonly peerTunnelId: number;
  readonly localSessionId: number;
  readonly peerSessionId: number;
}

/** Who decides about sequence numbers in what we send: always, as the peer does, or never. @rfc 2661 §5.4 */
export type Sequencing = 'required' | 'follow-peer' | 'off';

export class DataSession {
  readonly #ids: SessionIds;
  readonly #sequencing: Sequencing;
  #numbered: boolean;
  /** Ns of the next data message. */
  #ns = 0;

  constructor(ids: SessionIds, sequencing: Sequencing) {
    this.#ids = ids;
    this.#sequencing = sequencing;
    this.#numbered = sequencing === 'required';
  }

  /** Puts the header in front of a PPP frame; needs `MAX_DATA_HEADER` octets of headroom. */
  encapsulate(packet: Packet): void {
    const { bytes } = packet;
    const { peerTunnelId, peerSessionId } = this.#ids;
    let at = packet.start;
    if (this.#numbered) {
      // Nr is reserved in data messages.
      bytes[--at] = 0;
      bytes[--at] = 0;
      bytes[--at] = this.#ns;
      bytes[--at] = this.#ns >>> 8;
      this.#ns = (this.#ns + 1) & 0xffff;
    }
    bytes[--at] = peerSessionId;
    bytes[--at] = peerSessionId >>> 8;
    bytes[--at] = peerTunnelId;
    bytes[--at] = peerTunnelId >>> 8;
    bytes[--at] = VERSION;
    bytes[--at] = this.#numbered ? SEQUENCE_BIT : 0;
    packet.start = at;
  }

  /**
   * Takes the header off; the cursor then spans the PPP frame. False, with the cursor untouched, for what is not a
   * data message of this session or has nothing in it. Priority and reserved bits are ignored.
   */
  decapsulate(packet: Packet): boolean {
    const { bytes, start } = packet;
    let end = packet.end;
    if (end - start < 6) return false;
    const flags = bytes[start]!;
    if ((flags & CONTROL_BIT) !== 0 || (bytes[start + 1]! & VERSION_MASK) !== VERSION) return false;
    let at = start + 2;
    if ((flags & LENGTH_BIT) !== 0) {
      const length = (bytes[at]! << 8) | bytes[at + 1]!;
      if (length > end - start) return false;
      end = start + length;
      at += 2;
    }
    const sequence = (flags & SEQUENCE_BIT) !== 0 ? 4 : 0;
    const offset = (flags & OFFSET_BIT) !== 0 ? 2 : 0;
    if (at + 4 + sequence + offset > end) return false;
    const tunnelId = (bytes[at]! << 8) | bytes[at + 1]!;
    const sessionId = (bytes[at + 2]! << 8) | bytes[at + 3]!;
    if (tunnelId !== this.#ids.localTunnelId || sessionId !== this.#ids.localSessionId)
      return false;
    at += 4 + sequence;
    if (offset !== 0) at += 2 + ((bytes[at]! << 8) | bytes[at + 1]!);
    if (at >= end) return false;
    if (this.#sequencing === 'follow-peer') this.#numbered = sequence !== 0;
    packet.start = at;
    packet.end = end;
    return true;
  }
}
