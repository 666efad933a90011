/**
 * Hash, HMAC and CBC over messages of any length, which come through `IO` in pieces of at most `IO_SIZE` bytes: a key
 * or a start, pieces of whole blocks, and the last piece of any length. `wipePrimitives` ends each.
 */

import { AES_CBC } from './algorithms';
import { cbcExpandKey, cbcDecrypt as decryptBlocks, cbcEncrypt as encryptBlocks } from './cbc';
import { hashFinish as finish, hashBlock, hashBlocks, hashStart as start } from './hash';
import { hmacFinish as finishMac, hmacKey } from './hmac';
import { HASH_OUTER, HASH_STATE, IO, PRIMITIVE_IV, PRIMITIVE_KEYS, wipeScratch } from './layout';

let hash: i32 = 0;
let total: u64 = 0;
let cipher: i32 = 0;

export function hashStart(name: i32): void {
  hash = name;
  total = 0;
  start(hash, HASH_STATE);
}

/** The key, no longer than the hash's block, is at the beginning of `IO`. */
export function hmacStart(name: i32, keyLength: i32): void {
  hash = name;
  total = 0;
  hmacKey(hash, IO, keyLength, HASH_STATE, HASH_OUTER);
}

/** Absorbs `length` bytes, whole blocks, of either. */
export function hashUpdate(length: i32): void {
  hashBlocks(hash, HASH_STATE, IO, length / hashBlock(hash));
  total += <u64>length;
}

/** Absorbs the last `length` bytes and puts the digest at the beginning of `IO`. */
export function hashFinish(length: i32): void {
  finish(hash, HASH_STATE, IO, length, total + <u64>length, IO);
}

export function hmacFinish(length: i32): void {
  finishMac(hash, HASH_STATE, HASH_OUTER, IO, length, total + <u64>length, IO);
}

/** The key is at the beginning of `IO`, the IV behind it. */
export function cbcStart(name: i32, keyLength: i32): void {
  cipher = name;
  cbcExpandKey(cipher, IO, keyLength, PRIMITIVE_KEYS);
  // The IV's place is in front of the text.
  memory.copy(IO - block(), IO + keyLength, block());
}

/** Encrypts `length` bytes in `IO`, whole blocks and not none, chained to the piece before. */
export function cbcEncrypt(length: i32): void {
  encryptBlocks(cipher, PRIMITIVE_KEYS, IO, length);
  memory.copy(IO - block(), IO + <usize>length - block(), block());
}

export function cbcDecrypt(length: i32): void {
  // The last block of ciphertext is the next piece's IV and is about to be overwritten.
  memory.copy(PRIMITIVE_IV, IO + <usize>length - block(), block());
  decryptBlocks(cipher, PRIMITIVE_KEYS, IO, length);
  memory.copy(IO - block(), PRIMITIVE_IV, block());
}

/** Wipes keys and states, and the first `length` bytes of `IO` with the IV before it. */
export function wipePrimitives(length: i32): void {
  memory.fill(IO - 16, 0, 16 + length);
  wipeScratch();
}

function block(): usize {
  return cipher == AES_CBC ? 16 : 8;
}
