/**
 * DES, one block, encryption only: what MS-CHAPv2 needs and no library we use has.
 * FIPS 46-3 for the cipher, RFC 2759 §8.6 for the 7-byte key.
 * Left out: decryption, modes, speed, and constant time; a look-up here tells at most something of a
 * password hash to code that shares the tab's worker, which holds the password itself.
 */
import type { Bytes } from '../wire/bytes.ts';

/** FIPS 46-3 tables; bits are numbered from 1, the most significant first. */
const IP = [
  58, 50, 42, 34, 26, 18, 10, 2, 60, 52, 44, 36, 28, 20, 12, 4, 62, 54, 46, 38, 30, 22, 14, 6, 64,
  56, 48, 40, 32, 24, 16, 8, 57, 49, 41, 33, 25, 17, 9, 1, 59, 51, 43, 35, 27, 19, 11, 3, 61, 53,
  45, 37, 29, 21, 13, 5, 63, 55, 47, 39, 31, 23, 15, 7,
] as const;

const FP = [
  40, 8, 48, 16, 56, 24, 64, 32, 39, 7, 47, 15, 55, 23, 63, 31, 38, 6, 46, 14, 54, 22, 62, 30, 37,
  5, 45, 13, 53, 21, 61, 29, 36, 4, 44, 12, 52, 20, 60, 28, 35, 3, 43, 11, 51, 19, 59, 27, 34, 2,
  42, 10, 50, 18, 58, 26, 33, 1, 41, 9, 49, 17, 57, 25,
] as const;

const E = [
  32, 1, 2, 3, 4, 5, 4, 5, 6, 7, 8, 9, 8, 9, 10, 11, 12, 13, 12, 13, 14, 15, 16, 17, 16, 17, 18, 19,
  20, 21, 20, 21, 22, 23, 24, 25, 24, 25, 26, 27, 28, 29, 28, 29, 30, 31, 32, 1,
] as const;

const P = [
  16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13,
  30, 6, 22, 11, 4, 25,
] as const;

const PC1 = [
  57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60,
  52, 44, 36, 63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21,
  13, 5, 28, 20, 12, 4,
] as const;

const PC2 = [
  14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2, 41, 52,
  31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
] as const;

const SHIFTS = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1] as const;

/** S1 to S8, each four rows of sixteen entries, one hexadecimal digit an entry. */
const S = [
  'e4d12fb83a6c59070f74e2d1a6cb953841e8d62bfc973a50fc8249175b3ea06d',
  'f18e6b34972dc05a3d47f28ec01a69b50e7ba4d158c6932fd8a13f42b67c05e9',
  'a09e63f51dc7b428d709346a285ecbf1d6498f30b12c5ae71ad069874fe3b52c',
  '7de3069a1285bc4fd8b56f03472c1ae9a690cb7df13e52843f06a1d8945bc72e',
  '2c417ab6853fd0e9eb2c47d150fa3986421bad78f9c5630eb8c71e2d6f09a453',
  'c1af92680d34e75baf427c9561de0b389ef528c3704a1db6432c95fabe17608d',
  '4b2ef08d3c975a61d0b7491ae35c2f8614bdc37eaf6805926bd814a7950fe23c',
  'd2846fb1a93e50c71fd8a374c56b0e927b419ce206adf35821e74a8dfc90356b',
].map((digits) => Uint8Array.from(digits, (digit) => Number.parseInt(digit, 16)));

/** One bit an element. */
type Bits = Uint8Array;

/** Encrypts the 8-byte `block` under a key of 7 bytes, to which the parity bits are added. */
export function desEncrypt(key: Bytes, block: Bytes): Bytes {
  if (key.length !== 7) throw new RangeError('key: must be 7 bytes');
  if (block.length !== 8) throw new RangeError('block: must be 8 bytes');
  let [left, right] = halves(permute(toBits(block), IP));
  for (const roundKey of roundKeys(expandKey(key))) {
    const mixed = feistel(right, roundKey);
    [left, right] = [right, left.map((bit, i) => bit ^ mixed[i]!)];
  }
  return fromBits(permute(join(right, left), FP));
}

/** Seven bits to a byte, the low bit left for parity, which the cipher ignores. @rfc 2759 §8.6 */
export function expandKey(key: Bytes): Bytes {
  const out = new Uint8Array(8);
  for (let i = 0; i < 8; i++) {
    const above = i === 0 ? 0 : key[i - 1]! << (8 - i);
    const below = i === 7 ? 0 : key[i]! >>> i;
    out[i] = (above | below) & 0xfe;
  }
  return out;
}

function roundKeys(key: Bytes): Bits[] {
  let [c, d] = halves(permute(toBits(key), PC1));
  return SHIFTS.map((shift) => {
    c = join(c.subarray(shift), c.subarray(0, shift));
    d = join(d.subarray(shift), d.subarray(0, shift));
    return permute(join(c, d), PC2);
  });
}

function feistel(half: Bits, roundKey: Bits): Bits {
  const wide = permute(half, E).map((bit, i) => bit ^ roundKey[i]!);
  const out = new Uint8Array(32);
  for (const [box, entries] of S.entries()) {
    const six = wide.subarray(6 * box, 6 * box + 6);
    const row = 2 * six[0]! + six[5]!;
    const column = 8 * six[1]! + 4 * six[2]! + 2 * six[3]! + six[4]!;
    const value = entries[16 * row + column]!;
    for (let i = 0; i < 4; i++) out[4 * box + i] = (value >>> (3 - i)) & 1;
  }
  return permute(out, P);
}

function permute(bits: Bits, table: readonly number[]): Bits {
  return Uint8Array.from(table, (place) => bits[place - 1]!);
}

function halves(bits: Bits): [Bits, Bits] {
  const middle = bits.length / 2;
  return [bits.subarray(0, middle), bits.subarray(middle)];
}

function join(a: Bits, b: Bits): Bits {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

function toBits(bytes: Bytes): Bits {
  return Uint8Array.from(
    { length: 8 * bytes.length },
    (_, i) => (bytes[i >>> 3]! >>> (7 - (i & 7))) & 1,
  );
}

function fromBits(bits: Bits): Bytes {
  const out = new Uint8Array(bits.length / 8);
  for (const [i, bit] of bits.entries()) out[i >>> 3] = out[i >>> 3]! | (bit << (7 - (i & 7)));
  return out;
}
