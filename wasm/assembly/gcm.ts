/**
 * AES-GCM as ESP uses it: 8 bytes of header as associated data, a 12-byte nonce of salt and IV.
 * @rfc 4106 §4
 * @rfc 4106 §5
 */
import { aesEncrypt, aesExpandKey } from './aes';
import { ghashBlocks, ghashKey } from './ghash';
import { BLOCK } from './layout';

/** Prepares both keys of the `length` bytes at `key`. */
export function gcmExpandKey(key: usize, length: i32, keys: usize, hashKey: usize): void {
  aesExpandKey(key, length, keys);
  v128.store(BLOCK, aesEncrypt(keys, i64x2.splat(0)));
  ghashKey(BLOCK, hashKey);
  v128.store(BLOCK, i64x2.splat(0));
}

/** Encrypts or decrypts in place, with counters from 2: 1 is the tag's (NIST SP 800-38D §7.1). */
export function gcmCrypt(keys: usize, salt: u32, iv: u64, text: usize, length: i32): void {
  const end = text + (length & -16);
  let counter: u32 = 2;
  for (; text < end; text += 16) {
    const stream = aesEncrypt(keys, counterBlock(salt, iv, counter++));
    v128.store(text, v128.xor(v128.load(text), stream));
  }
  const rest = length & 15;
  if (rest == 0) return;
  memory.copy(BLOCK, text, rest);
  const stream = aesEncrypt(keys, counterBlock(salt, iv, counter));
  v128.store(BLOCK, v128.xor(v128.load(BLOCK), stream));
  memory.copy(text, BLOCK, rest);
}

/** The tag of `length` bytes of ciphertext at `text` under the 8 bytes of associated data at `header`. */
export function gcmTag(
  keys: usize,
  hashKey: usize,
  salt: u32,
  iv: u64,
  header: usize,
  text: usize,
  length: i32,
): v128 {
  const y = BLOCK + 16;
  v128.store(y, i64x2.splat(0));
  v128.store(BLOCK, i64x2(load<u64>(header), 0));
  ghashBlocks(hashKey, y, BLOCK, 1);
  ghashBlocks(hashKey, y, text, length >> 4);
  const rest = length & 15;
  if (rest > 0) {
    v128.store(BLOCK, i64x2.splat(0));
    memory.copy(BLOCK, text + (length & -16), rest);
    ghashBlocks(hashKey, y, BLOCK, 1);
  }
  store<u64>(BLOCK, bswap<u64>(8 << 3));
  store<u64>(BLOCK, bswap<u64>((<u64>length) << 3), 8);
  ghashBlocks(hashKey, y, BLOCK, 1);
  return v128.xor(v128.load(y), aesEncrypt(keys, counterBlock(salt, iv, 1)));
}

/** `salt` and `iv` as they lie in memory, the counter big-endian. */
function counterBlock(salt: u32, iv: u64, counter: u32): v128 {
  const front = (iv << 32) | salt;
  const back = ((<u64>bswap<u32>(counter)) << 32) | (iv >> 32);
  return i64x2.replace_lane(i64x2.splat(front), 1, back);
}
