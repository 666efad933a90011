/**
 * The TCP header and the options we speak: MSS, window scale, SACK permitted, SACK, timestamps. One `Segment`
 * object is filled again for every packet, in both directions; the data stays where it is.
 * Left out: the urgent pointer (RFC 6093 advises against it), fast open.
 * @rfc 9293 §3.1, 7323 §2.2, 7323 §3.2, 2018 §2
 */
import type { Bytes } from '../../wire/bytes.ts';
import { DecodeError } from '../../wire/errors.ts';

export const TCP_HEADER = 20;

/** Most blocks a SACK option can carry; 3 beside timestamps. */
export const SACK_BLOCK_LIMIT = 4;

/** Bytes that timestamps add to every segment, with padding. */
export const TIMESTAMP_OPTION = 12;

const MAX_OPTIONS = 40;

/** ECE and CWR: RFC 3168 §6.1. */
export const TcpFlag = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, ece: 64, cwr: 128 } as const;

const TcpOption = {
  end: 0,
  noOperation: 1,
  maximumSegmentSize: 2,
  windowScale: 3,
  sackPermitted: 4,
  sack: 5,
  timestamps: 8,
} as const;

export class Segment {
  sourcePort = 0;
  destinationPort = 0;
  sequence = 0;
  acknowledgment = 0;
  flags = 0;
  /** ECN code point of the IP packet around it. @rfc 3168 §5 */
  ecn = 0;
  /** As on the wire: not scaled. */
  window = 0;
  /** 0: no such option. */
  maximumSegmentSize = 0;
  /** −1: no such option. */
  windowScale = -1;
  sackPermitted = false;
  hasTimestamps = false;
  timestamp = 0;
  timestampEcho = 0;
  sackCount = 0;
  /** Left and right edges, in pairs. */
  readonly sackEdges: Uint32Array = new Uint32Array(2 * SACK_BLOCK_LIMIT);
  /** Where the data lies in the array that was read. */
  dataStart = 0;
  dataEnd = 0;

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  get dataLength(): number {
    return this.dataEnd - this.dataStart;
  }

  clearOptions(): void {
    this.maximumSegmentSize = 0;
    this.windowScale = -1;
    this.sackPermitted = false;
    this.hasTimestamps = false;
    this.sackCount = 0;
  }
}

/** What a segment takes of the sequence space: SEG.LEN. @rfc 9293 §3.3.1 */
export function sequenceLength(segment: Segment): number {
  return (
    segment.dataLength + (segment.has(TcpFlag.syn) ? 1 : 0) + (segment.has(TcpFlag.fin) ? 1 : 0)
  );
}

/** Reads the segment in `bytes[start, end)`; the checksum is the caller's. */
export function decodeSegment(into: Segment, bytes: Bytes, start: number, end: number): void {
  if (end - start < TCP_HEADER) throw new DecodeError('TCP header truncated');
  const dataStart = start + 4 * (bytes[start + 12]! >>> 4);
  if (dataStart < start + TCP_HEADER || dataStart > end) throw new DecodeError('TCP data offset');
  into.sourcePort = u16(bytes, start);
  into.destinationPort = u16(bytes, start + 2);
  into.sequence = u32(bytes, start + 4);
  into.acknowledgment = u32(bytes, start + 8);
  into.flags = bytes[start + 13]!;
  into.window = u16(bytes, start + 14);
  into.dataStart = dataStart;
  into.dataEnd = end;
  into.clearOptions();
  decodeOptions(into, bytes, start + TCP_HEADER, dataStart);
}

