/**
 * The shape filter: what is not an ISAKMP message, an ESP packet, a NAT-T keepalive or an L2TP message passes in
 * neither direction, so that the relay is of no use for reaching any other service of a gateway.
 * It looks at headers alone; it could not read more.
 */
import { Channel, type ChannelNumber } from '../shared/relay/channels.ts';

/** Whether the datagram `bytes[start, end)` belongs on the channel. */
export function hasShape(
  channel: ChannelNumber,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  switch (channel) {
    case Channel.ike:
      return isIsakmp(bytes, start, end);
    case Channel.natt:
      return isNatTraversal(bytes, start, end);
    case Channel.esp:
      return isEsp(bytes, start, end);
    case Channel.l2tp:
      return isL2tp(bytes, start, end);
  }
}

/** ISAKMP header: cookies 16, next payload, version, exchange, flags, message id 4, length 4. @rfc 2408 §3.1 */
const ISAKMP_HEADER = 28;

/** Non-ESP marker, then ISAKMP; a lone 0xFF; or ESP. @rfc 3948 §2.2 @rfc 3948 §2.3 */
const MARKER = 4;
const KEEPALIVE = 0xff;

/** SPI, sequence number and the least a payload with its trailer or ICV takes. @rfc 4303 §2 */
const ESP_LEAST = 16;

const L2TP_CONTROL = 0x8000;
const L2TP_LENGTH = 0x4000;
const L2TP_SEQUENCE = 0x0800;

function isIsakmp(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < ISAKMP_HEADER) return false;
  const version = bytes[start + 17]!;
  if (version !== 0x10 && version !== 0x20) return false;
  // The initiator's cookie is never zero (RFC 2408 makes it a hash; RFC 7296 §3.1 forbids zero).
  if (u32(bytes, start) === 0 && u32(bytes, start + 4) === 0) return false;
  return u32(bytes, start + 24) === end - start;
}

/** Whether a datagram of the channel's shape is IKE: what is dropped last. */
export function isIke(
  channel: ChannelNumber,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  if (channel === Channel.natt) return end - start > MARKER && u32(bytes, start) === 0;
  return channel === Channel.ike;
}

function isNatTraversal(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start === 1) return bytes[start] === KEEPALIVE;
  if (end - start < ESP_LEAST) return false;
  return isEsp(bytes, start, end) || isIsakmp(bytes, start + MARKER, end);
}

/** An SPI of zero is never on the wire. @rfc 4303 §2.1 */
function isEsp(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start >= ESP_LEAST && u32(bytes, start) !== 0;
}

/** Version 2; a length that fits; a control message has both length and sequence numbers. @rfc 2661 §3.1 */
function isL2tp(bytes: Uint8Array, start: number, end: number): boolean {
  const size = end - start;
  if (size < 6) return false;
  const flags = u16(bytes, start);
  if ((flags & 0x000f) !== 2) return false;
  const isControl = (flags & L2TP_CONTROL) !== 0;
  if (isControl && ((flags & L2TP_LENGTH) === 0 || (flags & L2TP_SEQUENCE) === 0)) return false;
  if ((flags & L2TP_LENGTH) === 0) return true;
  const length = u16(bytes, start + 2);
  return length >= (isControl ? 12 : 8) && length <= size;
}

/** The tunnel id of a datagram with L2TP's shape; 0 asks for a new tunnel. @rfc 2661 §3.1 */
export function l2tpTunnelId(bytes: Uint8Array, start: number): number {
  return u16(bytes, start + ((u16(bytes, start) & L2TP_LENGTH) === 0 ? 2 : 4));
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function u32(bytes: Uint8Array, at: number): number {
  return ((u16(bytes, at) << 16) | u16(bytes, at + 2)) >>> 0;
}
