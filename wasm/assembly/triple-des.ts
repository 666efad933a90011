/**
 * Triple DES, for gateways that know nothing better. NOT constant time: the S-boxes are tables in memory, read
 * at addresses that depend on key and data. FIPS 46-3 and NIST SP 800-67.
 */

/** The S-boxes as FIPS 46-3 prints them, row after row. */
const BOXES: usize = memory.data<u8>([
  14, 4, 13, 1, 2, 15, 11, 8, 3, 10, 6, 12, 5, 9, 0, 7, 0, 15, 7, 4, 14, 2, 13, 1, 10, 6, 12, 11, 9,
  5, 3, 8, 4, 1, 14, 8, 13, 6, 2, 11, 15, 12, 9, 7, 3, 10, 5, 0, 15, 12, 8, 2, 4, 9, 1, 7, 5, 11, 3,
  14, 10, 0, 6, 13, 15, 1, 8, 14, 6, 11, 3, 4, 9, 7, 2, 13, 12, 0, 5, 10, 3, 13, 4, 7, 15, 2, 8, 14,
  12, 0, 1, 10, 6, 9, 11, 5, 0, 14, 7, 11, 10, 4, 13, 1, 5, 8, 12, 6, 9, 3, 2, 15, 13, 8, 10, 1, 3,
  15, 4, 2, 11, 6, 7, 12, 0, 5, 14, 9, 10, 0, 9, 14, 6, 3, 15, 5, 1, 13, 12, 7, 11, 4, 2, 8, 13, 7,
  0, 9, 3, 4, 6, 10, 2, 8, 5, 14, 12, 11, 15, 1, 13, 6, 4, 9, 8, 15, 3, 0, 11, 1, 2, 12, 5, 10, 14,
  7, 1, 10, 13, 0, 6, 9, 8, 7, 4, 15, 14, 3, 11, 5, 2, 12, 7, 13, 14, 3, 0, 6, 9, 10, 1, 2, 8, 5,
  11, 12, 4, 15, 13, 8, 11, 5, 6, 15, 0, 3, 4, 7, 2, 12, 1, 10, 14, 9, 10, 6, 9, 0, 12, 11, 7, 13,
  15, 1, 3, 14, 5, 2, 8, 4, 3, 15, 0, 6, 10, 1, 13, 8, 9, 4, 5, 11, 12, 7, 2, 14, 2, 12, 4, 1, 7,
  10, 11, 6, 8, 5, 3, 15, 13, 0, 14, 9, 14, 11, 2, 12, 4, 7, 13, 1, 5, 0, 15, 10, 3, 9, 8, 6, 4, 2,
  1, 11, 10, 13, 7, 8, 15, 9, 12, 5, 6, 3, 0, 14, 11, 8, 12, 7, 1, 14, 2, 13, 6, 15, 0, 9, 10, 4, 5,
  3, 12, 1, 10, 15, 9, 2, 6, 8, 0, 13, 3, 4, 14, 7, 5, 11, 10, 15, 4, 2, 7, 12, 9, 5, 6, 1, 13, 14,
  0, 11, 3, 8, 9, 14, 15, 5, 2, 8, 12, 3, 7, 0, 4, 10, 1, 13, 11, 6, 4, 3, 2, 12, 9, 5, 15, 10, 11,
  14, 1, 7, 6, 0, 8, 13, 4, 11, 2, 14, 15, 0, 8, 13, 3, 12, 9, 7, 5, 10, 6, 1, 13, 0, 11, 7, 4, 9,
  1, 10, 14, 3, 5, 12, 2, 15, 8, 6, 1, 4, 11, 13, 12, 3, 7, 14, 10, 15, 6, 8, 0, 5, 9, 2, 6, 11, 13,
  8, 1, 4, 10, 7, 9, 5, 0, 15, 14, 2, 3, 12, 13, 2, 8, 4, 6, 15, 11, 1, 10, 9, 3, 14, 5, 0, 12, 7,
  1, 15, 13, 8, 10, 3, 7, 4, 12, 5, 6, 11, 0, 14, 9, 2, 7, 11, 4, 1, 9, 12, 14, 2, 0, 6, 10, 13, 15,
  3, 5, 8, 2, 1, 14, 7, 4, 10, 8, 13, 15, 12, 9, 0, 3, 5, 6, 11,
]);

/** Permutation P: where each bit of the round function's output comes from, 1 the leftmost. */
const P: usize = memory.data<u8>([
  16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13,
  30, 6, 22, 11, 4, 25,
]);

/** Permuted choices 1 and 2 of the key schedule, and how far it rotates before each round. */
const PC1: usize = memory.data<u8>([
  57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60,
  52, 44, 36, 63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21,
  13, 5, 28, 20, 12, 4,
]);
const PC2: usize = memory.data<u8>([
  14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2, 41, 52,
  31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
]);
const ROTATIONS: usize = memory.data<u8>([1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1]);

/** Each S-box followed by P: 8 tables of 64 words. */
const BOXES_P: usize = memory.data(2048, 64);

