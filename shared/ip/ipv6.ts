/**
 * The IPv6 header and its extensions, read and written in place.
 * Extensions are skipped on arrival and never sent; fragments are `fragments.ts`.
 * Left out: the parameter problem that RFC 8200 §4 asks for where an extension is not understood, flow labels.
 * @rfc 8200 §3, 8200 §4
 */
import type { Bytes } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import type { Packet } from '../wire/packet.ts';
import { writeAddress } from './address.ts';
import { IPV6_HEADER, type IpHeader } from './header.ts';
import type { Path } from './path.ts';

/** Every link carries packets of this size. @rfc 8200 §5 */
export const IPV6_MINIMUM_MTU = 1280;

/** Extension headers of a packet that are read: the RFC's order has six. @rfc 8200 §4.1 */
const EXTENSION_LIMIT = 8;

const FRAGMENT_HEADER = 8;

const Extension = { hopByHop: 0, routing: 43, fragment: 44, destination: 60 } as const;

const Ipv6Option = { pad1: 0 } as const;

/** The two bits of an option's type that say what becomes of a packet with one that is not known. @rfc 8200 §4.2 */
const OPTION_ACTION = 0xc0;

/** Reads the headers of the packet in `bytes[start, end)`; what follows the payload length is link padding. */
export function decodeIpv6(into: IpHeader, bytes: Bytes, start: number, end: number): void {
  readFields(into, bytes, start, end);
  if (into.dataEnd > end) throw new DecodeError('IPv6 payload length');
  skipExtensions(into, bytes, true);
}

/** Reads headers quoted in an ICMPv6 error, which may be cut short; `dataEnd` then is where the quote ends. */
export function decodeQuotedIpv6(into: IpHeader, bytes: Bytes, start: number, end: number): void {
  readFields(into, bytes, start, end);
  into.dataEnd = end;
  skipExtensions(into, bytes, true);
}

function readFields(into: IpHeader, bytes: Bytes, start: number, end: number): void {
  if (end - start < IPV6_HEADER) throw new DecodeError('IPv6 header truncated');
  if (bytes[start]! >>> 4 !== 6) throw new DecodeError('not IPv6');
  into.version = 6;
  into.bytes = bytes;
  into.addressesAt = start + 8;
  into.identification = 0;
  into.moreFragments = false;
  into.fragmentOffset = 0;
  into.protocol = bytes[start + 6]!;
  into.ttl = bytes[start + 7]!;
  // The traffic class lies across two bytes. @rfc 3168 §23.1
  into.ecn = (bytes[start + 1]! >>> 4) & 3;
  into.dataStart = start + IPV6_HEADER;
  into.dataEnd = into.dataStart + ((bytes[start + 4]! << 8) | bytes[start + 5]!);
}

/**
 * Moves `dataStart` and `protocol` behind the extensions, up to a fragment's payload. What was put together of
 * fragments may begin with more of them: `isFirst` says whether `dataStart` is right behind the header.
 */
export function skipExtensions(into: IpHeader, bytes: Bytes, isFirst: boolean): void {
  for (let count = 0; ; count++) {
    const { protocol, dataStart: at, dataEnd: end } = into;
    const isFragment = protocol === Extension.fragment;
    const isOptions = protocol === Extension.hopByHop || protocol === Extension.destination;
    if (!isFragment && !isOptions && protocol !== Extension.routing) return;
    if (count === EXTENSION_LIMIT) throw new DecodeError('IPv6 extensions');
    if (end - at < 8) throw new DecodeError('IPv6 extension truncated');
    const length = isFragment ? FRAGMENT_HEADER : 8 * (bytes[at + 1]! + 1);
    if (at + length > end) throw new DecodeError('IPv6 extension truncated');
    if (protocol === Extension.hopByHop && (count > 0 || !isFirst)) {
      throw new DecodeError('IPv6 hop-by-hop options');
    }
    // With segments left it is not for us; route type 0 would be for nobody. @rfc 5095 §3
    if (protocol === Extension.routing && bytes[at + 3] !== 0)
      throw new DecodeError('source route');
    if (isOptions) checkOptions(bytes, at + 2, at + length);
    into.protocol = bytes[at]!;
    into.dataStart = at + length;
    if (isFragment && readFragment(into, bytes, at)) return;
  }
}

/** Answers whether it is more than an atomic fragment, which is a whole packet. @rfc 8200 §4.5, 6946 §4 */
function readFragment(into: IpHeader, bytes: Bytes, at: number): boolean {
  const field = (bytes[at + 2]! << 8) | bytes[at + 3]!;
  into.fragmentOffset = field & 0xfff8;
  into.moreFragments = (field & 1) !== 0;
  into.identification = new DataView(bytes.buffer, bytes.byteOffset + at + 4, 4).getUint32(0);
  return into.isFragment;
}

/** @rfc 8200 §4.2 */
function checkOptions(bytes: Bytes, start: number, end: number): void {
  for (let at = start; at < end; ) {
    const type = bytes[at]!;
    if (type === Ipv6Option.pad1) {
      at++;
      continue;
    }
    if (at + 1 >= end || at + 2 + bytes[at + 1]! > end) throw new DecodeError('IPv6 option length');
    if ((type & OPTION_ACTION) !== 0) throw new DecodeError('IPv6 option');
    at += 2 + bytes[at + 1]!;
  }
}

/** Prepends the header; nobody on the way fragments (RFC 8200 §5). */
export function prependIpv6(
  packet: Packet,
  path: Path,
  protocol: number,
  hopLimit: number,
  ecn: number,
): void {
  const length = packet.end - packet.start;
  packet.start -= IPV6_HEADER;
  const { bytes, start } = packet;
  bytes[start] = 0x60;
  bytes[start + 1] = ecn << 4;
  bytes[start + 2] = 0;
  bytes[start + 3] = 0;
  bytes[start + 4] = length >>> 8;
  bytes[start + 5] = length;
  bytes[start + 6] = protocol;
  bytes[start + 7] = hopLimit;
  writeAddress(bytes, start + 8, path.local);
  writeAddress(bytes, start + 24, path.remote);
}
