/**
 * AES keys, in time that does not depend on them: the schedule of FIPS 197 with the S-box as a circuit, and from it
 * the forms that the kernels want. Which kernels there are depends on the build: with vectors, eight blocks bitsliced and
 * vector-permute for fewer; without, four blocks bitsliced in 64-bit numbers.
 */
import {
  cbcDecryptLanes as decryptVectors,
  cbcEncryptLanes as encryptVectors,
  counterLanes as counterVectors,
} from './generated/aes-bitsliced';
import {
  cbcDecryptLanes as decryptNumbers,
  cbcEncryptLanes as encryptNumbers,
  counterLanes as counterNumbers,
} from './generated/aes-bitsliced-64';
import { substituteBytes } from './generated/aes-sbox';
import { ROUND_KEY, ROUND_KEYS, SHIFTED_KEY } from './layout';

/** Blocks side by side, and bytes of a round key, which are eight planes. */
export const LANE_COUNT: i32 = ASC_FEATURE_SIMD ? 8 : 4;
export const PLANES_SIZE: i32 = ASC_FEATURE_SIMD ? 128 : 64;

export function encryptLanes(keys: usize, rounds: i32, blocks: i32): void {
  if (ASC_FEATURE_SIMD) encryptVectors(keys, keys + rounds * PLANES_SIZE, blocks);
  else encryptNumbers(keys, keys + rounds * PLANES_SIZE, blocks);
}

export function decryptLanes(keys: usize, rounds: i32, groups: i32): void {
  if (ASC_FEATURE_SIMD) decryptVectors(keys, keys + rounds * PLANES_SIZE, groups);
  else decryptNumbers(keys, keys + rounds * PLANES_SIZE, groups);
}

export function counterLanes(
  keys: usize,
  rounds: i32,
  base: usize,
  patterns: usize,
  text: usize,
  groups: i32,
): void {
  const last = keys + rounds * PLANES_SIZE;
  if (ASC_FEATURE_SIMD) counterVectors(keys, last, base, patterns, text, groups);
  else counterNumbers(keys, last, base, patterns, text, groups);
}

/** Writes the schedule of the 16, 24 or 32 bytes at `key` to `ROUND_KEYS`; answers the number of rounds. FIPS 197 §5.2. */
export function aesSchedule(key: usize, length: i32): i32 {
  const perKey = length >> 2;
  const rounds = perKey + 6;
  memory.copy(ROUND_KEYS, key, length);
  let roundConstant: u32 = 1;
  for (let i = perKey; i < (rounds + 1) << 2; i++) {
    const at = ROUND_KEYS + (i << 2);
    let word = load<u32>(at - 4);
    if (i % perKey == 0) {
      word = substituteBytes(rotr<u32>(word, 8)) ^ roundConstant;
      roundConstant = (roundConstant << 1) ^ ((roundConstant >> 7) * 0x11b);
    } else if (perKey > 6 && i % perKey == 4) {
      word = substituteBytes(word);
    }
    store<u32>(at, word ^ load<u32>(at - length));
  }
  return rounds;
}

/** Round keys of encryption in planes, from `ROUND_KEYS`. */
export function encryptionPlanes(rounds: i32, keys: usize): void {
  for (let r = 0; r <= rounds; r++) {
    takeRoundKey(r);
    if (r > 0) addSboxConstant();
    slicePlanes(shiftRows(r < rounds ? -r : 0), keys + r * PLANES_SIZE);
  }
}

/** Round keys of the equivalent inverse cipher (FIPS 197 §5.3.5) in planes, in the order of their use. */
export function decryptionPlanes(rounds: i32, keys: usize): void {
  for (let r = 0; r <= rounds; r++) {
    takeRoundKey(rounds - r);
    if (r > 0 && r < rounds) invertMixColumns();
    if (r < rounds) addSboxConstant();
    slicePlanes(shiftRows(r < rounds ? r : 0), keys + r * PLANES_SIZE);
  }
}

function takeRoundKey(round: i32): void {
  memory.copy(ROUND_KEY, ROUND_KEYS + (round << 4), 16);
}

/** `ROUND_KEY` after `turns` ShiftRows, or InvShiftRows: the kernels leave them undone in the state. */
function shiftRows(turns: i32): usize {
  for (let at = 0; at < 16; at++) {
    const column = (at >> 2) + turns * (at & 3);
    store<u8>(SHIFTED_KEY + at, load<u8>(ROUND_KEY + ((column & 3) << 2) + (at & 3)));
  }
  return SHIFTED_KEY;
}

/** The circuit leaves out the S-box's constant, which MixColumns and ShiftRows do not change. */
function addSboxConstant(): void {
  store<u64>(ROUND_KEY, load<u64>(ROUND_KEY) ^ 0x6363636363636363);
  store<u64>(ROUND_KEY, load<u64>(ROUND_KEY, 8) ^ 0x6363636363636363, 8);
}

/** FIPS 197 §5.3.3, of `ROUND_KEY`: MixColumns after adding 4 times the sum of opposite bytes. */
function invertMixColumns(): void {
  for (let at = ROUND_KEY; at < ROUND_KEY + 16; at += 4) {
    const x = load<u32>(at);
    const y = x ^ doubled(doubled(x ^ rotr<u32>(x, 16)));
    const next = rotr<u32>(y, 8);
    const sum = y ^ next;
    store<u32>(at, doubled(sum) ^ next ^ rotr<u32>(sum, 16));
  }
}

/** Each byte times x in AES's field. */
function doubled(x: u32): u32 {
  return ((x & 0x7f7f7f7f) << 1) ^ (((x >> 7) & 0x01010101) * 0x1b);
}

/** The planes of one block, the same in every lane. */
export function slicePlanes(block: usize, planes: usize): void {
  if (ASC_FEATURE_SIMD) {
    // Bit i of a byte fills byte i of a plane.
    for (let half: usize = 0; half < 16; half += 8) {
      const bytes = load<u64>(block + half);
      for (let i = 0; i < 8; i++) {
        store<u64>(planes + half + (i << 4), ((bytes >> i) & 0x0101010101010101) * 255);
      }
    }
  } else {
    // Bit i of the byte in this row and column fills four bits of a plane.
    for (let i = 0; i < 8; i++) {
      let plane: u64 = 0;
      for (let at = 15; at >= 0; at--) {
        const byte = <u64>load<u8>(block + ((at & 3) << 2) + (at >> 2));
        plane = (plane << 4) | (((byte >> i) & 1) * 15);
      }
      store<u64>(planes + (i << 3), plane);
    }
  }
}
