/**
 * AES without table look-ups at secret addresses, key expansion included: the S-box is computed in registers by
 * vector permutation (M. Hamburg, "Accelerating AES with Vector Permute Instructions", CHES 2009).
 *
 * A byte is written in the basis of a tower field, where inversion takes four look-ups in 16-entry tables; each
 * table is one vector, each look-up one `swizzle`, whose time does not depend on the index. The constants are
 * those of the public-domain implementation vpaes.
 *
 * ShiftRows is never carried out on the state: MixColumns' rotations of round r are permuted as r ShiftRows
 * would, the round keys are permuted back beforehand, and the last round makes up for all of it at once. The
 * cipher itself is FIPS 197.
 */
import { ROUND_KEYS } from './layout';

/** Pairs of 8-byte halves: one vector of 16 entries per line. */
export const TABLES: usize = memory.data<u64>(
  [
    // Inversion: 1/x, and a/x for the constant a.
    0x0e05060f0d080180, 0x040703090a0b0c02, 0x01040a060f0b0780, 0x030d0e0c02050809,
    // Into the tower basis, low and high nibble, for encryption.
    0xc2b2e8985a2a7000, 0xcabae09052227808, 0x4c01307d317c4d00, 0xcd80b1fcb0fdcc81,
    // S-box output, u and t half.
    0xb19be18fcb503e00, 0xa5df7a6e142af544, 0x3618d415fae22300, 0x3bf7ccc10d2ed9ef,
    // S-box output times 2.
    0xe27a93c60b712400, 0x5eb7e955bc982fcd, 0x69eb88400ae12900, 0xc2a163c8ab82234a,
    // S-box output in the ordinary basis: the last round.
    0xd0d26d176fbdc700, 0x15aabf7ac502a878, 0xcfe474a55fbb6a00, 0x8e1e90d1412b35fa,
  ],
  16,
);
export const INVERSE: usize = 0;
export const INVERSE_A: usize = 16;
export const INPUT: usize = 32;
export const SBOX_1: usize = 64;
export const SBOX_2: usize = 96;
export const SBOX_LAST: usize = 128;

/** Byte permutations, four of each: one for each number of ShiftRows outstanding, modulo 4. */
export const PERMUTATIONS: usize = memory.data(256, 16);
/** Each column rotated up by one byte, and by three. */
export const FORWARD: usize = 0;
export const BACKWARD: usize = 64;
/** ShiftRows and its inverse, n times. */
export const SHIFT: usize = 128;
const UNSHIFT: usize = 192;

/**
 * Fills `PERMUTATIONS`. After n ShiftRows left undone, logical column c of row r lies in column c + nr; a
 * rotation by m takes the byte of row r + m from the same logical column.
 */
function buildPermutations(): void {
  for (let n = 0; n < 4; n++) {
    for (let at = 0; at < 16; at++) {
      const column = at >> 2;
      const row = at & 3;
      const to = PERMUTATIONS + (n << 4) + at;
      store<u8>(to, rotated(column, row, n, 1), FORWARD);
      store<u8>(to, rotated(column, row, n, 3), BACKWARD);
      store<u8>(to, (((column + n * row) & 3) << 2) + row, SHIFT);
      store<u8>(to, (((column - n * row) & 3) << 2) + row, UNSHIFT);
    }
  }
}

function rotated(column: i32, row: i32, n: i32, m: i32): i32 {
  const from = (row + m) & 3;
  return (((column + n * (from - row)) & 3) << 2) + from;
}

buildPermutations();

/** Round keys from `ROUND_KEYS` in the form that the kernels want, one vector each. */
export function vectorPermuteKeys(rounds: i32, keys: usize): void {
  for (let r = 0; r <= rounds; r++) {
    v128.store(keys + (r << 4), encryptionKey(v128.load(ROUND_KEYS + (r << 4)), r, rounds));
  }
}

/**
 * Round key r in the form the kernels want. The S-box tables leave out the constant 0x63, which MixColumns does
 * not change, so the keys carry it. A middle key is added before MixColumns' rotations by 1, 2 and 3 are summed
 * up; the sum of these three is its own inverse.
 */
function encryptionKey(key: v128, r: i32, rounds: i32): v128 {
  if (r == 0) return toTower(key, INPUT);
  let x = v128.xor(key, i8x16.splat(0x63));
  if (r < rounds) {
    x = toTower(x, INPUT);
    const forward = v128.load(PERMUTATIONS, FORWARD);
    const once = i8x16.swizzle(x, forward);
    const twice = i8x16.swizzle(once, forward);
    x = v128.xor(v128.xor(once, twice), i8x16.swizzle(twice, forward));
  }
  return i8x16.swizzle(x, v128.load(PERMUTATIONS + ((r & 3) << 4), UNSHIFT));
}

/** Changes basis by a table for the low nibbles at `table` and one for the high nibbles behind it. */
function toTower(x: v128, table: usize): v128 {
  const nibble = i8x16.splat(0x0f);
  return v128.xor(
    i8x16.swizzle(v128.load(TABLES + table), v128.and(x, nibble)),
    i8x16.swizzle(v128.load(TABLES + table, 16), v128.and(i32x4.shr_u(x, 4), nibble)),
  );
}
