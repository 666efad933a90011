import { describe, expect, test } from 'vitest';
import {
  Channel,
  type ChannelNumber,
  FRAME_BYTES_LIMIT,
  RECORD_BYTES_LIMIT,
  RECORD_HEADER,
} from '../../../shared/relay/channels.ts';
import { FLUSH_BYTES, FrameWriter, forEachRecord } from '../../../shared/relay/frames.ts';
import { type Bytes, fromHex, toHex } from '../../../shared/wire/bytes.ts';
import { DecodeError } from '../../../shared/wire/errors.ts';

const FRAMES: readonly {
  readonly hex: string;
  readonly records: readonly (readonly [ChannelNumber, string])[];
}[] = [
  { hex: '00 0001 aa', records: [[Channel.ike, 'aa']] },
  { hex: '01 0003 010203', records: [[Channel.natt, '010203']] },
  { hex: '02 0002 0102', records: [[Channel.esp, '0102']] },
  {
    hex: '03 0002 c802 00 0001 ff 01 0001 ff',
    records: [
      [Channel.l2tp, 'c802'],
      [Channel.ike, 'ff'],
      [Channel.natt, 'ff'],
    ],
  },
  { hex: `01 0100 ${'5a'.repeat(256)}`, records: [[Channel.natt, '5a'.repeat(256)]] },
];

const MALFORMED: readonly (readonly [reason: string, hex: string])[] = [
  ['empty frame', ''],
  ['truncated record header', '00'],
  ['truncated record header', '00 00'],
  ['truncated record header', '00 0001 aa 01'],
  ['truncated record', '00 0002 aa'],
  ['truncated record', '00 0001'],
  ['empty record', '00 0000'],
  ['empty record', '00 0001 aa 01 0000'],
  ['unknown channel', '04 0001 aa'],
  ['unknown channel', 'ff 0001 aa'],
  ['record too long', '01 ffe4'],
];

function records(frame: Bytes): [number, string][] {
  const out: [number, string][] = [];
  forEachRecord(frame, (channel, start, end) => {
    out.push([channel, toHex(frame.subarray(start, end))]);
  });
  return out;
}

function reason(frame: Bytes): string {
  try {
    forEachRecord(frame, () => {
      throw new Error('visited a record of a bad frame');
    });
  } catch (error) {
    if (error instanceof DecodeError) return error.reason;
    throw error;
  }
  return 'none';
}

describe('forEachRecord', () => {
  test.each(FRAMES)('$hex', ({ hex, records: expected }) => {
    expect(records(fromHex(hex))).toEqual(expected);
  });

  test.each(MALFORMED)('%s: %s', (expected, hex) => {
    expect(reason(fromHex(hex))).toBe(expected);
  });

  test('a frame above the limit is refused', () => {
    expect(reason(new Uint8Array(FRAME_BYTES_LIMIT + 1))).toBe('frame too long');
  });

  test('a channel that is not open is refused before anything is visited', () => {
    const visit = () => expect.unreachable();
    expect(() => forEachRecord(fromHex('00 0001 aa 02 0001 aa'), visit, false)).toThrow(
      'channel not open',
    );
  });

  test('visits nothing when a later record is bad', () => {
    expect(reason(fromHex('00 0001 aa 09 0001 aa'))).toBe('unknown channel');
  });
});

