/**
 * Unpredictable IVs for CBC (RFC 3602 §3): ChaCha20 (RFC 8439 §2.3) with fast key erasure (D. Bernstein, 2017). A key is used for
 * one pool of key stream; the pool's first 32 bytes become the next key at once, the rest is handed out and erased as it
 * goes. So neither earlier IVs nor earlier keys can be computed from what is in memory. ChaCha20 only adds, rotates
 * and xors: it takes the same time whatever the key.
 */
import { IO } from './layout';

const KEY_SIZE: i32 = 32;
const KEY: usize = memory.data(32, 16);

/** Eight blocks of key stream: the next key, and 30 IVs of AES. */
const POOL_SIZE: i32 = 512;
const POOL: usize = memory.data(512, 16);

/** The pool's unused bytes are `[next, POOL_SIZE)`. */
let next: i32 = POOL_SIZE;

/** Mixes the 32 bytes in `IO` into the key and wipes them there. What is in the pool is not used any more. */
export function seedIvs(): void {
  for (let i = 0; i < KEY_SIZE; i += 8) {
    store<u64>(KEY + i, load<u64>(KEY + i) ^ load<u64>(IO + i));
  }
  memory.fill(IO, 0, KEY_SIZE);
  refill();
}

/** Writes a fresh IV of `length` bytes, a multiple of 8, to `to`. */
export function drawIv(to: usize, length: i32): void {
  for (const end = to + length; to < end; to += 8) {
    if (next == POOL_SIZE) refill();
    store<u64>(to, load<u64>(POOL + next));
    store<u64>(POOL + next, 0);
    next += 8;
  }
}

/** Forgets everything; the generator has to be seeded before it is used again. */
export function eraseIvs(): void {
  memory.fill(KEY, 0, KEY_SIZE);
  memory.fill(POOL, 0, POOL_SIZE);
  next = POOL_SIZE;
}

function refill(): void {
  for (let i = 0; i < POOL_SIZE; i += 64) block(POOL + i, i >> 6);
  memory.copy(KEY, POOL, KEY_SIZE);
  memory.fill(POOL, 0, KEY_SIZE);
  next = KEY_SIZE;
}

/** One block of key stream with a nonce of zeros. */
function block(to: usize, counter: u32): void {
  let x0: u32 = 0x61707865;
  let x1: u32 = 0x3320646e;
  let x2: u32 = 0x79622d32;
  let x3: u32 = 0x6b206574;
  let x4 = load<u32>(KEY);
  let x5 = load<u32>(KEY, 4);
  let x6 = load<u32>(KEY, 8);
  let x7 = load<u32>(KEY, 12);
  let x8 = load<u32>(KEY, 16);
  let x9 = load<u32>(KEY, 20);
  let x10 = load<u32>(KEY, 24);
  let x11 = load<u32>(KEY, 28);
  let x12 = counter;
  let x13: u32 = 0;
  let x14: u32 = 0;
  let x15: u32 = 0;
  for (let i = 0; i < 10; i++) {
    // Columns, then diagonals.
    x0 += x4;
    x12 = rotl<u32>(x12 ^ x0, 16);
    x8 += x12;
    x4 = rotl<u32>(x4 ^ x8, 12);
    x0 += x4;
    x12 = rotl<u32>(x12 ^ x0, 8);
    x8 += x12;
    x4 = rotl<u32>(x4 ^ x8, 7);
    x1 += x5;
    x13 = rotl<u32>(x13 ^ x1, 16);
    x9 += x13;
    x5 = rotl<u32>(x5 ^ x9, 12);
    x1 += x5;
    x13 = rotl<u32>(x13 ^ x1, 8);
    x9 += x13;
    x5 = rotl<u32>(x5 ^ x9, 7);
    x2 += x6;
    x14 = rotl<u32>(x14 ^ x2, 16);
    x10 += x14;
    x6 = rotl<u32>(x6 ^ x10, 12);
    x2 += x6;
    x14 = rotl<u32>(x14 ^ x2, 8);
    x10 += x14;
    x6 = rotl<u32>(x6 ^ x10, 7);
    x3 += x7;
    x15 = rotl<u32>(x15 ^ x3, 16);
    x11 += x15;
    x7 = rotl<u32>(x7 ^ x11, 12);
    x3 += x7;
    x15 = rotl<u32>(x15 ^ x3, 8);
    x11 += x15;
    x7 = rotl<u32>(x7 ^ x11, 7);
    x0 += x5;
    x15 = rotl<u32>(x15 ^ x0, 16);
    x10 += x15;
    x5 = rotl<u32>(x5 ^ x10, 12);
    x0 += x5;
    x15 = rotl<u32>(x15 ^ x0, 8);
    x10 += x15;
    x5 = rotl<u32>(x5 ^ x10, 7);
    x1 += x6;
    x12 = rotl<u32>(x12 ^ x1, 16);
    x11 += x12;
    x6 = rotl<u32>(x6 ^ x11, 12);
    x1 += x6;
    x12 = rotl<u32>(x12 ^ x1, 8);
    x11 += x12;
    x6 = rotl<u32>(x6 ^ x11, 7);
    x2 += x7;
    x13 = rotl<u32>(x13 ^ x2, 16);
    x8 += x13;
    x7 = rotl<u32>(x7 ^ x8, 12);
    x2 += x7;
    x13 = rotl<u32>(x13 ^ x2, 8);
    x8 += x13;
    x7 = rotl<u32>(x7 ^ x8, 7);
    x3 += x4;
    x14 = rotl<u32>(x14 ^ x3, 16);
    x9 += x14;
    x4 = rotl<u32>(x4 ^ x9, 12);
    x3 += x4;
    x14 = rotl<u32>(x14 ^ x3, 8);
    x9 += x14;
    x4 = rotl<u32>(x4 ^ x9, 7);
  }
  store<u32>(to, x0 + 0x61707865);
  store<u32>(to, x1 + 0x3320646e, 4);
  store<u32>(to, x2 + 0x79622d32, 8);
  store<u32>(to, x3 + 0x6b206574, 12);
  store<u32>(to, x4 + load<u32>(KEY), 16);
  store<u32>(to, x5 + load<u32>(KEY, 4), 20);
  store<u32>(to, x6 + load<u32>(KEY, 8), 24);
  store<u32>(to, x7 + load<u32>(KEY, 12), 28);
  store<u32>(to, x8 + load<u32>(KEY, 16), 32);
  store<u32>(to, x9 + load<u32>(KEY, 20), 36);
  store<u32>(to, x10 + load<u32>(KEY, 24), 40);
  store<u32>(to, x11 + load<u32>(KEY, 28), 44);
  store<u32>(to, x12 + counter, 48);
  store<u32>(to, x13, 52);
  store<u32>(to, x14, 56);
  store<u32>(to, x15, 60);
}
