import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasShape } from '../../relay/shape.ts';
import { Channel, type ChannelNumber, UDP_CHANNEL_NAMES } from '../../shared/relay/channels.ts';
import { REFUSALS, type RefusalCode } from '../../shared/relay/close-codes.ts';
import {
  decodeControlFromRelay,
  decodeControlFromTab,
  encodeControl,
} from '../../shared/relay/control.ts';
import { FrameWriter, forEachRecord } from '../../shared/relay/frames.ts';
import { type Bytes, toHex } from '../../shared/wire/bytes.ts';
import { DecodeError } from '../../shared/wire/errors.ts';

const channel = fc.constantFrom<ChannelNumber>(...Object.values(Channel));
const record = fc.tuple(channel, fc.uint8Array({ minLength: 1, maxLength: 300 }));

/** What `decode` answers, or undefined where it throws a `DecodeError`; anything else it throws is passed on. */
function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function records(frame: Bytes): [number, string][] {
  const out: [number, string][] = [];
  forEachRecord(frame, (number, start, end) => {
    out.push([number, toHex(frame.subarray(start, end))]);
  });
  return out;
}

describe('frames', () => {
  test('what was appended comes out, in order', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 40 }), (input) => {
        const writer = new FrameWriter();
        for (const [number, bytes] of input) writer.append(number, bytes, 0, bytes.length);
        expect(records(writer.take()!)).toEqual(input.map(([n, bytes]) => [n, toHex(bytes)]));
      }),
    );
  });

  test('a prefix is refused unless it ends where a record ends', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 4 }), (input) => {
        const writer = new FrameWriter();
        const ends = new Set<number>();
        for (const [number, bytes] of input) {
          writer.append(number, bytes, 0, bytes.length);
          ends.add(writer.length);
        }
        const frame = writer.take()!;
        for (let length = 0; length <= frame.length; length++) {
          const found = decoded(() => records(frame.slice(0, length)));
          expect(found !== undefined).toBe(ends.has(length));
        }
      }),
      { numRuns: 30 },
    );
  });

  test('arbitrary bytes return or throw DecodeError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        decoded(() => records(new Uint8Array(bytes)));
      }),
    );
  });
});

describe('control messages', () => {
  test('refusals survive the way', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...(Object.keys(REFUSALS) as RefusalCode[])),
        fc.string({ minLength: 1, maxLength: 300 }),
        (code, message) => {
          const refused = { type: 'refused', code, message } as const;
          expect(decodeControlFromRelay(encodeControl(refused))).toEqual(refused);
        },
      ),
    );
  });

  test('arbitrary text and arbitrary JSON return or throw DecodeError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), near()), (text) => {
        decoded(() => decodeControlFromTab(text));
        decoded(() => decodeControlFromRelay(text));
      }),
    );
  });
});

/** Messages that are almost right. */
function near(): fc.Arbitrary<string> {
  const ports = fc.record(
    Object.fromEntries(UDP_CHANNEL_NAMES.map((name) => [name, fc.anything()])),
    { requiredKeys: [] },
  );
  return fc
    .record(
      {
        type: fc.constantFrom(
          ...['open', 'opened', 'move', 'claim', 'claimed', 'claim-refused', 'release'],
          ...['refused', 'unreachable'],
        ),
        gateway: fc.anything(),
        spi: fc.anything(),
        code: fc.anything(),
        nat: fc.anything(),
        local: ports,
        remote: ports,
        channels: fc.anything(),
        mtu: fc.anything(),
        limits: fc.anything(),
      },
      { requiredKeys: ['type'] },
    )
    .map((value) =>
      JSON.stringify(value, (_key, inner) => (typeof inner === 'bigint' ? 0 : inner)),
    );
}

test('the shape filter answers for any bytes and never reads outside of the record', () => {
  fc.assert(
    fc.property(channel, fc.uint8Array({ minLength: 1, maxLength: 64 }), (number, bytes) => {
      const padded = new Uint8Array(bytes.length + 128).fill(0xff);
      padded.set(bytes, 64);
      expect(hasShape(number, padded, 64, 64 + bytes.length)).toBe(
        hasShape(number, bytes, 0, bytes.length),
      );
    }),
  );
});
