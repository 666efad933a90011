import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from '../../shared/ip/address.ts';
import { decodeReply, encodeQuestion } from '../../shared/ip/dns-message.ts';
import { FRAGMENT_BYTES_LIMIT, Reassembly } from '../../shared/ip/fragments.ts';
import { IpHeader } from '../../shared/ip/header.ts';
import { Receiver } from '../../shared/ip/tcp/receiver.ts';
import { ByteRing } from '../../shared/ip/tcp/ring.ts';
import { decodeSegment, encodeSegment, Segment } from '../../shared/ip/tcp/segment.ts';
import { toPosition, toWire } from '../../shared/ip/tcp/sequence.ts';
import { checksumAdd, checksumFinish } from '../../shared/wire/checksum.ts';
import { DecodeError } from '../../shared/wire/errors.ts';
import { SpareMemory } from '../../shared/wire/spare-memory.ts';
import { asPacket } from '../support/ip-pair.ts';
import { Script } from '../support/segments.ts';

const u32 = fc.nat({ max: 0xffffffff });
const bytes = (max: number) =>
  fc.uint8Array({ maxLength: max }).map((each) => new Uint8Array(each));

describe('addresses', () => {
  const either = fc.constantFrom(4, 16).chain((length) =>
    // Zeros are what the shortest form of IPv6 is about.
    fc.array(fc.oneof(fc.constant(0), fc.nat({ max: 255 })), {
      minLength: length,
      maxLength: length,
    }),
  );

  it('bytes and text say the same', () => {
    fc.assert(
      fc.property(either, (address) => {
        const made = Uint8Array.from(address);
        expect(parseAddress(formatAddress(made))).toEqual(made);
      }),
    );
  });

  it('the text is what a URL would make of it', () => {
    fc.assert(
      fc.property(either, (address) => {
        const text = formatAddress(Uint8Array.from(address));
        const host = text.includes(':') ? `[${text}]` : text;
        expect(new URL(`http://${host}/`).hostname).toBe(host);
      }),
    );
  });

  it('what is no address for a URL is none here', () => {
    const text = fc.string({ unit: fc.constantFrom(...'0123456789abcf:.'), maxLength: 20 });
    fc.assert(
      fc.property(text, (text) => {
        const parsed = parseAddress(text);
        if (parsed?.length === 16) expect(URL.canParse(`http://[${text}]/`)).toBe(true);
        if (text.includes(':') && parsed === undefined) {
          expect(URL.canParse(`http://[${text}]/`)).toBe(false);
        }
      }),
    );
  });
});

describe('sequence numbers', () => {
  it('a position near enough comes back from the wire', () => {
    const near = fc.nat({ max: 2 ** 40 });
    const distance = fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(u32, near, distance, (initial, at, by) => {
        expect(toPosition(initial, at, toWire(initial, at + by))).toBe(at + by);
      }),
    );
  });
});