/** Options of other kinds, and known ones of a wrong length, are skipped. @rfc 9293 §3.2 */
function decodeOptions(into: Segment, bytes: Bytes, start: number, end: number): void {
  for (let at = start; at < end; ) {
    const kind = bytes[at]!;
    if (kind === TcpOption.end) return;
    if (kind === TcpOption.noOperation) {
      at++;
      continue;
    }
    const length = at + 1 < end ? bytes[at + 1]! : 0;
    if (length < 2 || at + length > end) throw new DecodeError('TCP option length');
    if (kind === TcpOption.maximumSegmentSize && length === 4) {
      into.maximumSegmentSize = u16(bytes, at + 2);
    } else if (kind === TcpOption.windowScale && length === 3) {
      into.windowScale = bytes[at + 2]!;
    } else if (kind === TcpOption.sackPermitted && length === 2) {
      into.sackPermitted = true;
    } else if (kind === TcpOption.timestamps && length === 10) {
      into.hasTimestamps = true;
      into.timestamp = u32(bytes, at + 2);
      into.timestampEcho = u32(bytes, at + 6);
    } else if (kind === TcpOption.sack && length > 2 && length % 8 === 2) {
      into.sackCount = Math.min(SACK_BLOCK_LIMIT, (length - 2) / 8);
      for (let i = 0; i < 2 * into.sackCount; i++) {
        into.sackEdges[i] = u32(bytes, at + 2 + 4 * i);
      }
    }
    at += length;
  }
}

/** Bytes that header and options take; SACK blocks that do not fit are not counted, nor written. */
export function headerLength(segment: Segment): number {
  return TCP_HEADER + fixedOptions(segment) + sackOption(segment);
}

function fixedOptions(segment: Segment): number {
  let length = 0;
  if (segment.maximumSegmentSize > 0) length += 4;
  if (segment.windowScale >= 0) length += 4;
  if (segment.sackPermitted) length += 4;
  if (segment.hasTimestamps) length += TIMESTAMP_OPTION;
  return length;
}

function sackOption(segment: Segment): number {
  const blocks = Math.min(
    segment.sackCount,
    Math.floor((MAX_OPTIONS - fixedOptions(segment) - 4) / 8),
  );
  return blocks > 0 ? 4 + 8 * blocks : 0;
}

/** Writes header and options at `bytes[at]` with checksum 0 and answers their length. */
export function encodeSegment(segment: Segment, bytes: Bytes, at: number): number {
  const length = headerLength(segment);
  put16(bytes, at, segment.sourcePort);
  put16(bytes, at + 2, segment.destinationPort);
  put32(bytes, at + 4, segment.sequence);
  put32(bytes, at + 8, segment.acknowledgment);
  bytes[at + 12] = (length / 4) << 4;
  bytes[at + 13] = segment.flags;
  put16(bytes, at + 14, segment.window);
  put32(bytes, at + 16, 0);
  let to = at + TCP_HEADER;
  if (segment.maximumSegmentSize > 0) {
    put16(bytes, to, (TcpOption.maximumSegmentSize << 8) | 4);
    put16(bytes, to + 2, segment.maximumSegmentSize);
    to += 4;
  }
  if (segment.windowScale >= 0) {
    put16(bytes, to, (TcpOption.noOperation << 8) | TcpOption.windowScale);
    put16(bytes, to + 2, (3 << 8) | segment.windowScale);
    to += 4;
  }
  if (segment.sackPermitted) {
    to = padding(bytes, to);
    put16(bytes, to, (TcpOption.sackPermitted << 8) | 2);
    to += 2;
  }
  if (segment.hasTimestamps) {
    to = padding(bytes, to);
    put16(bytes, to, (TcpOption.timestamps << 8) | 10);
    put32(bytes, to + 2, segment.timestamp);
    put32(bytes, to + 6, segment.timestampEcho);
    to += 10;
  }
  const sack = sackOption(segment);
  if (sack > 0) {
    to = padding(bytes, to);
    put16(bytes, to, (TcpOption.sack << 8) | (sack - 2));
    for (let i = 0; i < (sack - 4) / 4; i++) put32(bytes, to + 2 + 4 * i, segment.sackEdges[i]!);
  }
  return length;
}

/** Two no-operations, so that what follows ends on a multiple of 4. */
function padding(bytes: Bytes, at: number): number {
  put16(bytes, at, (TcpOption.noOperation << 8) | TcpOption.noOperation);
  return at + 2;
}

function u16(bytes: Bytes, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function u32(bytes: Bytes, at: number): number {
  return (
    ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  );
}

function put16(bytes: Bytes, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

function put32(bytes: Bytes, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
