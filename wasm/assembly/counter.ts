/**
 * AES in counter mode over jobs, for AES-CTR and for AES-GCM: a counter block is 4 bytes of nonce, which GCM calls its salt, the
 * packet's IV and a counter of 32 bits.
 * @rfc 3686 §4
 */
import {
  aesSchedule,
  counterLanes,
  encryptionPlanes,
  encryptLanes,
  LANE_COUNT,
  PLANES_SIZE,
  slicePlanes,
} from './aes';
import { IV, jobAt, LENGTH, TEXT } from './jobs';
import { BLOCK, COUNTER_BASE, COUNTERS, LANES, PENDING_TARGETS } from './layout';

/** An expanded key: u32 rounds and the nonce; planes of encryption. */
const NONCE: usize = 4;
const ENCRYPTION: usize = 16;
export const COUNTER_KEY_SIZE: usize = 16 + 1920;

/** Number of a text's first counter block: with AES-GCM the one before is the tag's (NIST SP 800-38D §7.1). */
export const FIRST_CTR: i32 = 1;
export const FIRST_GCM: i32 = 2;

/**
 * The counter's last byte in planes, for groups of lanes from either first number on. A slot has room for 128 blocks, so the
 * byte never overflows.
 */
const PATTERNS_SIZE: usize = 2176;
const PATTERNS: usize = memory.data(4352, 64);
const MAX_BLOCKS: i32 = 128;

function buildPatterns(first: i32): void {
  for (let i = 0; i <= MAX_BLOCKS; i++) {
    const group = i / LANE_COUNT;
    const lane = i - group * LANE_COUNT;
    for (let bit = 0; bit < 8; bit++) {
      // The last byte is in row 3, column 3: a plane's last byte, or its last four bits.
      const at = patterns(first) + group * PLANES_SIZE + (bit + 1) * (PLANES_SIZE >> 3) - 1;
      const place = ASC_FEATURE_SIMD ? lane : lane + 4;
      store<u8>(at, load<u8>(at) | <u8>((((i + first) >> bit) & 1) << place));
    }
  }
}

function patterns(first: i32): usize {
  return PATTERNS + <usize>(first - 1) * PATTERNS_SIZE;
}

buildPatterns(FIRST_CTR);
buildPatterns(FIRST_GCM);

/** Prepares the `length` bytes of key and 4 of nonce at `key`. */
export function counterExpandKey(key: usize, length: i32, keys: usize): void {
  const rounds = aesSchedule(key, length);
  store<i32>(keys, rounds);
  store<u32>(keys, load<u32>(key + length), NONCE);
  encryptionPlanes(rounds, keys + ENCRYPTION);
}

/** Encrypts the block of zeros: 16 bytes at `to`. */
export function encryptZeros(keys: usize, to: usize): void {
  memory.fill(COUNTERS, 0, 32);
  for (let lane = 0; lane < LANE_COUNT; lane++) store<usize>(LANES + (lane << 2), COUNTERS);
  encryptLanes(keys + ENCRYPTION, load<i32>(keys), 1);
  memory.copy(to, COUNTERS + 16, 16);
}

/** Encrypts or decrypts the jobs' texts, whose tails may be overwritten up to the next whole block. */
export function counterCryptJobs(keys: usize, count: i32, first: i32): void {
  let pending = 0;
  for (let i = 0; i < count; i++) {
    const job = jobAt(i);
    const text = load<usize>(job, TEXT);
    const blocks = (load<i32>(job, LENGTH) + 15) >> 4;
    const groups = blocks / LANE_COUNT;
    if (groups > 0) {
      counterBlock(keys, job, 0, BLOCK);
      slicePlanes(BLOCK, COUNTER_BASE);
      for (let at = 0; at < PLANES_SIZE; at += 8) {
        const base = COUNTER_BASE + at;
        store<u64>(base, load<u64>(base) ^ load<u64>(keys + ENCRYPTION + at));
      }
      const planes = patterns(first);
      counterLanes(keys + ENCRYPTION, load<i32>(keys), COUNTER_BASE, planes, text, groups);
    }
    for (let block = groups * LANE_COUNT; block < blocks; block++) {
      pending = addKeystream(keys, job, block + first, text + (block << 4), pending);
    }
  }
  flushKeystream(keys, pending);
}

/** `counter` is below 256. */
function counterBlock(keys: usize, job: usize, counter: i32, to: usize): void {
  store<u32>(to, load<u32>(keys, NONCE));
  store<u64>(to, load<u64>(job, IV), 4);
  store<u32>(to, <u32>counter << 24, 12);
}

/**
 * Adds to the 16 bytes at `target` the keystream of one counter, at the latest with `flushKeystream`: singles wait until
 * they fill the lanes. Answers how many wait.
 */
export function addKeystream(
  keys: usize,
  job: usize,
  counter: i32,
  target: usize,
  pending: i32,
): i32 {
  const at = COUNTERS + (pending << 5);
  // Encrypted as the first block of a chain whose IV is zero.
  store<u64>(at, 0);
  store<u64>(at, 0, 8);
  counterBlock(keys, job, counter, at + 16);
  store<usize>(PENDING_TARGETS + (pending << 2), target);
  if (pending + 1 < LANE_COUNT) return pending + 1;
  flushKeystream(keys, LANE_COUNT);
  return 0;
}

export function flushKeystream(keys: usize, pending: i32): void {
  if (pending == 0) return;
  for (let lane = 0; lane < LANE_COUNT; lane++) {
    store<usize>(LANES + (lane << 2), COUNTERS + (lane < pending ? lane << 5 : 0));
  }
  encryptLanes(keys + ENCRYPTION, load<i32>(keys), 1);
  for (let i = 0; i < pending; i++) {
    const target = load<usize>(PENDING_TARGETS + (i << 2));
    const stream = COUNTERS + (i << 5);
    store<u64>(target, load<u64>(target) ^ load<u64>(stream, 16));
    store<u64>(target, load<u64>(target, 8) ^ load<u64>(stream, 24), 8);
  }
}
