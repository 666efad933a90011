/** Damage to a message, as data: what fuzzers do to something valid. */
import fc from 'fast-check';
import { type Bytes, concat } from '../../../shared/wire/bytes.ts';

/** Places and lengths are taken modulo the message's, so that each means something everywhere. */
export type Mutation =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'set'; readonly at: number; readonly value: number }
  /** A 16-bit number somewhere: lengths and counts are such. */
  | { readonly kind: 'number'; readonly at: number; readonly value: number }
  /** The same, a little more or less than it was. */
  | { readonly kind: 'add'; readonly at: number; readonly by: number }
  | { readonly kind: 'truncate'; readonly at: number }
  | { readonly kind: 'extend'; readonly by: Uint8Array }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'remove'; readonly at: number; readonly length: number }
  /** A piece occurs again right behind itself, `times` times. */
  | {
      readonly kind: 'repeat';
      readonly at: number;
      readonly length: number;
      readonly times: number;
    }
  /** Two neighbouring pieces change places. */
  | { readonly kind: 'swap'; readonly at: number; readonly length: number };

const place = fc.nat({ max: 4095 });
const short = fc.integer({ min: 1, max: 64 });
/** Numbers at which code tends to break. */
const edge = fc.constantFrom(
  0,
  1,
  2,
  3,
  4,
  5,
  7,
  8,
  0x7f,
  0x80,
  0xff,
  0x100,
  0x7fff,
  0x8000,
  0xffff,
);

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: place, bit: fc.nat({ max: 7 }) }),
  fc.record({ kind: fc.constant('set' as const), at: place, value: fc.nat({ max: 255 }) }),
  fc.record({
    kind: fc.constant('number' as const),
    at: place,
    value: fc.oneof(edge, fc.nat({ max: 0xffff })),
  }),
  fc.record({
    kind: fc.constant('add' as const),
    at: place,
    by: fc.constantFrom(-8, -4, -2, -1, 1, 2, 4, 8),
  }),
  fc.record({ kind: fc.constant('truncate' as const), at: place }),
  fc.record({ kind: fc.constant('extend' as const), by: fc.uint8Array({ maxLength: 32 }) }),
  fc.record({
    kind: fc.constant('insert' as const),
    at: place,
    bytes: fc.uint8Array({ maxLength: 16 }),
  }),
  fc.record({ kind: fc.constant('remove' as const), at: place, length: short }),
  fc.record({
    kind: fc.constant('repeat' as const),
    at: place,
    length: short,
    times: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constantFrom(70, 300)),
  }),
  fc.record({ kind: fc.constant('swap' as const), at: place, length: short }),
);

/** Mostly little damage: much of it is refused at the first look. */
export const mutations: fc.Arbitrary<readonly Mutation[]> = fc.array(mutation, { maxLength: 4 });

export const octets = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });

export function mutate(message: Uint8Array, changes: readonly Mutation[], most = 65_507): Bytes {
  let bytes = concat(message);
  for (const change of changes) bytes = apply(bytes, change).slice(0, most);
  return bytes;
}

function apply(bytes: Bytes, change: Mutation): Bytes {
  if (change.kind === 'extend') return concat(bytes, change.by);
  const { length } = bytes;
  if (length === 0) return bytes;
  const at = change.at % length;
  const out = bytes.slice();
  switch (change.kind) {
    case 'flip':
      out[at] = out[at]! ^ (1 << change.bit);
      return out;
    case 'set':
      out[at] = change.value;
      return out;
    case 'number':
      return number16(out, at, change.value);
    case 'add':
      return number16(out, at, ((bytes[at]! << 8) | (bytes[at + 1] ?? 0)) + change.by);
    case 'truncate':
      return out.slice(0, at);
    case 'insert':
      return concat(bytes.slice(0, at), change.bytes, bytes.slice(at));
    case 'remove':
      return concat(bytes.slice(0, at), bytes.slice(at + change.length));
    case 'repeat': {
      const piece = bytes.slice(at, at + change.length);
      const copies = Array.from({ length: change.times }, () => piece);
      return concat(bytes.slice(0, at), ...copies, bytes.slice(at));
    }
    case 'swap': {
      const middle = at + change.length;
      const end = middle + change.length;
      const [first, second] = [bytes.slice(at, middle), bytes.slice(middle, end)];
      return concat(bytes.slice(0, at), second, first, bytes.slice(end));
    }
  }
}

function number16(bytes: Bytes, at: number, value: number): Bytes {
  bytes[at] = value >>> 8;
  if (at + 1 < bytes.length) bytes[at + 1] = value;
  return bytes;
}
