/** A stream whose every place can be told: pseudo-random bytes that repeat after a prime number of them. */
import { createCipheriv, createHash } from 'node:crypto';
import type { Bytes } from '../../../shared/wire/bytes.ts';

const PERIOD = 1_000_003;
const CHUNK = 262_144;

const block: Bytes = Uint8Array.from(
  createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(
    Buffer.alloc(PERIOD + CHUNK),
  ),
);
block.copyWithin(PERIOD, 0, CHUNK);

/** Up to `length` bytes of the stream from `position` on: fewer at most because a piece is 256 KB. */
export function patternAt(position: number, length: number): Bytes {
  const at = position % PERIOD;
  return block.subarray(at, at + Math.min(length, CHUNK));
}

/** SHA-256 of the stream's first `length` bytes, in hex. */
export function patternHash(length: number): string {
  const hash = createHash('sha256');
  for (let at = 0; at < length; ) {
    const piece = patternAt(at, length - at);
    hash.update(piece);
    at += piece.length;
  }
  return hash.digest('hex');
}
