/** SHA-256's compression function, FIPS 180-4 §6.2.2. */
import { SCHEDULE } from './layout';

/** Fraction bits of the cube roots of the first 64 primes. */
const K: usize = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);

/** Fraction bits of the square roots of the first 8 primes. */
const INITIAL: usize = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);

export function sha256Start(state: usize): void {
  memory.copy(state, INITIAL, 32);
}

/** Absorbs `blocks` blocks of 64 bytes. The loop does eight rounds a turn, after which the names are back in place. */
export function sha256Blocks(state: usize, message: usize, blocks: i32): void {
  for (const end = message + (blocks << 6); message < end; message += 64) {
    expand(message);
    let a = load<u32>(state);
    let b = load<u32>(state, 4);
    let c = load<u32>(state, 8);
    let d = load<u32>(state, 12);
    let e = load<u32>(state, 16);
    let f = load<u32>(state, 20);
    let g = load<u32>(state, 24);
    let h = load<u32>(state, 28);
    for (let i: usize = 0; i < 256; i += 32) {
      h += sum1(e) + (g ^ (e & (f ^ g))) + load<u32>(K + i) + load<u32>(SCHEDULE + i);
      d += h;
      h += sum0(a) + ((a & b) | (c & (a | b)));
      g += sum1(d) + (f ^ (d & (e ^ f))) + load<u32>(K + i, 4) + load<u32>(SCHEDULE + i, 4);
      c += g;
      g += sum0(h) + ((h & a) | (b & (h | a)));
      f += sum1(c) + (e ^ (c & (d ^ e))) + load<u32>(K + i, 8) + load<u32>(SCHEDULE + i, 8);
      b += f;
      f += sum0(g) + ((g & h) | (a & (g | h)));
      e += sum1(b) + (d ^ (b & (c ^ d))) + load<u32>(K + i, 12) + load<u32>(SCHEDULE + i, 12);
      a += e;
      e += sum0(f) + ((f & g) | (h & (f | g)));
      d += sum1(a) + (c ^ (a & (b ^ c))) + load<u32>(K + i, 16) + load<u32>(SCHEDULE + i, 16);
      h += d;
      d += sum0(e) + ((e & f) | (g & (e | f)));
      c += sum1(h) + (b ^ (h & (a ^ b))) + load<u32>(K + i, 20) + load<u32>(SCHEDULE + i, 20);
      g += c;
      c += sum0(d) + ((d & e) | (f & (d | e)));
      b += sum1(g) + (a ^ (g & (h ^ a))) + load<u32>(K + i, 24) + load<u32>(SCHEDULE + i, 24);
      f += b;
      b += sum0(c) + ((c & d) | (e & (c | d)));
      a += sum1(f) + (h ^ (f & (g ^ h))) + load<u32>(K + i, 28) + load<u32>(SCHEDULE + i, 28);
      e += a;
      a += sum0(b) + ((b & c) | (d & (b | c)));
    }
    store<u32>(state, load<u32>(state) + a);
    store<u32>(state, load<u32>(state, 4) + b, 4);
    store<u32>(state, load<u32>(state, 8) + c, 8);
    store<u32>(state, load<u32>(state, 12) + d, 12);
    store<u32>(state, load<u32>(state, 16) + e, 16);
    store<u32>(state, load<u32>(state, 20) + f, 20);
    store<u32>(state, load<u32>(state, 24) + g, 24);
    store<u32>(state, load<u32>(state, 28) + h, 28);
  }
}

function sum0(x: u32): u32 {
  return rotr<u32>(x, 2) ^ rotr<u32>(x, 13) ^ rotr<u32>(x, 22);
}

function sum1(x: u32): u32 {
  return rotr<u32>(x, 6) ^ rotr<u32>(x, 11) ^ rotr<u32>(x, 25);
}

/** The message schedule W of one block. */
function expand(message: usize): void {
  for (let i: usize = 0; i < 64; i += 4) {
    store<u32>(SCHEDULE + i, bswap<u32>(load<u32>(message + i)));
  }
  for (let w = SCHEDULE + 64; w < SCHEDULE + 256; w += 4) {
    const x = load<u32>(w - 60);
    const y = load<u32>(w - 8);
    const sigma0 = rotr<u32>(x, 7) ^ rotr<u32>(x, 18) ^ (x >> 3);
    const sigma1 = rotr<u32>(y, 17) ^ rotr<u32>(y, 19) ^ (y >> 10);
    store<u32>(w, sigma1 + load<u32>(w - 28) + sigma0 + load<u32>(w - 64));
  }
}
