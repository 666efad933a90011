/** The UDP header between ESP and L2TP, in place. IPv4 only. Left out: computing our own checksum (see below). */
import type { Packet } from '../wire/packet.ts';

export const UDP_HEADER = 8;

/** IP protocol number of UDP: the next header of every ESP packet of an L2TP tunnel. */
export const UDP_PROTOCOL = 17;

/**
 * Prepends the header with checksum 0: over IPv4 it may be left out, and behind a NAT the peer could not
 * verify one made over our address anyway.
 * @rfc 768
 * @rfc 3948 §3.1.2
 */
export function prependUdp(packet: Packet, sourcePort: number, destinationPort: number): void {
  const { bytes } = packet;
  const at = packet.start - UDP_HEADER;
  const length = packet.end - at;
  bytes[at] = sourcePort >>> 8;
  bytes[at + 1] = sourcePort;
  bytes[at + 2] = destinationPort >>> 8;
  bytes[at + 3] = destinationPort;
  bytes[at + 4] = length >>> 8;
  bytes[at + 5] = length;
  bytes[at + 6] = 0;
  bytes[at + 7] = 0;
  packet.start = at;
}

/**
 * Removes the header; the answer is the source port, or 0 when the datagram is malformed or not for
 * `localPort`. The checksum is not verified: the ICV has, and a NAT on the way makes it wrong.
 * @rfc 3948 §3.1.2
 */
export function stripUdp(packet: Packet, localPort: number): number {
  const { bytes, start } = packet;
  if (packet.end - start < UDP_HEADER) return 0;
  const length = (bytes[start + 4]! << 8) | bytes[start + 5]!;
  const destination = (bytes[start + 2]! << 8) | bytes[start + 3]!;
  if (length < UDP_HEADER || start + length > packet.end || destination !== localPort) return 0;
  packet.start = start + UDP_HEADER;
  packet.end = start + length;
  return (bytes[start]! << 8) | bytes[start + 1]!;
}
