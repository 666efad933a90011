/** Cipher block chaining over AES and Triple DES, in place, whole blocks. NIST SP 800-38A §6.2. */
import {
  aesSchedule,
  decryptionPlanes,
  decryptLanes,
  encryptionPlanes,
  encryptLanes,
  LANE_COUNT,
} from './aes';
import { AES_CBC } from './algorithms';
import { cbcEncrypt1, cbcEncrypt2, cbcEncrypt4 } from './generated/aes-vector-permute';
import { jobAt, LENGTH, TEXT } from './jobs';
import { LANES, LANES_LEFT, PENDING } from './layout';
import { tripleDesDecrypt, tripleDesEncrypt, tripleDesExpandKey } from './triple-des';
import { vectorPermuteKeys } from './vector-permute';

/** An expanded key: u32 rounds; planes of encryption and of decryption; vector-permute. 3DES has 384 bytes instead. */
const ENCRYPTION: usize = 16;
const DECRYPTION: usize = 16 + 1920;
const VECTOR_PERMUTE: usize = 16 + 3840;
const TRIPLE_DES: usize = 16;

/** Below this many messages, bitslicing has too many empty lanes: vector-permute is quicker. */
const FEWEST_FOR_PLANES: i32 = 6;

/** Expands the key of a CBC cipher into 4,096 bytes at `keys`; a 3DES key has 24 bytes. */
export function cbcExpandKey(cipher: i32, key: usize, length: i32, keys: usize): void {
  if (cipher != AES_CBC) {
    tripleDesExpandKey(key, keys + TRIPLE_DES);
    return;
  }
  const rounds = aesSchedule(key, length);
  store<i32>(keys, rounds);
  encryptionPlanes(rounds, keys + ENCRYPTION);
  decryptionPlanes(rounds, keys + DECRYPTION);
  if (ASC_FEATURE_SIMD) vectorPermuteKeys(rounds, keys + VECTOR_PERMUTE);
}

/** Whether `cbcExpandKey` expanded an AES key of 128 bits. */
export function isAes128(cipher: i32, keys: usize): bool {
  return cipher == AES_CBC && load<i32>(keys) == 10;
}

export function vectorPermuteKeysOf(keys: usize): usize {
  return keys + VECTOR_PERMUTE;
}

/** Encrypts the first `count` jobs, each behind its IV. */
export function cbcEncryptJobs(cipher: i32, keys: usize, count: i32): void {
  if (cipher == AES_CBC) return aesEncryptJobs(keys, count);
  for (let i = 0; i < count; i++) {
    const text = load<usize>(jobAt(i), TEXT);
    tripleDesEncryptText(keys + TRIPLE_DES, text, load<i32>(jobAt(i), LENGTH));
  }
}

export function cbcDecryptJobs(cipher: i32, keys: usize, count: i32): void {
  if (cipher == AES_CBC) return aesDecryptJobs(keys, count);
  for (let i = 0; i < count; i++) {
    const text = load<usize>(jobAt(i), TEXT);
    tripleDesDecryptText(keys + TRIPLE_DES, text, load<i32>(jobAt(i), LENGTH));
  }
}

/** One message, behind its IV. */
export function cbcEncrypt(cipher: i32, keys: usize, text: usize, length: i32): void {
  if (cipher != AES_CBC) return tripleDesEncryptText(keys + TRIPLE_DES, text, length);
  store<usize>(LANES, text - 16);
  encryptActive(keys, 1, length >> 4);
}

export function cbcDecrypt(cipher: i32, keys: usize, text: usize, length: i32): void {
  if (cipher != AES_CBC) return tripleDesDecryptText(keys + TRIPLE_DES, text, length);
  flushPending(keys, decryptText(keys, text, length, 0));
}

/**
 * A chain is serial, so several packets are encrypted side by side, as far as all of them go; then those that ended make
 * room for others.
 */