describe('segments', () => {
  it('decode what was encoded', () => {
    const options = fc.record({
      sequence: u32,
      acknowledgment: u32,
      flags: fc.nat({ max: 255 }),
      window: fc.nat({ max: 65_535 }),
      maximumSegmentSize: fc.nat({ max: 65_535 }),
      windowScale: fc.integer({ min: -1, max: 255 }),
      sackPermitted: fc.boolean(),
      hasTimestamps: fc.constant(true),
      timestamp: u32,
      timestampEcho: u32,
    });
    fc.assert(
      fc.property(options, (fields) => {
        const made = Object.assign(new Segment(), fields);
        const buffer = new Uint8Array(60);
        made.dataStart = made.dataEnd = encodeSegment(made, buffer, 0);
        const back = new Segment();
        decodeSegment(back, buffer, 0, made.dataEnd);
        expect(back).toEqual(made);
      }),
    );
  });

  it('any bytes decode or are a DecodeError', () => {
    fc.assert(
      fc.property(bytes(80), (input) => {
        try {
          decodeSegment(new Segment(), input, 0, input.length);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
    );
  });
});

describe('DNS messages', () => {
  it('any bytes behind a true header decode or are a DecodeError', () => {
    const head = encodeQuestion(7, { name: 'a.corp', type: 'A' });
    fc.assert(
      fc.property(fc.nat({ max: 20 }), fc.nat({ max: 20 }), bytes(120), (answers, more, rest) => {
        const message = new Uint8Array([...head, ...rest]);
        message[2] = 0x80;
        message[7] = answers;
        message[9] = more;
        try {
          decodeReply(message, 7, { name: 'a.corp', type: 'A' });
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
    );
  });
});

describe('reassembly', () => {
  it('stays within its bounds, and never makes up bytes', () => {
    const fragment = fc.record({
      identification: fc.nat({ max: 40 }),
      fragmentOffset: fc.nat({ max: 8191 }).map((each) => 8 * each),
      moreFragments: fc.boolean(),
      dataEnd: fc.nat({ max: 1480 }),
    });
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 400 }), (fragments) => {
        const reassembly = new Reassembly();
        const data = new Uint8Array(1480);
        const addresses = new Uint8Array(8);
        for (const each of fragments) {
          reassembly.add(Object.assign(new IpHeader(), { bytes: addresses, ...each }), data, 0);
          expect(reassembly.held).toBeLessThanOrEqual(FRAGMENT_BYTES_LIMIT);
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('ring', () => {
  it('holds what an array would', () => {
    const steps = fc.array(fc.tuple(fc.nat({ max: 9000 }), fc.nat({ max: 9000 })), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 34 }), steps, (start, moves) => {
        const ring = new ByteRing();
        const model: number[] = [];
        let base = start;
        for (const [add, remove] of moves) {
          const data = new Uint8Array(add).map((_, i) => base + model.length + i);
          ring.reserve(base, base + model.length, base + model.length + add);
          if (add > 0) ring.write(base + model.length, data, 0, add);
          model.push(...data);
          const taken = Math.min(remove, model.length);
          const out = new Uint8Array(taken);
          if (taken > 0) ring.read(base, out, 0, taken);
          expect(out).toEqual(Uint8Array.from(model.splice(0, taken)));
          base += taken;
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('checksum', () => {
  it('is the sum of the words, wherever they lie', () => {
    const words = (part: Uint8Array) =>
      part.reduce((sum, byte, i) => sum + (i % 2 === 0 ? byte * 256 : byte), 0);
    fc.assert(
      fc.property(bytes(300), fc.nat({ max: 300 }), fc.nat({ max: 300 }), (input, a, b) => {
        const end = Math.min(input.length, Math.max(a, b));
        const start = Math.min(end, a, b);
        const from = new Uint8Array([7, ...input]).subarray(1);
        expect(checksumAdd(5, from, start, end)).toBe(5 + words(input.slice(start, end)));
      }),
    );
  });
});

describe('receiver', () => {
  it('delivers each byte once and in order, however it is cut', () => {
    const length = 600;
    // Where, how much, and, when it is the last of its burst, how much memory is left over.
    const spareSize = fc.option(fc.nat({ max: 200 }), { nil: undefined });
    const cut = fc.tuple(fc.nat({ max: length }), fc.nat({ max: 80 }), spareSize);
    fc.assert(
      fc.property(fc.array(cut, { maxLength: 60 }), (cuts) => {
        const receiver = new Receiver(4096);
        const stream = new Uint8Array(length).map((_, i) => i % 251);
        const got: number[] = [];
        const spare = new SpareMemory();
        const whole: [number, number, number] = [0, length, 0];
        for (const [at, size, left] of [...cuts, whole]) {
          const end = Math.min(length, at + size);
          receiver.accept(1 + at, stream, at, end - at, end === length, 0);
          if (left === undefined) continue;
          spare.give(new Uint8Array(left).fill(0xff));
          got.push(...(receiver.take(spare) ?? []));
        }
        expect(Uint8Array.from(got)).toEqual(stream);
        expect(receiver.finished).toBe(true);
        expect(receiver.sackBlocks(new Float64Array(8))).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('stack', () => {
  it('any bytes never throw', () => {
    const script = new Script();
    script.connect();
    fc.assert(
      fc.property(bytes(100), fc.boolean(), (input, mend) => {
        if (mend && input.length >= 20) {
          input[0] = 0x45;
          input.set([input.length >> 8, input.length], 2);
          input.set([0, 0], 6);
          input.set([10, 0, 0, 2, 10, 0, 0, 1], 12);
          input.set([0, 0], 10);
          const sum = checksumFinish(checksumAdd(0, input, 0, 20));
          input.set([sum >> 8, sum & 0xff], 10);
        }
        script.tell({ kind: 'packets', packets: [asPacket(input)] });
      }),
      { numRuns: 500 },
    );
  });

  it('any well-formed segments and commands: no throw, no busy timer, bounded output', () => {
    const segment = fc.record({
      flags: fc.constantFrom('A', 'FA', 'R', 'S', 'SA', 'PA', 'RA', ''),
      seq: fc.integer({ min: -50, max: 3000 }),
      ack: fc.integer({ min: -50, max: 3000 }),
      data: fc.nat({ max: 200 }).map((length) => 'x'.repeat(length)),
      window: fc.constantFrom(0, 1, 100, 65_535),
      sack: fc.array(fc.tuple(fc.nat({ max: 3000 }), fc.nat({ max: 3000 })), { maxLength: 3 }),
    });
    const step = fc.oneof(
      segment.map((line) => (script: Script) => script.receive(line)),
      fc.nat({ max: 5000 }).map((millis) => (script: Script) => script.wait(millis)),
      fc.nat({ max: 3000 }).map((length) => (script: Script) => script.write('y'.repeat(length))),
      fc.constant((script: Script) => script.tell({ kind: 'tcp-shutdown', socket: 1 })),
      fc.constant((script: Script) => script.tell({ kind: 'hold' })),
      fc.constant((script: Script) => script.tell({ kind: 'resume' })),
      fc
        .nat({ max: 500 })
        .map(
          (length) => (script: Script) => script.tell({ kind: 'tcp-consumed', socket: 1, length }),
        ),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const script = new Script({ limits: { sendBuffer: 5000, receiveBuffer: 3000 } });
        script.connect();
        for (const act of steps) act(script);
        expect(script.sent().length).toBeLessThan(2000);
      }),
      { numRuns: 200 },
    );
  });
});
