import { describe, expect, it } from 'vitest';
import {
  decodeSegment,
  encodeSegment,
  headerLength,
  Segment,
  TCP_HEADER,
  TcpFlag,
} from '../../../shared/ip/tcp/segment.ts';
import { fromHex, toHex } from '../../../shared/wire/bytes.ts';
import { DecodeError } from '../../../shared/wire/errors.ts';

function segment(fields: Partial<Segment>, sack: readonly number[] = []): Segment {
  const made = Object.assign(new Segment(), fields);
  made.sackCount = sack.length / 2;
  made.sackEdges.set(sack);
  return made;
}

const ports = { sourcePort: 49_152, destinationPort: 80 };
const table: Record<string, [Segment, string]> = {
  'SYN with every option': [
    segment({
      ...ports,
      sequence: 0x01020304,
      flags: TcpFlag.syn,
      window: 65_535,
      maximumSegmentSize: 1360,
      windowScale: 7,
      sackPermitted: true,
      hasTimestamps: true,
      timestamp: 0xaabbccdd,
      timestampEcho: 0,
    }),
    'c0000050 01020304 00000000 b002ffff 00000000 02040550 01030307 01010402 0101080a aabbccdd 00000000',
  ],
  'acknowledgment without options': [
    segment({ ...ports, sequence: 1, acknowledgment: 0xffffffff, flags: TcpFlag.ack, window: 5 }),
    'c0000050 00000001 ffffffff 50100005 00000000',
  ],
  'acknowledgment with timestamps and SACK': [
    segment(
      {
        ...ports,
        flags: TcpFlag.ack,
        hasTimestamps: true,
        timestamp: 1,
        timestampEcho: 2,
      },
      [10, 20, 0xfffffff0, 5],
    ),
    'c0000050 00000000 00000000 d0100000 00000000 0101080a 00000001 00000002 01010512 0000000a 00000014 fffffff0 00000005',
  ],
  FIN: [
    segment({ ...ports, flags: TcpFlag.fin | TcpFlag.ack | TcpFlag.psh }),
    'c0000050 00000000 00000000 50190000 00000000',
  ],
};

function decode(hex: string): Segment {
  const bytes = fromHex(hex);
  const into = new Segment();
  decodeSegment(into, bytes, 0, bytes.length);
  return into;
}

describe('TCP header', () => {
  for (const [name, [value, hex]] of Object.entries(table)) {
    it(`${name}: both ways`, () => {
      const bytes = new Uint8Array(60);
      const length = encodeSegment(value, bytes, 0);
      expect(length).toBe(headerLength(value));
      expect(toHex(bytes.subarray(0, length))).toBe(hex.replaceAll(' ', ''));
      const back = decode(hex);
      value.dataStart = length;
      value.dataEnd = length;
      expect(back).toEqual(value);
    });

    it(`${name}: every prefix of it is refused`, () => {
      const bytes = fromHex(hex);
      for (let end = 0; end < bytes.length; end++) {
        expect(() => decodeSegment(new Segment(), bytes, 0, end)).toThrow(DecodeError);
      }
    });
  }

  it('at most three SACK blocks beside timestamps', () => {
    const full = segment({ ...ports, hasTimestamps: true }, [1, 2, 3, 4, 5, 6, 7, 8]);
    expect(headerLength(full)).toBe(TCP_HEADER + 12 + 28);
    full.hasTimestamps = false;
    expect(headerLength(full)).toBe(TCP_HEADER + 36);
  });

  it('skips unknown options and known ones of a wrong length; the end option ends', () => {
    const header = 'c0000050 00000000 00000000 80020000 00000000';
    const skipped = decode(`${header} fd04abcd 0203ff 01 040201 00`);
    expect(skipped.maximumSegmentSize).toBe(0);
    expect(skipped.sackPermitted).toBe(true);
    const ended = decode(`${header} 00 020405b4 010101 01010101`);
    expect(ended.maximumSegmentSize).toBe(0);
  });

  it('refuses options that run over, or of length 0 or 1', () => {
    const header = 'c0000050 00000000 00000000 60020000 00000000';
    for (const options of ['02050000', '02000000', '02010000', '01010102']) {
      expect(() => decode(header + options)).toThrow(DecodeError);
    }
  });

  it('data follows the options', () => {
    const made = decode('c0000050 00000000 00000000 50180000 00000000 616263');
    expect([made.dataStart, made.dataEnd, made.dataLength]).toEqual([20, 23, 3]);
  });
});
