import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_INCOMPLETE, Reassembly } from '../../../shared/ike/reassembly.ts';
import { decodeFragment, fragmentMessage, isFragment } from '../../../shared/isakmp/fragment.ts';
import {
  decodeMessage,
  encodeMessage,
  MAX_MESSAGE_LENGTH,
} from '../../../shared/isakmp/message.ts';
import { HeaderFlag } from '../../../shared/isakmp/numbers.ts';
import { type Bytes, toHex } from '../../../shared/wire/bytes.ts';
import { DecodeError } from '../../../shared/wire/errors.ts';

function message(length: number, seed = 1, messageId = 0): Bytes {
  return encodeMessage({
    header: {
      initiatorCookie: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
      responderCookie: Uint8Array.of(9, 10, 11, 12, 13, 14, 15, 16),
      exchangeType: 2,
      flags: HeaderFlag.encryption,
      messageId,
    },
    firstPayload: 5,
    body: Uint8Array.from({ length }, (_, i) => (i * seed) & 0xff),
  });
}

/** What a receiver has after these, in this order. */
function gather(reassembly: Reassembly, pieces: readonly Bytes[], now = 0): (Bytes | undefined)[] {
  return pieces.map((piece) => reassembly.add(decodeMessage(piece), now));
}

describe('a fragment', () => {
  test('has id 1, its number, and says whether it is the last', () => {
    const pieces = fragmentMessage(message(20), 28 + 8 + 40);
    expect(pieces).toHaveLength(2);
    const [first, second] = pieces.map((piece) => decodeMessage(piece));
    expect(first!.firstPayload).toBe(132);
    // It is no encrypted message, though what it is a part of is one.
    expect(first!.header.flags).toBe(0);
    expect(toHex(first!.body.slice(0, 8))).toBe('0000003000010100');
    expect(toHex(second!.body.slice(0, 8))).toBe('0000001000010201');
    expect(decodeFragment(second!)).toMatchObject({ id: 1, number: 2, isLast: true });
  });

  test.each([552, 576, 1_280])('of %i bytes at most', (size) => {
    const whole = message(4_000);
    const pieces = fragmentMessage(whole, size);
    expect(Math.max(...pieces.map(({ length }) => length))).toBe(size);
    expect(gather(new Reassembly(), pieces).at(-1)).toEqual(whole);
  });

  test('needs room, and no more than 255', () => {
    expect(() => fragmentMessage(message(20), 36)).toThrow(RangeError);
    expect(() => fragmentMessage(message(2_000), 40)).toThrow(RangeError);
  });

  test.each([
    ['number 0', '0000000900010001aa'],
    ['nothing in it', '0000000800010101'],
    ['a wrong length', '0000000a00010101aa'],
    ['a payload behind it', '0500000900010101aa'],
    ['its header cut', '000000060001'],
  ])('with %s is refused', (_name, hex) => {
    const whole = decodeMessage(fragmentMessage(message(20), 200)[0]!);
    const body = Uint8Array.from(hex.match(/../g)!, (byte) => Number.parseInt(byte, 16));
    expect(isFragment(whole)).toBe(true);
    expect(() => decodeFragment({ ...whole, body })).toThrow(DecodeError);
  });
});

describe('reassembly', () => {
  test('in any order, with repetitions', () => {
    const whole = message(900);
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6 }), (order) => {
        const pieces = fragmentMessage(whole, 200);
        expect(pieces).toHaveLength(6);
        const reassembly = new Reassembly();
        const found = gather(
          reassembly,
          order.flatMap((i) => [pieces[i]!, pieces[i]!]).slice(0, -1),
        );
        expect(found.filter((each) => each !== undefined)).toEqual([whole]);
        expect(found.at(-1)).toEqual(whole);
      }),
      { numRuns: 50 },
    );
  });

  test('messages one after the other have the same fragment id', () => {
    const reassembly = new Reassembly();
    const [a, b] = [message(300, 3), message(300, 5)];
    const [piecesA, piecesB] = [a, b].map((each) => fragmentMessage(each, 200));
    expect(gather(reassembly, [piecesA![0]!, ...piecesB!]).at(-1)).toEqual(b);
    expect(gather(reassembly, piecesA!).at(-1)).toEqual(a);
  });

  test('a shorter message takes the place of a longer one that never ended', () => {
    const reassembly = new Reassembly();
    const long = fragmentMessage(message(600, 3), 200);
    const short = message(200, 3);
    gather(reassembly, [long[2]!, long[3]!]);
    // Its first piece could be the longer one's: it is whole when its sender repeats it.
    const pieces = fragmentMessage(short, 200);
    expect(gather(reassembly, [...pieces, ...pieces]).find((each) => each !== undefined)).toEqual(
      short,
    );
  });

  test('the rest is waited for 15 s, and few messages at a time', () => {
    const pieces = fragmentMessage(message(300), 200);
    const late = new Reassembly();
    gather(late, pieces.slice(0, -1));
    expect(gather(late, pieces.slice(-1), 15_001)).toEqual([undefined]);
    const full = new Reassembly();
    const [first, ...others] = Array.from({ length: MAX_INCOMPLETE + 1 }, (_, id) =>
      fragmentMessage(message(300, 1, id), 200),
    );
    for (const each of [first!, ...others]) gather(full, each.slice(0, -1));
    expect(gather(full, first!.slice(-1))).toEqual([undefined]);
    expect(gather(full, others.at(-1)!.slice(-1))[0]).toBeDefined();
  });

  test('a message beyond all measure is given up', () => {
    const reassembly = new Reassembly();
    const [piece] = fragmentMessage(message(1_200), 1_280);
    const fragment = decodeMessage(piece!);
    let total = 0;
    expect(() => {
      for (let number = 1; number < 255; number++) {
        const body = fragment.body.slice();
        body[6] = number;
        body[7] = 0;
        total += body.length;
        reassembly.add({ ...fragment, body }, 0);
      }
    }).toThrow(DecodeError);
    expect(total).toBeLessThan(MAX_MESSAGE_LENGTH + 2_000);
  });
});
