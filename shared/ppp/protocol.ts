/**
 * The PPP frame as L2TP carries it: address and control field, protocol number, information. No flags,
 * no FCS, no byte stuffing: those belong to serial lines.
 * RFC 1661 §2, RFC 1662 §3.1, RFC 2661 §1.
 */
import type { Bytes } from '../wire/bytes.ts';

/** IANA "PPP DLL Protocol Numbers": those that a gateway is known to send. */
export const PppProtocol = {
  ipv4: 0x0021,
  ipv6: 0x0057,
  ipcp: 0x8021,
  ipv6cp: 0x8057,
  ccp: 0x80fd,
  lcp: 0xc021,
  pap: 0xc023,
  chap: 0xc223,
  eap: 0xc227,
} as const;

/** Bytes that `Ppp.encapsulate` puts in front of a packet. */
export const PPP_HEADER_LENGTH = 4;

const ALL_STATIONS = 0xff;
const UNNUMBERED_INFORMATION = 0x03;

/**
 * Length in bytes of the header of the frame in `bytes[start, end)`, 0 when it is malformed. The address
 * and control field may be missing and the protocol number may be one byte, whatever was agreed:
 * both are told apart by their first byte. An odd length means a one-byte protocol number.
 * @rfc 1661 §2
 * @rfc 1661 §6.5
 * @rfc 1661 §6.6
 */
export function headerLength(bytes: Bytes, start: number, end: number): number {
  const framed =
    end - start >= 2 &&
    bytes[start] === ALL_STATIONS &&
    bytes[start + 1] === UNNUMBERED_INFORMATION;
  const at = framed ? start + 2 : start;
  if (at >= end) return 0;
  if ((bytes[at]! & 1) === 1) return at + 1 - start;
  if (at + 1 >= end || (bytes[at + 1]! & 1) === 0) return 0;
  return at + 2 - start;
}

/** Protocol number of the frame at `start` whose header is `length` bytes long, as `headerLength` found. */
export function protocolNumber(bytes: Bytes, start: number, length: number): number {
  const low = bytes[start + length - 1]!;
  return length % 2 === 1 ? low : (bytes[start + length - 2]! << 8) | low;
}

/** Writes the whole header into the `PPP_HEADER_LENGTH` bytes at `start`. */
export function writeHeader(bytes: Bytes, start: number, protocol: number): void {
  bytes[start] = ALL_STATIONS;
  bytes[start + 1] = UNNUMBERED_INFORMATION;
  bytes[start + 2] = protocol >>> 8;
  bytes[start + 3] = protocol;
}

/** A whole frame. */
export function encodeFrame(protocol: number, information: Bytes): Bytes {
  const frame = new Uint8Array(PPP_HEADER_LENGTH + information.length);
  writeHeader(frame, 0, protocol);
  frame.set(information, PPP_HEADER_LENGTH);
  return frame;
}
