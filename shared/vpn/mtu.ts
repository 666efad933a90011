/** How large a packet may be inside the tunnel, computed from what each layer adds. */
import { type EspSealer, SLOT_HEADROOM, SLOT_SIZE } from '../esp/engine.ts';
import type { Encapsulation } from '../ike/io.ts';
import { UDP_HEADER } from './inner-udp.ts';

/** IPv4 header without options (RFC 791 §3.1), outside. */
const OUTER_IPV4_HEADER = 20;

/** Flags, length, tunnel and session id, Ns and Nr: the longest L2TP data header that we send (RFC 2661 §3.1). */
const L2TP_DATA_HEADER = 12;

/** Address, control and protocol (RFC 1661 §2, RFC 1662 §3.1). */
const PPP_HEADER = 4;

/**
 * Largest IP packet inside the tunnel, in bytes, that leaves the relay unfragmented on a path of `outerMtu` bytes, and
 * that fits a slot, sealed, whatever the relay says.
 */
export function innerMtu(
  outerMtu: number,
  encapsulation: Encapsulation,
  sealer: EspSealer,
): number {
  const outerUdpHeader = encapsulation === 'udp' ? UDP_HEADER : 0;
  const room = outerMtu - OUTER_IPV4_HEADER - outerUdpHeader;
  const espRoom = Math.min(room, SLOT_SIZE - SLOT_HEADROOM);
  return sealer.payloadRoom(espRoom) - UDP_HEADER - L2TP_DATA_HEADER - PPP_HEADER;
}