function aesEncryptJobs(keys: usize, count: i32): void {
  let next = 0;
  let active = 0;
  while (true) {
    for (; active < LANE_COUNT && next < count; active++) {
      const job = jobAt(next++);
      store<usize>(LANES + (active << 2), load<usize>(job, TEXT) - 16);
      store<i32>(LANES_LEFT + (active << 2), load<i32>(job, LENGTH) >> 4);
    }
    if (active == 0) return;
    const used = lanesFor(active);
    let blocks = load<i32>(LANES_LEFT);
    for (let lane = 1; lane < used; lane++) {
      blocks = min(blocks, load<i32>(LANES_LEFT + (lane << 2)));
    }
    encryptActive(keys, used, blocks);
    for (let lane = used - 1; lane >= 0; lane--) {
      const at = LANES + (lane << 2);
      const left = LANES_LEFT + (lane << 2);
      store<usize>(at, load<usize>(at) + (<usize>blocks << 4));
      store<i32>(left, load<i32>(left) - blocks);
      if (load<i32>(left) > 0) continue;
      active--;
      store<usize>(at, load<usize>(LANES + (active << 2)));
      store<i32>(left, load<i32>(LANES_LEFT + (active << 2)));
    }
  }
}

/** How many of the active lanes the next kernel takes. */
function lanesFor(active: i32): i32 {
  return !ASC_FEATURE_SIMD || active >= FEWEST_FOR_PLANES ? active : min(active, 4);
}

/** Encrypts `blocks` blocks of the first `used` lanes. */
function encryptActive(keys: usize, used: i32, blocks: i32): void {
  const rounds = load<i32>(keys);
  const few = ASC_FEATURE_SIMD && used < FEWEST_FOR_PLANES;
  const width = few ? (used == 3 ? 4 : used) : LANE_COUNT;
  fillLanes(used, width);
  if (ASC_FEATURE_SIMD && few) {
    const first = keys + VECTOR_PERMUTE;
    const last = first + (rounds << 4);
    if (width == 4) cbcEncrypt4(first, last, blocks);
    else if (width == 2) cbcEncrypt2(first, last, blocks);
    else cbcEncrypt1(first, last, blocks);
  } else {
    encryptLanes(keys + ENCRYPTION, rounds, blocks);
  }
}

/** Blocks are independent of each other: what is left of packets after whole groups of lanes is put together in groups. */
function aesDecryptJobs(keys: usize, count: i32): void {
  let pending = 0;
  for (let i = 0; i < count; i++) {
    const job = jobAt(i);
    pending = decryptText(keys, load<usize>(job, TEXT), load<i32>(job, LENGTH), pending);
  }
  flushPending(keys, pending);
}

/**
 * Decrypts a text from its end, so that each block still finds its predecessor's ciphertext. The first blocks, fewer
 * than there are lanes, join the `pending` ones; answers how many of these there are now.
 */
function decryptText(keys: usize, text: usize, length: i32, pending: i32): i32 {
  const groups = (length >> 4) / LANE_COUNT;
  if (groups > 0) {
    for (let lane = 0; lane < LANE_COUNT; lane++) {
      store<usize>(LANES + (lane << 2), text + length - 32 - (lane << 4));
    }
    decryptLanes(keys + DECRYPTION, load<i32>(keys), groups);
  }
  for (let rest = (length >> 4) - groups * LANE_COUNT; rest > 0; rest--) {
    store<usize>(PENDING + (pending << 2), text + (rest << 4) - 32);
    pending++;
    if (pending < LANE_COUNT) continue;
    flushPending(keys, pending);
    pending = 0;
  }
  return pending;
}

function flushPending(keys: usize, pending: i32): void {
  if (pending == 0) return;
  memory.copy(LANES, PENDING, pending << 2);
  fillLanes(pending, LANE_COUNT);
  decryptLanes(keys + DECRYPTION, load<i32>(keys), 1);
}

/** Lanes without a block of their own do the same as the last one: none has overwritten what that reads. */
function fillLanes(used: i32, width: i32): void {
  const last = load<usize>(LANES + ((used - 1) << 2));
  for (let lane = used; lane < width; lane++) store<usize>(LANES + (lane << 2), last);
}

function tripleDesEncryptText(keys: usize, text: usize, length: i32): void {
  let chain = bswap<u64>(load<u64>(text - 8));
  for (const end = text + length; text < end; text += 8) {
    chain = tripleDesEncrypt(keys, chain ^ bswap<u64>(load<u64>(text)));
    store<u64>(text, bswap<u64>(chain));
  }
}

function tripleDesDecryptText(keys: usize, text: usize, length: i32): void {
  let chain = bswap<u64>(load<u64>(text - 8));
  for (const end = text + length; text < end; text += 8) {
    const block = bswap<u64>(load<u64>(text));
    store<u64>(text, bswap<u64>(chain ^ tripleDesDecrypt(keys, block)));
    chain = block;
  }
}