function buildBoxes(): void {
  for (let box = 0; box < 8; box++) {
    for (let input = 0; input < 64; input++) {
      const row = ((input >> 4) & 2) | (input & 1);
      const column = (input >> 1) & 15;
      const nibble = <u32>load<u8>(BOXES + (box << 6) + (row << 4) + column);
      const unpermuted = nibble << (28 - (box << 2));
      let word: u32 = 0;
      for (let bit = 0; bit < 32; bit++) {
        word = (word << 1) | ((unpermuted >> (32 - <u32>load<u8>(P + bit))) & 1);
      }
      store<u32>(BOXES_P + (((box << 6) + input) << 2), word);
    }
  }
}

buildBoxes();

/**
 * Writes the schedule of the 24 bytes at `key` to `keys`: 48 round keys of 8 bytes with six bits in each, in the order
 * of encryption, so the middle cipher's, which decrypts, are written backwards. Parity bits are ignored.
 */
export function tripleDesExpandKey(key: usize, keys: usize): void {
  expandOne(load<u64>(key), keys, 8);
  expandOne(load<u64>(key, 8), keys + 248, -8);
  expandOne(load<u64>(key, 16), keys + 256, 8);
}

function expandOne(littleEndianKey: u64, to: usize, step: i32): void {
  const key = bswap<u64>(littleEndianKey);
  let halves: u64 = 0;
  for (let i = 0; i < 56; i++)
    halves = (halves << 1) | ((key >> (64 - <u64>load<u8>(PC1 + i))) & 1);
  for (let round = 0; round < 16; round++) {
    for (let n = load<u8>(ROTATIONS + round); n > 0; n--) {
      // Both 28-bit halves rotate left by one.
      halves = ((halves << 1) & 0xffffffeffffffe) | ((halves >> 27) & 0x10000001);
    }
    for (let chunk = 0; chunk < 8; chunk++) {
      let six: u64 = 0;
      for (let i = chunk * 6; i < chunk * 6 + 6; i++) {
        six = (six << 1) | ((halves >> (56 - <u64>load<u8>(PC2 + i))) & 1);
      }
      store<u8>(to + chunk, <u8>six);
    }
    to += step;
  }
}

/** One block, given and returned as a big-endian number. */
export function tripleDesEncrypt(keys: usize, block: u64): u64 {
  const x = rounds(keys, 8, initialPermutation(block));
  return finalPermutation(rounds(keys + 256, 8, rounds(keys + 128, 8, x)));
}

/** The inverse of `tripleDesEncrypt`: the same 48 rounds from the last to the first. */
export function tripleDesDecrypt(keys: usize, block: u64): u64 {
  const x = rounds(keys + 376, -8, initialPermutation(block));
  return finalPermutation(rounds(keys + 120, -8, rounds(keys + 248, -8, x)));
}

/** 16 rounds and the final exchange of the halves; left half high. */
function rounds(key: usize, step: i32, x: u64): u64 {
  let left = <u32>(x >> 32);
  let right = <u32>x;
  for (let i = 0; i < 16; i++) {
    const k = load<u64>(key);
    let f: u32 = 0;
    // The expansion E: box b reads six bits of the right half, overlapping its neighbours by one.
    f ^= look(0, rotl<u32>(right, 5), k);
    f ^= look(1, rotl<u32>(right, 9), k >> 8);
    f ^= look(2, rotl<u32>(right, 13), k >> 16);
    f ^= look(3, rotl<u32>(right, 17), k >> 24);
    f ^= look(4, rotl<u32>(right, 21), k >> 32);
    f ^= look(5, rotl<u32>(right, 25), k >> 40);
    f ^= look(6, rotl<u32>(right, 29), k >> 48);
    f ^= look(7, rotl<u32>(right, 1), k >> 56);
    const next = left ^ f;
    left = right;
    right = next;
    key += step;
  }
  return ((<u64>right) << 32) | left;
}

function look(box: usize, bits: u32, key: u64): u32 {
  return load<u32>(BOXES_P + (box << 8) + (((bits ^ <u32>key) & 63) << 2));
}

/** IP as five exchanges of bit groups between the halves. */
function initialPermutation(block: u64): u64 {
  let left = <u32>(block >> 32);
  let right = <u32>block;
  let t = ((left >> 4) ^ right) & 0x0f0f0f0f;
  right ^= t;
  left ^= t << 4;
  t = ((left >> 16) ^ right) & 0x0000ffff;
  right ^= t;
  left ^= t << 16;
  t = ((right >> 2) ^ left) & 0x33333333;
  left ^= t;
  right ^= t << 2;
  t = ((right >> 8) ^ left) & 0x00ff00ff;
  left ^= t;
  right ^= t << 8;
  t = ((left >> 1) ^ right) & 0x55555555;
  right ^= t;
  left ^= t << 1;
  return ((<u64>left) << 32) | right;
}

/** The same exchanges in the opposite order. */
function finalPermutation(block: u64): u64 {
  let left = <u32>(block >> 32);
  let right = <u32>block;
  let t = ((left >> 1) ^ right) & 0x55555555;
  right ^= t;
  left ^= t << 1;
  t = ((right >> 8) ^ left) & 0x00ff00ff;
  left ^= t;
  right ^= t << 8;
  t = ((right >> 2) ^ left) & 0x33333333;
  left ^= t;
  right ^= t << 2;
  t = ((left >> 16) ^ right) & 0x0000ffff;
  right ^= t;
  left ^= t << 16;
  t = ((left >> 4) ^ right) & 0x0f0f0f0f;
  right ^= t;
  left ^= t << 4;
  return ((<u64>left) << 32) | right;
}
