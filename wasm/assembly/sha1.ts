/** SHA-1's compression function, FIPS 180-4 §6.1.2. */
import { SCHEDULE } from './layout';

export function sha1Start(state: usize): void {
  store<u32>(state, 0x67452301);
  store<u32>(state, 0xefcdab89, 4);
  store<u32>(state, 0x98badcfe, 8);
  store<u32>(state, 0x10325476, 12);
  store<u32>(state, 0xc3d2e1f0, 16);
}

/** Absorbs `blocks` blocks of 64 bytes. The loops do five rounds a turn, after which the names are back in place. */
export function sha1Blocks(state: usize, message: usize, blocks: i32): void {
  let h0 = load<u32>(state);
  let h1 = load<u32>(state, 4);
  let h2 = load<u32>(state, 8);
  let h3 = load<u32>(state, 12);
  let h4 = load<u32>(state, 16);
  for (const end = message + (blocks << 6); message < end; message += 64) {
    expand(message);
    let a = h0;
    let b = h1;
    let c = h2;
    let d = h3;
    let e = h4;
    let w = SCHEDULE;
    for (; w < SCHEDULE + 80; w += 20) {
      e += rotl<u32>(a, 5) + (d ^ (b & (c ^ d))) + load<u32>(w) + 0x5a827999;
      b = rotl<u32>(b, 30);
      d += rotl<u32>(e, 5) + (c ^ (a & (b ^ c))) + load<u32>(w, 4) + 0x5a827999;
      a = rotl<u32>(a, 30);
      c += rotl<u32>(d, 5) + (b ^ (e & (a ^ b))) + load<u32>(w, 8) + 0x5a827999;
      e = rotl<u32>(e, 30);
      b += rotl<u32>(c, 5) + (a ^ (d & (e ^ a))) + load<u32>(w, 12) + 0x5a827999;
      d = rotl<u32>(d, 30);
      a += rotl<u32>(b, 5) + (e ^ (c & (d ^ e))) + load<u32>(w, 16) + 0x5a827999;
      c = rotl<u32>(c, 30);
    }
    for (; w < SCHEDULE + 160; w += 20) {
      e += rotl<u32>(a, 5) + (b ^ c ^ d) + load<u32>(w) + 0x6ed9eba1;
      b = rotl<u32>(b, 30);
      d += rotl<u32>(e, 5) + (a ^ b ^ c) + load<u32>(w, 4) + 0x6ed9eba1;
      a = rotl<u32>(a, 30);
      c += rotl<u32>(d, 5) + (e ^ a ^ b) + load<u32>(w, 8) + 0x6ed9eba1;
      e = rotl<u32>(e, 30);
      b += rotl<u32>(c, 5) + (d ^ e ^ a) + load<u32>(w, 12) + 0x6ed9eba1;
      d = rotl<u32>(d, 30);
      a += rotl<u32>(b, 5) + (c ^ d ^ e) + load<u32>(w, 16) + 0x6ed9eba1;
      c = rotl<u32>(c, 30);
    }
    for (; w < SCHEDULE + 240; w += 20) {
      e += rotl<u32>(a, 5) + ((b & c) | (d & (b | c))) + load<u32>(w) + 0x8f1bbcdc;
      b = rotl<u32>(b, 30);
      d += rotl<u32>(e, 5) + ((a & b) | (c & (a | b))) + load<u32>(w, 4) + 0x8f1bbcdc;
      a = rotl<u32>(a, 30);
      c += rotl<u32>(d, 5) + ((e & a) | (b & (e | a))) + load<u32>(w, 8) + 0x8f1bbcdc;
      e = rotl<u32>(e, 30);
      b += rotl<u32>(c, 5) + ((d & e) | (a & (d | e))) + load<u32>(w, 12) + 0x8f1bbcdc;
      d = rotl<u32>(d, 30);
      a += rotl<u32>(b, 5) + ((c & d) | (e & (c | d))) + load<u32>(w, 16) + 0x8f1bbcdc;
      c = rotl<u32>(c, 30);
    }
    for (; w < SCHEDULE + 320; w += 20) {
      e += rotl<u32>(a, 5) + (b ^ c ^ d) + load<u32>(w) + 0xca62c1d6;
      b = rotl<u32>(b, 30);
      d += rotl<u32>(e, 5) + (a ^ b ^ c) + load<u32>(w, 4) + 0xca62c1d6;
      a = rotl<u32>(a, 30);
      c += rotl<u32>(d, 5) + (e ^ a ^ b) + load<u32>(w, 8) + 0xca62c1d6;
      e = rotl<u32>(e, 30);
      b += rotl<u32>(c, 5) + (d ^ e ^ a) + load<u32>(w, 12) + 0xca62c1d6;
      d = rotl<u32>(d, 30);
      a += rotl<u32>(b, 5) + (c ^ d ^ e) + load<u32>(w, 16) + 0xca62c1d6;
      c = rotl<u32>(c, 30);
    }
    h0 += a;
    h1 += b;
    h2 += c;
    h3 += d;
    h4 += e;
  }
  store<u32>(state, h0);
  store<u32>(state, h1, 4);
  store<u32>(state, h2, 8);
  store<u32>(state, h3, 12);
  store<u32>(state, h4, 16);
}

/** The message schedule W of one block. */
function expand(message: usize): void {
  for (let i: usize = 0; i < 64; i += 4)
    store<u32>(SCHEDULE + i, bswap<u32>(load<u32>(message + i)));
  for (let w = SCHEDULE + 64; w < SCHEDULE + 320; w += 4) {
    const sum = load<u32>(w - 12) ^ load<u32>(w - 32) ^ load<u32>(w - 56) ^ load<u32>(w - 64);
    store<u32>(w, rotl<u32>(sum, 1));
  }
}
