/**
 * HMAC from precomputed key states: the hash after the block `key ⊕ ipad`, and after `key ⊕ opad`.
 * @rfc 2104 §4
 */
import {
  digestLength,
  HASH_STATE_SIZE,
  hashBlock,
  hashBlocks,
  hashFinish,
  hashStart,
} from './hash';
import { BLOCK, HASH_STATE, TAIL } from './layout';

/** Writes both states of a key no longer than the hash's block. */
export function hmacKey(hash: i32, key: usize, length: i32, inner: usize, outer: usize): void {
  absorbKey(hash, key, length, 0x36, inner);
  absorbKey(hash, key, length, 0x5c, outer);
}

function absorbKey(hash: i32, key: usize, length: i32, pad: u8, state: usize): void {
  memory.fill(TAIL, pad, hashBlock(hash));
  for (let i = 0; i < length; i++) store<u8>(TAIL + i, load<u8>(key + i) ^ pad);
  hashStart(hash, state);
  hashBlocks(hash, state, TAIL, 1);
}

/**
 * Ends a message whose inner hash has come as far as `state`: absorbs the last `length` bytes of `total`, and writes
 * the MAC to `mac`.
 */
export function hmacFinish(
  hash: i32,
  state: usize,
  outer: usize,
  message: usize,
  length: i32,
  total: u64,
  mac: usize,
): void {
  const block = <u64>hashBlock(hash);
  const digest = digestLength(hash);
  hashFinish(hash, state, message, length, block + total, BLOCK);
  memory.copy(state, outer, HASH_STATE_SIZE);
  hashFinish(hash, state, BLOCK, digest, block + <u64>digest, mac);
}

/** The MAC of a message that lies in one piece, written to `mac`. */
export function hmac(
  hash: i32,
  inner: usize,
  outer: usize,
  message: usize,
  length: i32,
  mac: usize,
): void {
  memory.copy(HASH_STATE, inner, HASH_STATE_SIZE);
  hmacFinish(hash, HASH_STATE, outer, message, length, <u64>length, mac);
}
