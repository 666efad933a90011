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

/** An expanded key has 484 bytes: up to 15 vectors for encryption, as many for decryption, and u32 rounds. */
const ENCRYPTION: usize = 0;
const DECRYPTION: usize = 240;
const ROUNDS: usize = 480;

/** Pairs of 8-byte halves: one vector of 16 entries per line. */
const TABLES: usize = memory.data<u64>(
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
    // Into the tower basis for decryption.
    0x0f505b040b545f00, 0x154a411e114e451a, 0x86e383e660056500, 0x12771772f491f194,
    // Inverse S-box output times 9, 13, 11 and 14.
    0x851c03539a86d600, 0xcad51f504f994cc9, 0xc03b1789ecd74900, 0x725e2c9eb2fba565,
    0x7d57ccdfe6b1a200, 0xf56e9b13882a4439, 0x3ce2faf724c6cb00, 0x2931180d15deefd3,
    0xd022649296b44200, 0x602646f6b0f2d404, 0xc19498a6cd596700, 0xf3ff0c3e3255aa6b,
    0x46f2929626d4d000, 0x2242600464b4f6b0, 0x0c55a6cdffaac100, 0x9467f36b98593e32,
    // Inverse S-box output in the ordinary basis.
    0x1387ea537ef94000, 0xc7aa6db9d4943e2d, 0x12d7560f93441d00, 0xca4b8159d8c58e9c,
  ],
  16,
);
const INVERSE: usize = 0;
const INVERSE_A: usize = 16;
const INPUT: usize = 32;
const SBOX_1: usize = 64;
const SBOX_2: usize = 96;
const SBOX_LAST: usize = 128;
const INPUT_DECRYPT: usize = 160;
const INVERSE_9: usize = 192;
const INVERSE_13: usize = 224;
const INVERSE_11: usize = 256;
const INVERSE_14: usize = 288;
const INVERSE_LAST: usize = 320;

/** Byte permutations, four of each: one for each number of ShiftRows outstanding, modulo 4. */
const PERMUTATIONS: usize = memory.data(320, 16);
/** Each column rotated up by one byte, and by three. */
const FORWARD: usize = 0;
const BACKWARD: usize = 64;
/** Rotated up by one, where ShiftRows is undone instead. */
const FORWARD_DECRYPT: usize = 128;
/** ShiftRows and its inverse, n times. */
const SHIFT: usize = 192;
const UNSHIFT: usize = 256;

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
      store<u8>(to, rotated(column, row, -n, 1), FORWARD_DECRYPT);
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

/** Writes the schedule of the 16, 24 or 32 bytes at `key` to `keys`. */
export function aesExpandKey(key: usize, length: i32, keys: usize): void {
  const rounds = (length >> 2) + 6;
  store<u32>(keys, rounds, ROUNDS);
  // The plain schedule first lies where the decryption keys go, which are then made from the end.
  expandWords(key, length, keys + DECRYPTION, rounds);
  const plain = keys + DECRYPTION;
  for (let r = 0; r <= rounds; r++) {
    const key = v128.load(plain + (r << 4));
    v128.store(keys + (r << 4), encryptionKey(key, r, rounds), ENCRYPTION);
  }
  for (let r = 0; r <= rounds >> 1; r++) {
    const first = v128.load(plain + (r << 4));
    const last = v128.load(plain + ((rounds - r) << 4));
    v128.store(plain + (r << 4), decryptionKey(last, r, rounds));
    v128.store(plain + ((rounds - r) << 4), decryptionKey(first, rounds - r, rounds));
  }
}

/** FIPS 197 §5.2. */
function expandWords(key: usize, length: i32, words: usize, rounds: i32): void {
  const perKey = length >> 2;
  memory.copy(words, key, length);
  let roundConstant: u32 = 1;
  for (let i = perKey; i < (rounds + 1) << 2; i++) {
    let word = load<u32>(words + ((i - 1) << 2));
    if (i % perKey == 0) {
      word = substituteWord(rotr<u32>(word, 8)) ^ roundConstant;
      roundConstant = (roundConstant << 1) ^ ((roundConstant >> 7) * 0x11b);
    } else if (perKey > 6 && i % perKey == 4) {
      word = substituteWord(word);
    }
    store<u32>(words + (i << 2), word ^ load<u32>(words + ((i - perKey) << 2)));
  }
}

