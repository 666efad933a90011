/** The hash functions behind one set of calls, with the padding they share. */
import { MD5, SHA1, SHA256, SHA384 } from './algorithms';
import { TAIL } from './layout';
import { md5Blocks, md5Start } from './md5';
import { sha1Blocks, sha1Start } from './sha1';
import { sha256Blocks, sha256Start } from './sha256';
import { sha384Start, sha512Blocks, sha512Start } from './sha512';

/** Longest state of any hash. */
export const HASH_STATE_SIZE: i32 = 64;

export function hashBlock(hash: i32): i32 {
  return hash <= SHA256 ? 64 : 128;
}

export function digestLength(hash: i32): i32 {
  if (hash == MD5) return 16;
  if (hash == SHA1) return 20;
  if (hash == SHA256) return 32;
  return hash == SHA384 ? 48 : 64;
}

export function hashStart(hash: i32, state: usize): void {
  if (hash == MD5) md5Start(state);
  else if (hash == SHA1) sha1Start(state);
  else if (hash == SHA256) sha256Start(state);
  else if (hash == SHA384) sha384Start(state);
  else sha512Start(state);
}

export function hashBlocks(hash: i32, state: usize, message: usize, blocks: i32): void {
  if (hash == MD5) md5Blocks(state, message, blocks);
  else if (hash == SHA1) sha1Blocks(state, message, blocks);
  else if (hash == SHA256) sha256Blocks(state, message, blocks);
  else sha512Blocks(state, message, blocks);
}

/**
 * Absorbs the last `length` bytes of a message of `total` bytes, pads it (SHA: FIPS 180-4 §5.1), and writes the digest
 * to `digest`.
 * @rfc 1321 §3.1
 */
export function hashFinish(
  hash: i32,
  state: usize,
  message: usize,
  length: i32,
  total: u64,
  digest: usize,
): void {
  const block = hashBlock(hash);
  const whole = length & -block;
  hashBlocks(hash, state, message, whole / block);
  const rest = length - whole;
  const lengthField = block >> 3;
  const padded = rest + 1 + lengthField <= block ? block : block << 1;
  memory.copy(TAIL, message + whole, rest);
  memory.fill(TAIL + rest, 0, padded - rest);
  store<u8>(TAIL + rest, 0x80);
  store<u64>(TAIL + padded - 8, hash == MD5 ? total << 3 : bswap<u64>(total << 3));
  hashBlocks(hash, state, TAIL, padded / block);
  writeDigest(hash, state, digest);
}

function writeDigest(hash: i32, state: usize, digest: usize): void {
  const length = digestLength(hash);
  if (hash == MD5) {
    memory.copy(digest, state, length);
  } else if (hash <= SHA256) {
    for (let i = 0; i < length; i += 4) store<u32>(digest + i, bswap<u32>(load<u32>(state + i)));
  } else {
    for (let i = 0; i < length; i += 8) store<u64>(digest + i, bswap<u64>(load<u64>(state + i)));
  }
}
