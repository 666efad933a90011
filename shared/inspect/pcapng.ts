/**
 * Writes pcapng, the capture format of Wireshark: a section header, interface descriptions, enhanced packet blocks. Little
 * endian, times in microseconds. Left out: every other kind of block, and packets that are cut short.
 * Source: draft-ietf-opsawg-pcapng, "PCAP Now Generic (pcapng) Capture File Format".
 */
import { type Bytes, concat } from '../wire/bytes.ts';
import { utf8Encode } from '../wire/text.ts';

/** Link types of the registry "PCAP LINKTYPE": packets that begin with their IP header. */
export const LINKTYPE_RAW = 101;

const BlockType = {
  sectionHeader: 0x0a0d0d0a,
  interfaceDescription: 1,
  enhancedPacket: 6,
} as const;
const OptionCode = {
  end: 0,
  userApplication: 4,
  interfaceName: 2,
  interfaceDescription: 3,
  timestampResolution: 9,
  packetFlags: 2,
} as const;

const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** Microseconds: 10^−6. */
const RESOLUTION = 6;
const MICROS_PER_MILLI = 1_000;

export interface CaptureInterface {
  readonly name: string;
  readonly description: string;
  readonly linkType: number;
}

export interface CapturePacket {
  /** Index among the interfaces. */
  readonly interface: number;
  /** Milliseconds since 1970, with fractions. */
  readonly time: number;
  readonly direction: 'out' | 'in';
  readonly bytes: Bytes;
}

/** A whole file: one section with these interfaces. */
export function writePcapng(
  application: string,
  interfaces: readonly CaptureInterface[],
  packets: Iterable<CapturePacket>,
): Bytes {
  const blocks = [sectionHeader(application), ...interfaces.map(interfaceDescription)];
  for (const packet of packets) blocks.push(enhancedPacket(packet));
  return concat(...blocks);
}

function sectionHeader(application: string): Bytes {
  // Version 1.0, and a section whose length is not said: −1.
  const head = concat(u32(BYTE_ORDER_MAGIC), u16(1), u16(0), u32(0xffff_ffff), u32(0xffff_ffff));
  return block(BlockType.sectionHeader, head, [
    option(OptionCode.userApplication, utf8Encode(application)),
  ]);
}

function interfaceDescription({ name, description, linkType }: CaptureInterface): Bytes {
  // A snapshot length of 0 is none.
  const head = concat(u16(linkType), u16(0), u32(0));
  return block(BlockType.interfaceDescription, head, [
    option(OptionCode.interfaceName, utf8Encode(name)),
    option(OptionCode.interfaceDescription, utf8Encode(description)),
    option(OptionCode.timestampResolution, Uint8Array.of(RESOLUTION)),
  ]);
}

function enhancedPacket({ interface: index, time, direction, bytes }: CapturePacket): Bytes {
  const micros = Math.round(time * MICROS_PER_MILLI);
  const length = u32(bytes.length);
  const head = concat(u32(index), u32(Math.floor(micros / 2 ** 32)), u32(micros), length, length);
  const flags = direction === 'in' ? 1 : 2;
  return block(BlockType.enhancedPacket, concat(head, padded(bytes)), [
    option(OptionCode.packetFlags, u32(flags)),
  ]);
}

function block(type: number, head: Bytes, options: readonly Bytes[]): Bytes {
  const body = concat(head, ...options, option(OptionCode.end, new Uint8Array(0)));
  const length = u32(12 + body.length);
  return concat(u32(type), length, body, length);
}

function option(code: number, value: Bytes): Bytes {
  return concat(u16(code), u16(value.length), padded(value));
}

/** To a multiple of 4 bytes, with zeros. */
function padded(bytes: Bytes): Bytes {
  const left = bytes.length % 4;
  return left === 0 ? bytes : concat(bytes, new Uint8Array(4 - left));
}

function u16(value: number): Bytes {
  return Uint8Array.of(value, value >>> 8);
}

function u32(value: number): Bytes {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
}