/** The S-box on four bytes, by the last round of the cipher with a key that is only the S-box's constant. */
function substituteWord(word: u32): u32 {
  const x = toTower(i32x4.splat(word), INPUT);
  return i32x4.extract_lane(lastRound(x, SBOX_LAST, i8x16.splat(0x63)), 0);
}

/**
 * Round key r in the form `aesEncrypt` wants. The S-box tables leave out the constant 0x63, which MixColumns does
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

/**
 * Key r of decryption, from round key `rounds - r`, for the equivalent inverse cipher (FIPS 197 §5.3.5). Middle
 * keys are rotated with the columns three times after they were added, so a fourth in advance makes a whole turn.
 */
function decryptionKey(key: v128, r: i32, rounds: i32): v128 {
  const shift = v128.load(PERMUTATIONS + ((r & 3) << 4), SHIFT);
  if (r == rounds) return i8x16.swizzle(key, shift);
  const constant = i8x16.splat(0x63);
  if (r == 0) return toTower(v128.xor(key, constant), INPUT_DECRYPT);
  const x = toTower(v128.xor(invertMixColumns(key), constant), INPUT_DECRYPT);
  return i8x16.swizzle(i8x16.swizzle(x, v128.load(PERMUTATIONS, FORWARD)), shift);
}

/** FIPS 197 §5.3.3. */
function invertMixColumns(x: v128): v128 {
  const forward = v128.load(PERMUTATIONS, FORWARD);
  const opposite = i8x16.swizzle(i8x16.swizzle(x, forward), forward);
  // InvMixColumns is MixColumns after adding 4 times the sum of opposite bytes.
  const y = v128.xor(x, doubled(doubled(v128.xor(x, opposite))));
  const next = i8x16.swizzle(y, forward);
  const sum = v128.xor(y, next);
  return v128.xor(
    v128.xor(doubled(sum), next),
    i8x16.swizzle(i8x16.swizzle(sum, forward), forward),
  );
}

/** Each byte times x in AES's field. */
function doubled(x: v128): v128 {
  const carry = v128.and(i8x16.shr_s(x, 7), i8x16.splat(0x1b));
  return v128.xor(i8x16.shl(x, 1), carry);
}

/** Changes basis by a table for the low nibbles at `table` and one for the high nibbles behind it. */
function toTower(x: v128, table: usize): v128 {
  const nibble = i8x16.splat(0x0f);
  return v128.xor(
    i8x16.swizzle(v128.load(TABLES + table), v128.and(x, nibble)),
    i8x16.swizzle(v128.load(TABLES + table, 16), v128.and(i32x4.shr_u(x, 4), nibble)),
  );
}

/** Inversion, the output tables at `table`, and the key. */
function lastRound(x: v128, table: usize, key: v128): v128 {
  const nibble = i8x16.splat(0x0f);
  const inverse = v128.load(TABLES, INVERSE);
  const low = v128.and(x, nibble);
  const high = v128.and(i32x4.shr_u(x, 4), nibble);
  const sum = v128.xor(high, low);
  const a = i8x16.swizzle(v128.load(TABLES, INVERSE_A), low);
  const p = v128.xor(i8x16.swizzle(inverse, high), a);
  const q = v128.xor(i8x16.swizzle(inverse, sum), a);
  const u = v128.xor(i8x16.swizzle(inverse, p), sum);
  const t = v128.xor(i8x16.swizzle(inverse, q), high);
  return v128.xor(
    v128.xor(i8x16.swizzle(v128.load(TABLES + table), u), key),
    i8x16.swizzle(v128.load(TABLES + table, 16), t),
  );
}

