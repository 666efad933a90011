/**
 * GHASH in constant time by integer multiplication: of numbers that have only every fourth bit, carries fall into the
 * gaps and are masked off (T. Pornin, BearSSL, "ctmul64"). The upper half of a product comes from multiplying the
 * operands bit-reversed. NIST SP 800-38D §6.3 and §6.4.
 */

const MASK_0: u64 = 0x1111111111111111;
const MASK_1: u64 = 0x2222222222222222;
const MASK_2: u64 = 0x4444444444444444;
const MASK_3: u64 = 0x8888888888888888;

/** Prepares the 16 bytes of the hash key H at `h`: 192 bytes at `key`, six factors split by bit position modulo 4. */
export function ghashKey(h: usize, key: usize): void {
  const high = bswap<u64>(load<u64>(h));
  const low = bswap<u64>(load<u64>(h, 8));
  split(key, low);
  split(key + 32, high);
  split(key + 64, low ^ high);
  split(key + 96, reversed(low));
  split(key + 128, reversed(high));
  split(key + 160, reversed(low ^ high));
}

function split(to: usize, x: u64): void {
  store<u64>(to, x & MASK_0);
  store<u64>(to, x & MASK_1, 8);
  store<u64>(to, x & MASK_2, 16);
  store<u64>(to, x & MASK_3, 24);
}

/** Y := (Y ⊕ X)·H for each of `blocks` blocks X at `data`; Y is 16 bytes at `y`. */
export function ghashBlocks(key: usize, y: usize, data: usize, blocks: i32): void {
  let high = bswap<u64>(load<u64>(y));
  let low = bswap<u64>(load<u64>(y, 8));
  for (const end = data + (blocks << 4); data < end; data += 16) {
    high ^= bswap<u64>(load<u64>(data));
    low ^= bswap<u64>(load<u64>(data, 8));
    const highReversed = reversed(high);
    const lowReversed = reversed(low);
    // Karatsuba: three products give the lower halves, three reversed ones the upper halves.
    const l = product(low, key);
    const h = product(high, key + 32);
    const m = product(low ^ high, key + 64) ^ l ^ h;
    let lUpper = product(lowReversed, key + 96);
    let hUpper = product(highReversed, key + 128);
    let mUpper = product(lowReversed ^ highReversed, key + 160) ^ lUpper ^ hUpper;
    lUpper = reversed(lUpper) >> 1;
    hUpper = reversed(hUpper) >> 1;
    mUpper = reversed(mUpper) >> 1;
    // GCM numbers bits from the left, so the 255-bit product is one place short of the 256 bits.
    let v0 = l;
    let v1 = lUpper ^ m;
    let v2 = h ^ mUpper;
    let v3 = hUpper;
    v3 = (v3 << 1) | (v2 >> 63);
    v2 = (v2 << 1) | (v1 >> 63);
    v1 = (v1 << 1) | (v0 >> 63);
    v0 <<= 1;
    // Reduction modulo x¹²⁸ + x⁷ + x² + x + 1, from the low end.
    v2 ^= v0 ^ (v0 >> 1) ^ (v0 >> 2) ^ (v0 >> 7);
    v1 ^= (v0 << 63) ^ (v0 << 62) ^ (v0 << 57);
    v3 ^= v1 ^ (v1 >> 1) ^ (v1 >> 2) ^ (v1 >> 7);
    v2 ^= (v1 << 63) ^ (v1 << 62) ^ (v1 << 57);
    low = v2;
    high = v3;
  }
  store<u64>(y, bswap<u64>(high));
  store<u64>(y, bswap<u64>(low), 8);
}

/** The lower 64 bits of the carry-less product of `x` and the factor split at `factor`. */
function product(x: u64, factor: usize): u64 {
  const x0 = x & MASK_0;
  const x1 = x & MASK_1;
  const x2 = x & MASK_2;
  const x3 = x & MASK_3;
  const y0 = load<u64>(factor);
  const y1 = load<u64>(factor, 8);
  const y2 = load<u64>(factor, 16);
  const y3 = load<u64>(factor, 24);
  return (
    (((x0 * y0) ^ (x1 * y3) ^ (x2 * y2) ^ (x3 * y1)) & MASK_0) |
    (((x0 * y1) ^ (x1 * y0) ^ (x2 * y3) ^ (x3 * y2)) & MASK_1) |
    (((x0 * y2) ^ (x1 * y1) ^ (x2 * y0) ^ (x3 * y3)) & MASK_2) |
    (((x0 * y3) ^ (x1 * y2) ^ (x2 * y1) ^ (x3 * y0)) & MASK_3)
  );
}

/** The 64 bits in the opposite order. */
function reversed(x: u64): u64 {
  x = ((x & 0x5555555555555555) << 1) | ((x >> 1) & 0x5555555555555555);
  x = ((x & 0x3333333333333333) << 2) | ((x >> 2) & 0x3333333333333333);
  x = ((x & 0x0f0f0f0f0f0f0f0f) << 4) | ((x >> 4) & 0x0f0f0f0f0f0f0f0f);
  return bswap<u64>(x);
}
