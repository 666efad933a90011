/**
 * MD4, for MS-CHAPv2's password hash alone: broken as a hash, and no library we use has it.
 * RFC 1320.
 */
import type { Bytes } from '../wire/bytes.ts';

const BLOCK_LENGTH = 64;

/** Order of the block's words in each round. @rfc 1320 §3.4 */
const ORDER = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
  [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
] as const;

/** Rotations of each round, repeated every four steps. @rfc 1320 §3.4 */
const ROTATION = [
  [3, 7, 11, 19],
  [3, 5, 9, 13],
  [3, 9, 11, 15],
] as const;

const CONSTANT = [0, 0x5a827999, 0x6ed9eba1] as const;

/** 16-byte digest of `message`. */
export function md4(message: Bytes): Bytes {
  const data = pad(message);
  const view = new DataView(data.buffer);
  let [a, b, c, d] = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476];
  for (let at = 0; at < data.length; at += BLOCK_LENGTH) {
    const [a0, b0, c0, d0] = [a, b, c, d];
    for (let round = 0; round < 3; round++) {
      for (let step = 0; step < 16; step++) {
        const word = view.getUint32(at + 4 * ORDER[round]![step]!, true);
        const sum = (a + mix(round, b, c, d) + word + CONSTANT[round]!) | 0;
        const by = ROTATION[round]![step % 4]!;
        [a, d, c, b] = [d, c, b, (sum << by) | (sum >>> (32 - by))];
      }
    }
    a = (a + a0) | 0;
    b = (b + b0) | 0;
    c = (c + c0) | 0;
    d = (d + d0) | 0;
  }
  const out = new Uint8Array(16);
  const words = new DataView(out.buffer);
  for (const [i, word] of [a, b, c, d].entries()) words.setInt32(4 * i, word, true);
  data.fill(0);
  return out;
}

/** The auxiliary functions F, G and H. @rfc 1320 §3.4 */
function mix(round: number, x: number, y: number, z: number): number {
  if (round === 0) return (x & y) | (~x & z);
  if (round === 1) return (x & y) | (x & z) | (y & z);
  return x ^ y ^ z;
}

/** A one bit, zeros, and the length in bits as 64 bits little endian. @rfc 1320 §3.1 */
function pad(message: Bytes): Bytes {
  const blocks = Math.floor((message.length + 8) / BLOCK_LENGTH) + 1;
  const data = new Uint8Array(blocks * BLOCK_LENGTH);
  data.set(message);
  data[message.length] = 0x80;
  const view = new DataView(data.buffer);
  view.setUint32(data.length - 8, message.length << 3, true);
  view.setUint32(data.length - 4, Math.floor(message.length / 0x2000_0000), true);
  return data;
}