/** One block under the schedule at `keys`. */
export function aesEncrypt(keys: usize, block: v128): v128 {
  const nibble = i8x16.splat(0x0f);
  const inverse = v128.load(TABLES, INVERSE);
  const inverseA = v128.load(TABLES, INVERSE_A);
  const last = keys + (load<u32>(keys, ROUNDS) << 4);
  let x = v128.xor(toTower(block, INPUT), v128.load(keys));
  let turn: usize = 16;
  for (let at = keys + 16; at < last; at += 16) {
    const low = v128.and(x, nibble);
    const high = v128.and(i32x4.shr_u(x, 4), nibble);
    const sum = v128.xor(high, low);
    const a = i8x16.swizzle(inverseA, low);
    const p = v128.xor(i8x16.swizzle(inverse, high), a);
    const q = v128.xor(i8x16.swizzle(inverse, sum), a);
    const u = v128.xor(i8x16.swizzle(inverse, p), sum);
    const t = v128.xor(i8x16.swizzle(inverse, q), high);
    // MixColumns of S: 2S + rot¹(3S) + rot²S + rot³S.
    const forward = v128.load(PERMUTATIONS + turn, FORWARD);
    const once = v128.xor(
      v128.xor(i8x16.swizzle(v128.load(TABLES, SBOX_1), u), v128.load(at)),
      i8x16.swizzle(v128.load(TABLES, SBOX_1 + 16), t),
    );
    const twice = v128.xor(
      i8x16.swizzle(v128.load(TABLES, SBOX_2), u),
      i8x16.swizzle(v128.load(TABLES, SBOX_2 + 16), t),
    );
    const mixed = v128.xor(twice, i8x16.swizzle(once, forward));
    const back = i8x16.swizzle(once, v128.load(PERMUTATIONS + turn, BACKWARD));
    x = v128.xor(v128.xor(mixed, back), i8x16.swizzle(mixed, forward));
    turn = (turn + 16) & 0x30;
  }
  const shift = v128.load(PERMUTATIONS + turn, SHIFT);
  return i8x16.swizzle(lastRound(x, SBOX_LAST, v128.load(last)), shift);
}

/** The inverse of `aesEncrypt`. */
export function aesDecrypt(keys: usize, block: v128): v128 {
  const nibble = i8x16.splat(0x0f);
  const inverse = v128.load(TABLES, INVERSE);
  const inverseA = v128.load(TABLES, INVERSE_A);
  const first = keys + DECRYPTION;
  const last = first + (load<u32>(keys, ROUNDS) << 4);
  let x = v128.xor(toTower(block, INPUT_DECRYPT), v128.load(first));
  let turn: usize = 16;
  for (let at = first + 16; at < last; at += 16) {
    const low = v128.and(x, nibble);
    const high = v128.and(i32x4.shr_u(x, 4), nibble);
    const sum = v128.xor(high, low);
    const a = i8x16.swizzle(inverseA, low);
    const p = v128.xor(i8x16.swizzle(inverse, high), a);
    const q = v128.xor(i8x16.swizzle(inverse, sum), a);
    const u = v128.xor(i8x16.swizzle(inverse, p), sum);
    const t = v128.xor(i8x16.swizzle(inverse, q), high);
    // InvMixColumns of S: 14S + rot¹(11S) + rot²(13S) + rot³(9S), summed from the far end.
    const forward = v128.load(PERMUTATIONS + turn, FORWARD_DECRYPT);
    x = v128.xor(v128.load(at), product(INVERSE_9, u, t));
    x = v128.xor(i8x16.swizzle(x, forward), product(INVERSE_13, u, t));
    x = v128.xor(i8x16.swizzle(x, forward), product(INVERSE_11, u, t));
    x = v128.xor(i8x16.swizzle(x, forward), product(INVERSE_14, u, t));
    turn = (turn + 16) & 0x30;
  }
  const unshift = v128.load(PERMUTATIONS + turn, UNSHIFT);
  return i8x16.swizzle(lastRound(x, INVERSE_LAST, v128.load(last)), unshift);
}

function product(table: usize, u: v128, t: v128): v128 {
  return v128.xor(
    i8x16.swizzle(v128.load(TABLES + table), u),
    i8x16.swizzle(v128.load(TABLES + table, 16), t),
  );
}