describe('FrameWriter', () => {
  test.each(FRAMES)('$hex', ({ hex, records: input }) => {
    const writer = new FrameWriter();
    for (const [channel, body] of input) {
      const bytes = fromHex(`eeee ${body} ee`);
      expect(writer.append(channel, bytes, 2, bytes.length - 1)).toBe(false);
    }
    expect(toHex(writer.take()!)).toBe(toHex(fromHex(hex)));
    expect(writer.take()).toBeUndefined();
    expect(writer.length).toBe(0);
  });

  test('takes a complete record as it takes its parts', () => {
    const writer = new FrameWriter();
    const record = fromHex('ee 01 0003 010203 ee');
    expect(writer.appendRecord(record, 1, 7)).toBe(false);
    writer.append(Channel.natt, record, 4, 7);
    expect(toHex(writer.take()!)).toBe('010003010203010003010203');
    for (const [start, end] of [
      [0, 7],
      [1, 6],
      [1, 8],
      [1, 3],
      [-1, 5],
      [1, 9],
    ] as const) {
      expect(() => writer.appendRecord(record, start, end)).toThrow(RangeError);
    }
    expect(() => writer.appendRecord(fromHex('01 0000'), 0, 3)).toThrow(RangeError);
    expect(writer.take()).toBeUndefined();
  });

  test('a frame taken is not changed by later records', () => {
    const writer = new FrameWriter();
    writer.append(Channel.ike, fromHex('aa'), 0, 1);
    const frame = writer.take()!;
    writer.append(Channel.natt, fromHex('bb'), 0, 1);
    expect(toHex(frame)).toBe('000001aa');
  });

  test('a frame given back lends its memory to another, unless it was small', () => {
    const writer = new FrameWriter(100);
    const write = (length: number): Bytes => {
      writer.append(Channel.natt, new Uint8Array(length).fill(length), 0, length);
      return writer.take()!;
    };
    const first = write(90);
    writer.recycle(first);
    const second = write(30);
    expect(second.buffer).toBe(first.buffer);
    expect(toHex(second)).toBe(`01001e${'1e'.repeat(30)}`);
    expect(write(30).buffer).not.toBe(first.buffer);
    writer.recycle(new Uint8Array(99));
    expect(write(30).buffer.byteLength).not.toBe(99);
  });

  test('memory that is too small for a record is left', () => {
    const writer = new FrameWriter(100);
    writer.recycle(new Uint8Array(100));
    writer.append(Channel.natt, new Uint8Array(200).fill(7), 0, 200);
    expect(toHex(writer.take()!)).toBe(`0100c8${'07'.repeat(200)}`);
  });

  test('asks for the frame from its flush size on', () => {
    const writer = new FrameWriter(100);
    const record = new Uint8Array(47);
    expect(writer.append(Channel.natt, record, 0, 46)).toBe(false);
    expect(writer.append(Channel.natt, record, 0, 47)).toBe(false);
    expect(writer.length).toBe(99);
    expect(writer.append(Channel.natt, record, 0, 1)).toBe(true);
  });

  test('the largest record fits behind any frame that is not due', () => {
    const writer = new FrameWriter();
    writer.append(Channel.natt, new Uint8Array(FLUSH_BYTES), 0, FLUSH_BYTES - RECORD_HEADER - 1);
    const largest = new Uint8Array(RECORD_BYTES_LIMIT);
    expect(writer.append(Channel.natt, largest, 0, largest.length)).toBe(true);
    expect(records(writer.take()!)).toHaveLength(2);
  });

  test('its memory ends at the frame limit', () => {
    const writer = new FrameWriter();
    const record = new Uint8Array(60_000);
    writer.append(Channel.natt, record, 0, record.length);
    writer.append(Channel.natt, record, 0, record.length);
    expect(() => writer.append(Channel.natt, record, 0, record.length)).toThrow(RangeError);
  });

  test.each([
    ['empty', 0, 0],
    ['reversed', 2, 1],
    ['before the beginning', -1, 1],
    ['past the end', 0, 5],
  ])('an %s record is the caller’s error', (_name, start, end) => {
    expect(() => new FrameWriter().append(Channel.ike, new Uint8Array(4), start, end)).toThrow(
      RangeError,
    );
  });

  test('a record above the limit is the caller’s error', () => {
    const bytes = new Uint8Array(RECORD_BYTES_LIMIT + 1);
    expect(() => new FrameWriter().append(Channel.ike, bytes, 0, bytes.length)).toThrow(RangeError);
  });

  test.each([0, -1, Number.NaN, FRAME_BYTES_LIMIT])('a flush size of %s is refused', (size) => {
    expect(() => new FrameWriter(size)).toThrow(RangeError);
  });
});
