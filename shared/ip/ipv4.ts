/**
 * The IPv4 header, read and written in place.
 * Options are skipped on arrival and never sent; fragments are `fragments.ts`.
 * @rfc 791 §3.1
 */
import type { Bytes } from '../wire/bytes.ts';
import { checksumAdd, checksumFinish } from '../wire/checksum.ts';
import { DecodeError } from '../wire/errors.ts';
import type { Packet, PacketSink } from '../wire/packet.ts';
import { type Ipv4Address, readAddress, writeAddress } from './address.ts';

export const IPV4_HEADER = 20;

/** The smallest link MTU a path may have. @rfc 791 §3.2 */
export const IPV4_MINIMUM_MTU = 68;

const INITIAL_TTL = 64;
const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;
const OFFSET_MASK = 0x1fff;

export const IpProtocol = { icmp: 1, tcp: 6, udp: 17 } as const;

/** A header's fields; one object is filled again for every packet. */
export class Ipv4Header {
  protocol = 0;
  source: Ipv4Address = 0;
  destination: Ipv4Address = 0;
  identification = 0;
  ttl = 0;
  /** ECN code point. @rfc 3168 §5 */
  ecn = 0;
  /** First byte of the payload in the array the header was read from. */
  dataStart = 0;
  dataEnd = 0;
  /** Bytes of the datagram in front of this fragment's payload. */
  fragmentOffset = 0;
  moreFragments = false;

  get isFragment(): boolean {
    return this.moreFragments || this.fragmentOffset !== 0;
  }
}

/** Reads the header of the packet in `bytes[start, end)`; what follows the total length is link padding. */
export function decodeIpv4(into: Ipv4Header, bytes: Bytes, start: number, end: number): void {
  readFields(into, bytes, start, end);
  if (into.dataEnd > end) throw new DecodeError('IPv4 total length');
  if (checksumFinish(checksumAdd(0, bytes, start, into.dataStart)) !== 0) {
    throw new DecodeError('IPv4 checksum');
  }
}

/**
 * Reads a header quoted in an ICMP error: cut short, and its checksum may have been changed on the way.
 * `dataEnd` then is where the quote ends.
 * @rfc 792
 */
export function decodeQuotedIpv4(into: Ipv4Header, bytes: Bytes, start: number, end: number): void {
  readFields(into, bytes, start, end);
  into.dataEnd = end;
}

function readFields(into: Ipv4Header, bytes: Bytes, start: number, end: number): void {
  if (end - start < IPV4_HEADER) throw new DecodeError('IPv4 header truncated');
  if (bytes[start]! >>> 4 !== 4) throw new DecodeError('not IPv4');
  const headerLength = 4 * (bytes[start]! & 0xf);
  const totalLength = (bytes[start + 2]! << 8) | bytes[start + 3]!;
  if (headerLength < IPV4_HEADER || start + headerLength > end || totalLength < headerLength) {
    throw new DecodeError('IPv4 header length');
  }
  const fragment = (bytes[start + 6]! << 8) | bytes[start + 7]!;
  into.identification = (bytes[start + 4]! << 8) | bytes[start + 5]!;
  into.moreFragments = (fragment & MORE_FRAGMENTS) !== 0;
  into.fragmentOffset = 8 * (fragment & OFFSET_MASK);
  into.ttl = bytes[start + 8]!;
  into.ecn = bytes[start + 1]! & 3;
  into.protocol = bytes[start + 9]!;
  into.source = readAddress(bytes, start + 12);
  into.destination = readAddress(bytes, start + 16);
  into.dataStart = start + headerLength;
  into.dataEnd = start + totalLength;
}

/** Sum of the pseudo-header that TCP and UDP checksums begin with. @rfc 9293 §3.1 */
export function pseudoHeaderSum(
  source: Ipv4Address,
  destination: Ipv4Address,
  protocol: number,
  length: number,
): number {
  return (
    (source >>> 16) +
    (source & 0xffff) +
    (destination >>> 16) +
    (destination & 0xffff) +
    protocol +
    length
  );
}

/** The way out for every protocol above: an empty packet first, then the same packet under an IP header. */
export class Ipv4Output {
  readonly address: Ipv4Address;
  readonly #sink: PacketSink;
  #identification: number;

  constructor(address: Ipv4Address, sink: PacketSink, firstIdentification: number) {
    this.address = address;
    this.#sink = sink;
    this.#identification = firstIdentification;
  }

  get mtu(): number {
    return this.#sink.mtu;
  }

  /** An empty packet with `mtu - IPV4_HEADER` bytes of room, to be given to `send` next. */
  take(): Packet {
    const packet = this.#sink.take();
    packet.start += IPV4_HEADER;
    packet.end = packet.start;
    return packet;
  }

  /** Prepends the header. DF is set: a too small link on the way answers instead of fragmenting (RFC 1191 §3). */
  send(packet: Packet, protocol: number, destination: Ipv4Address, ecn = 0): void {
    packet.start -= IPV4_HEADER;
    this.#identification = (this.#identification + 1) & 0xffff;
    const { bytes, start } = packet;
    const length = packet.end - start;
    bytes[start] = 0x45;
    bytes[start + 1] = ecn;
    bytes[start + 2] = length >>> 8;
    bytes[start + 3] = length;
    bytes[start + 4] = this.#identification >>> 8;
    bytes[start + 5] = this.#identification;
    bytes[start + 6] = DONT_FRAGMENT >>> 8;
    bytes[start + 7] = 0;
    bytes[start + 8] = INITIAL_TTL;
    bytes[start + 9] = protocol;
    bytes[start + 10] = 0;
    bytes[start + 11] = 0;
    writeAddress(bytes, start + 12, this.address);
    writeAddress(bytes, start + 16, destination);
    const sum = checksumFinish(checksumAdd(0, bytes, start, start + IPV4_HEADER));
    bytes[start + 10] = sum >>> 8;
    bytes[start + 11] = sum;
    this.#sink.send(packet);
  }
}
