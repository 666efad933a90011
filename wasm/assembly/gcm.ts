/**
 * AES-GCM as ESP uses it, over jobs: SPI and sequence number as associated data, a 12-byte nonce of salt and IV.
 * @rfc 4106 §4
 * @rfc 4106 §5
 */
import {
  addKeystream,
  COUNTER_KEY_SIZE,
  counterCryptJobs,
  counterExpandKey,
  encryptZeros,
  FIRST_GCM,
  flushKeystream,
} from './counter';
import { GHASH_KEY_SIZE, ghashExpandKey, ghashJobs } from './ghash';
import { jobAt, MAC } from './jobs';
import { COUNTERS } from './layout';

/** An expanded key: counter mode's, then GHASH's. */
const HASH_KEY: usize = COUNTER_KEY_SIZE;
export const GCM_KEY_SIZE: usize = HASH_KEY + GHASH_KEY_SIZE;

/** Prepares the `length` bytes of key and 4 of salt at `key`. */
export function gcmExpandKey(key: usize, length: i32, keys: usize): void {
  counterExpandKey(key, length, keys);
  encryptZeros(keys, COUNTERS + 16);
  ghashExpandKey(COUNTERS + 16, keys + HASH_KEY);
  memory.fill(COUNTERS, 0, 32);
}

export function gcmCryptJobs(keys: usize, count: i32): void {
  counterCryptJobs(keys, count, FIRST_GCM);
}

/** Writes to each job its `MAC`: the tag of its ciphertext. */
export function gcmTagJobs(keys: usize, count: i32, extended: bool): void {
  ghashJobs(keys + HASH_KEY, count, extended);
  let pending = 0;
  for (let i = 0; i < count; i++) {
    pending = addKeystream(keys, jobAt(i), FIRST_GCM - 1, jobAt(i) + MAC, pending);
  }
  flushKeystream(keys, pending);
}
