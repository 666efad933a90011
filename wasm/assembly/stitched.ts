/** One packet alone under AES-128-CBC and HMAC-SHA-1, encrypted and hashed at once. */
import { SHA1 } from './algorithms';
import { cbcEncrypt1 } from './generated/aes-vector-permute';
import { encryptAndHash } from './generated/stitched';
import { hmacFinish } from './hmac';
import { COVERED, jobAt, LENGTH, MAC, PACKET, TEXT } from './jobs';
import { BLOCK, HASH_STATE, LANES } from './layout';

const ROUNDS: i32 = 10;

/**
 * Encrypts the first job, whose packet begins 24 bytes before its text, and writes its `MAC`. `keys` are vector-permute's.
 */
export function encryptAndMac(keys: usize, inner: usize, outer: usize): void {
  const job = jobAt(0);
  const packet = load<usize>(job, PACKET);
  const text = load<usize>(job, TEXT);
  const length = load<i32>(job, LENGTH);
  const blocks = length >> 4;
  const lastKey = keys + (ROUNDS << 4);
  memory.copy(HASH_STATE, inner, 20);
  // The hash stays behind: its first 64 bytes are header, IV and three blocks of ciphertext, cut.
  const ahead = min(blocks, 3);
  const turns = (blocks - ahead) >> 2;
  store<usize>(LANES, text - 16);
  cbcEncrypt1(keys, lastKey, ahead);
  encryptAndHash(keys, text - 16 + (<usize>ahead << 4), packet, HASH_STATE, turns);
  const done = ahead + (turns << 2);
  store<usize>(LANES, text - 16 + (<usize>done << 4));
  cbcEncrypt1(keys, lastKey, blocks - done);
  const covered = load<i32>(job, COVERED);
  const hashed = turns << 6;
  hmacFinish(SHA1, HASH_STATE, outer, packet + hashed, covered - hashed, <u64>covered, BLOCK);
  memory.copy(job + MAC, BLOCK, 16);
}
