/** Binary frames of `culvert.v1`: records `channel u8 · length u16 · bytes`, end to end. */

import { type Bytes, EMPTY } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import {
  Channel,
  type ChannelNumber,
  FRAME_BYTES_LIMIT,
  RECORD_BYTES_LIMIT,
  RECORD_HEADER,
} from './channels.ts';

/** Bytes from which a frame is worth sending without waiting for more records. */
export const FLUSH_BYTES: number = 32 * 1024;

/** Buffers kept for frames to come; small ones are not worth it. */
const SPARE_LIMIT = 4;

/** How much more room a frame begins with than the last one needed: one full packet's. */
const MARGIN = 2048;

/** Gathers records into one frame. */
export class FrameWriter {
  readonly #flushBytes: number;
  #bytes: Bytes = EMPTY;
  #length = 0;
  /** Bytes that a new buffer has. */
  #expected = MARGIN;
  readonly #spare: Bytes[] = [];

  /** `flushBytes`: when `append` asks for the frame; it leaves room for one record of any size. */
  constructor(flushBytes: number = FLUSH_BYTES) {
    if (!(flushBytes > 0 && flushBytes <= FRAME_BYTES_LIMIT - RECORD_HEADER - RECORD_BYTES_LIMIT)) {
      throw new RangeError('flushBytes: out of range');
    }
    this.#flushBytes = flushBytes;
  }

  /** Bytes gathered so far. */
  get length(): number {
    return this.#length;
  }

  /**
   * Copies `bytes[start, end)` into the frame as one record. Answers true when the frame has reached its
   * flush size: `take` it before the next record. Throws `RangeError` for an empty or oversized record,
   * and when a frame that was due was not taken until it is full.
   */
  append(channel: ChannelNumber, bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    if (!(length > 0 && length <= RECORD_BYTES_LIMIT)) throw new RangeError('end: record length');
    if (start < 0 || end > bytes.length) throw new RangeError('start, end: outside of bytes');
    const out = this.#room(RECORD_HEADER + length);
    const at = this.#length;
    writeRecord(out, at, channel, bytes, start, end);
    return this.#grew(RECORD_HEADER + length);
  }

  /** As `append`, of one record that is complete with its header. */
  appendRecord(bytes: Uint8Array, start: number, end: number): boolean {
    if (start < 0 || end > bytes.length) throw new RangeError('start, end: outside of bytes');
    const length = (bytes[start + 1]! << 8) | bytes[start + 2]!;
    if (length === 0 || end - start !== RECORD_HEADER + length) {
      throw new RangeError('end: record length');
    }
    this.#room(end - start).set(bytes.subarray(start, end), this.#length);
    return this.#grew(end - start);
  }

  /**
   * The frame, which is the caller's from then on, and an empty writer; `undefined` when there is no record. The next
   * frame's buffer begins with this one's size, so that a stream of like frames is written without a second copy.
   */
  take(): Bytes | undefined {
    if (this.#length === 0) return undefined;
    const frame = this.#bytes.subarray(0, this.#length);
    this.#expected = this.#length + MARGIN;
    this.#bytes = EMPTY;
    this.#length = 0;
    return frame;
  }

  /** Nobody looks at the frame any more, which came from `take`: a later one is written where it was. */
  recycle(frame: Bytes): void {
    const { buffer } = frame;
    if (buffer.byteLength < this.#flushBytes || this.#spare.length === SPARE_LIMIT) return;
    this.#spare.push(new Uint8Array(buffer));
  }

  /** The buffer, with room for so many bytes more. */
  #room(bytes: number): Bytes {
    const needed = this.#length + bytes;
    if (needed > FRAME_BYTES_LIMIT) throw new RangeError('append: the frame is full');
    if (this.#length === 0) this.#bytes = this.#spare.pop() ?? this.#bytes;
    if (needed <= this.#bytes.length) return this.#bytes;
    const size = Math.max(needed, this.#expected, 2 * this.#bytes.length);
    const bigger = new Uint8Array(Math.min(FRAME_BYTES_LIMIT, size));
    bigger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bigger;
    return bigger;
  }

  #grew(bytes: number): boolean {
    this.#length += bytes;
    return this.#length >= this.#flushBytes;
  }
}

/** Puts the record `bytes[start, end)` at `out[at]`, where there is room for it and its header. */
export function writeRecord(
  out: Uint8Array,
  at: number,
  channel: ChannelNumber,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const length = end - start;
  out[at] = channel;
  out[at + 1] = length >>> 8;
  out[at + 2] = length;
  out.set(bytes.subarray(start, end), at + RECORD_HEADER);
}

const HIGHEST_CHANNEL: number = Channel.l2tp;

/** What `forEachRecord` calls: the record is `frame[start, end)`. */
type RecordVisitor = (channel: ChannelNumber, start: number, end: number) => void;

/**
 * Calls `visit` for each record in turn, without copying. Throws `DecodeError` before the first call
 * when anything about the frame is wrong, so that a bad frame has no effect. `hasEsp`: whether the session has
 * the ESP channel.
 */
export function forEachRecord(frame: Bytes, visit: RecordVisitor, hasEsp = true): void {
  check(frame, hasEsp);
  for (let at = 0; at < frame.length; ) {
    const start = at + RECORD_HEADER;
    const end = start + recordLength(frame, at);
    visit(frame[at] as ChannelNumber, start, end);
    at = end;
  }
}

function check(frame: Bytes, hasEsp: boolean): void {
  if (frame.length === 0) throw new DecodeError('empty frame');
  if (frame.length > FRAME_BYTES_LIMIT) throw new DecodeError('frame too long');
  for (let at = 0; at < frame.length; ) {
    if (at + RECORD_HEADER > frame.length) throw new DecodeError('truncated record header');
    const channel = frame[at]!;
    if (channel > HIGHEST_CHANNEL) throw new DecodeError('unknown channel');
    if (channel === Channel.esp && !hasEsp) throw new DecodeError('channel not open');
    const length = recordLength(frame, at);
    if (length === 0) throw new DecodeError('empty record');
    if (length > RECORD_BYTES_LIMIT) throw new DecodeError('record too long');
    at += RECORD_HEADER + length;
    if (at > frame.length) throw new DecodeError('truncated record');
  }
}

function recordLength(frame: Bytes, at: number): number {
  return (frame[at + 1]! << 8) | frame[at + 2]!;
}
