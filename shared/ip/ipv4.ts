/**
 * The IPv4 header, read and written in place.
 * Options are skipped on arrival and never sent; fragments are `fragments.ts`.
 * @rfc 791 §3.1
 */
import type { Bytes } from '../wire/bytes.ts';
import { checksumAdd, checksumFinish } from '../wire/checksum.ts';
import { DecodeError } from '../wire/errors.ts';
import type { Packet } from '../wire/packet.ts';
import { writeAddress } from './address.ts';
import { IPV4_HEADER, type IpHeader } from './header.ts';
import type { Path } from './path.ts';

const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;
const OFFSET_MASK = 0x1fff;

const Ipv4Option = {
  end: 0,
  noOperation: 1,
  looseSourceRoute: 131,
  strictSourceRoute: 137,
} as const;

/** Reads the header of the packet in `bytes[start, end)`; what follows the total length is link padding. */
export function decodeIpv4(into: IpHeader, bytes: Bytes, start: number, end: number): void {
  readFields(into, bytes, start, end);
  if (into.dataEnd > end) throw new DecodeError('IPv4 total length');
  if (checksumFinish(checksumAdd(0, bytes, start, into.dataStart)) !== 0) {
    throw new DecodeError('IPv4 checksum');
  }
  checkOptions(bytes, start + IPV4_HEADER, into.dataStart);
}

/**
 * Reads a header quoted in an ICMP error: cut short, and its checksum may have been changed on the way.
 * `dataEnd` then is where the quote ends.
 * @rfc 792
 */
export function decodeQuotedIpv4(into: IpHeader, bytes: Bytes, start: number, end: number): void {
  readFields(into, bytes, start, end);
  into.dataEnd = end;
}

function readFields(into: IpHeader, bytes: Bytes, start: number, end: number): void {
  if (end - start < IPV4_HEADER) throw new DecodeError('IPv4 header truncated');
  if (bytes[start]! >>> 4 !== 4) throw new DecodeError('not IPv4');
  const headerLength = 4 * (bytes[start]! & 0xf);
  const totalLength = (bytes[start + 2]! << 8) | bytes[start + 3]!;
  if (headerLength < IPV4_HEADER || start + headerLength > end || totalLength < headerLength) {
    throw new DecodeError('IPv4 header length');
  }
  const fragment = (bytes[start + 6]! << 8) | bytes[start + 7]!;
  into.version = 4;
  into.bytes = bytes;
  into.addressesAt = start + 12;
  into.identification = (bytes[start + 4]! << 8) | bytes[start + 5]!;
  into.moreFragments = (fragment & MORE_FRAGMENTS) !== 0;
  into.fragmentOffset = 8 * (fragment & OFFSET_MASK);
  into.ttl = bytes[start + 8]!;
  into.ecn = bytes[start + 1]! & 3;
  into.protocol = bytes[start + 9]!;
  into.dataStart = start + headerLength;
  into.dataEnd = start + totalLength;
}

/**
 * None of them means anything to a host at the end of one link, but a packet that was source-routed is refused:
 * its answer would go the way that its sender chose.
 * @rfc 1122 §3.2.1.8, 7126 §4.3, 7126 §4.4
 */
function checkOptions(bytes: Bytes, start: number, end: number): void {
  for (let at = start; at < end; ) {
    const type = bytes[at]!;
    if (type === Ipv4Option.end) return;
    if (type === Ipv4Option.looseSourceRoute || type === Ipv4Option.strictSourceRoute) {
      throw new DecodeError('source route');
    }
    const length = type === Ipv4Option.noOperation ? 1 : at + 1 < end ? bytes[at + 1]! : 0;
    if (length < (type === Ipv4Option.noOperation ? 1 : 2) || at + length > end) {
      throw new DecodeError('IPv4 option length');
    }
    at += length;
  }
}

/** Prepends the header. DF is set: a too small link on the way answers instead of fragmenting (RFC 1191 §3). */
export function prependIpv4(
  packet: Packet,
  path: Path,
  protocol: number,
  ttl: number,
  ecn: number,
  identification: number,
): void {
  packet.start -= IPV4_HEADER;
  const { bytes, start } = packet;
  const length = packet.end - start;
  bytes[start] = 0x45;
  bytes[start + 1] = ecn;
  bytes[start + 2] = length >>> 8;
  bytes[start + 3] = length;
  bytes[start + 4] = identification >>> 8;
  bytes[start + 5] = identification;
  bytes[start + 6] = DONT_FRAGMENT >>> 8;
  bytes[start + 7] = 0;
  bytes[start + 8] = ttl;
  bytes[start + 9] = protocol;
  bytes[start + 10] = 0;
  bytes[start + 11] = 0;
  writeAddress(bytes, start + 12, path.local);
  writeAddress(bytes, start + 16, path.remote);
  const sum = checksumFinish(checksumAdd(0, bytes, start, start + IPV4_HEADER));
  bytes[start + 10] = sum >>> 8;
  bytes[start + 11] = sum;
}
