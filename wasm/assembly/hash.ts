/** The hash functions behind one set of calls, with the padding they share. */
import { MD5, SHA1, SHA256, SHA384 } from './algorithms';
import { md5Blocks } from './generated/md5';
import { sha1Blocks } from './generated/sha1';
import { sha256Blocks } from './generated/sha256';
import { TAIL } from './layout';
import { sha384Start, sha512Blocks, sha512Start } from './sha512';

/** Longest state of any hash. */
export const HASH_STATE_SIZE: i32 = 64;

/** Of SHA-1; MD5's are its first four (FIPS 180-4 §5.3.1, RFC 1321 §3.3). */
const INITIAL_160: usize = memory.data<u32>([
  0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0,
]);

/** Fraction bits of the square roots of the first 8 primes (FIPS 180-4 §5.3.3). */
const INITIAL_256: usize = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);

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
  if (hash == SHA256) memory.copy(state, INITIAL_256, 32);
  else if (hash < SHA256) memory.copy(state, INITIAL_160, 20);
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
 * Absorbs the last `length` bytes of a message of `total` bytes and writes the digest to `digest`.
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
  const blocks = padTail(hash, message + whole, length - whole, total, TAIL);
  hashBlocks(hash, state, TAIL, blocks);
  writeDigest(hash, state, digest);
}

/**
 * Copies the last `rest` bytes of a message of `total` bytes, less than a block, to `tail`, and pads them (SHA: FIPS
 * 180-4 §5.1). Answers how many blocks that makes.
 * @rfc 1321 §3.1
 */
export function padTail(hash: i32, message: usize, rest: i32, total: u64, tail: usize): i32 {
  const block = hashBlock(hash);
  const lengthField = block >> 3;
  const blocks = rest + 1 + lengthField <= block ? 1 : 2;
  const padded = blocks * block;
  memory.copy(tail, message, rest);
  memory.fill(tail + rest, 0, padded - rest);
  store<u8>(tail + rest, 0x80);
  store<u64>(tail + padded - 8, hash == MD5 ? total << 3 : bswap<u64>(total << 3));
  return blocks;
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
