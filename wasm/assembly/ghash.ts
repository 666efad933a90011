/**
 * GHASH in constant time, two ways. With vectors: sixteen lanes at a time, look-ups by nibble in tables that are a vector
 * each (generated/ghash-lanes.ts); the lanes are packets, or, for few packets, the blocks of one in turn. Without: integer
 * multiplication of numbers that have only every fourth bit, where carries fall into the gaps and are masked off (T.
 * Pornin, BearSSL, "ctmul64"); the upper half of a product comes from multiplying the operands bit-reversed.
 * NIST SP 800-38D §6.3 and §6.4.
 */
import { ghashFinish, ghashLanes, storeGhashTable } from './generated/ghash-lanes';
import { IV, jobAt, LENGTH, MAC, PACKET, SEQUENCE, TEXT } from './jobs';
import { BLOCK, GHASH_POWERS, GHASH_PRODUCTS, GHASH_Y, LANES, ZEROS } from './layout';

/** A key: H for multiplication, tables of H, tables of H¹⁶. */
const FACTOR_SIZE: usize = 192;
const TABLES: usize = FACTOR_SIZE;
const TABLES_16: usize = FACTOR_SIZE + 8192;
export const GHASH_KEY_SIZE: usize = FACTOR_SIZE + 16384;

/** From this many packets on, a lane for each is quicker than all lanes for one after the other. */
const FEWEST_FOR_LANES: i32 = 7;
const WIDTH: i32 = 16;

/** Prepares the hash key H at `h`. */
export function ghashExpandKey(h: usize, key: usize): void {
  splitFactor(h, key);
  if (!ASC_FEATURE_SIMD) return;
  makeTables(h, key + TABLES);
  memory.copy(GHASH_Y, h, 16);
  // Multiplying by H fifteen times leaves H¹⁶.
  for (let i = 1; i < WIDTH; i++) multiplyBlocks(key, GHASH_Y, ZEROS, 1);
  makeTables(GHASH_Y, key + TABLES_16);
}

/** Tables of a factor: table n is made of the 16 products with nibbles at position n, byte by byte. */
function makeTables(factor: usize, tables: usize): void {
  let high = bswap<u64>(load<u64>(factor));
  let low = bswap<u64>(load<u64>(factor, 8));
  // The factor times the powers of x, whose coefficients are numbered from the left.
  for (let at = GHASH_POWERS; at < GHASH_POWERS + 2048; at += 16) {
    store<u64>(at, bswap<u64>(high));
    store<u64>(at, bswap<u64>(low), 8);
    const carry = -(low & 1);
    low = (low >> 1) | (high << 63);
    high = (high >> 1) ^ (carry & 0xe100000000000000);
  }
  for (let position = 0; position < 32; position++) {
    // Low nibbles come first in the tables; they are the right half of a byte.
    const powers = GHASH_POWERS + (((position >> 1) << 3) + ((position & 1) == 0 ? 4 : 0)) * 16;
    store<u64>(GHASH_PRODUCTS, 0);
    store<u64>(GHASH_PRODUCTS, 0, 8);
    for (let bit = 0; bit < 4; bit++) {
      const power = powers + ((3 - bit) << 4);
      for (let value = 0; value < 1 << bit; value++) {
        const from = GHASH_PRODUCTS + (value << 4);
        const to = from + (16 << bit);
        store<u64>(to, load<u64>(from) ^ load<u64>(power));
        store<u64>(to, load<u64>(from, 8) ^ load<u64>(power, 8), 8);
      }
    }
    storeGhashTable(tables, position);
  }
}

/**
 * Writes GHASH to each job's `MAC`. Its input is put together where the packet lies: the header with zeros in the place
 * of the IV, the text padded with zeros in the place of the ICV, the lengths behind. An extended sequence number takes half of the
 * IV's place.
 */
export function ghashJobs(key: usize, count: i32, extended: bool): void {
  for (let i = 0; i < count; i++) frame(jobAt(i), extended);
  if (ASC_FEATURE_SIMD && count >= FEWEST_FOR_LANES) packetsInLanes(key, count);
  else for (let i = 0; i < count; i++) onePacket(key, jobAt(i));
  for (let i = 0; i < count; i++) {
    const job = jobAt(i);
    const packet = load<usize>(job, PACKET);
    if (extended) store<u32>(packet, bswap<u32>(<u32>load<u64>(job, SEQUENCE)), 4);
    store<u64>(packet, load<u64>(job, IV), 8);
  }
}

function frame(job: usize, extended: bool): void {
  const length = load<i32>(job, LENGTH);
  const text = load<usize>(job, TEXT);
  const end = text + ((length + 15) & -16);
  const packet = load<usize>(job, PACKET);
  store<u64>(packet, 0, 8);
  if (extended) store<u64>(packet, bswap<u64>(load<u64>(job, SEQUENCE)), 4);
  memory.fill(text + length, 0, <i32>(end - text) - length);
  store<u64>(end, bswap<u64>((extended ? 12 : 8) << 3));
  store<u64>(end, bswap<u64>(<u64>length << 3), 8);
}

/** Blocks of GHASH's input: header, text, lengths. */
function inputBlocks(job: usize): i32 {
  return 2 + ((load<i32>(job, LENGTH) + 15) >> 4);
}

/** A lane for each packet. All end together: those with fewer blocks read zeros first, which leave a sum of zero. */
function packetsInLanes(key: usize, count: i32): void {
  let longest = 0;
  for (let i = 0; i < count; i++) longest = max(longest, inputBlocks(jobAt(i)));
  memory.fill(GHASH_Y, 0, 256);
  for (let done = 0; done < longest; ) {
    let until = longest;
    for (let lane = 0; lane < WIDTH; lane++) {
      let at = ZEROS;
      if (lane < count) {
        const job = jobAt(lane);
        const begins = longest - inputBlocks(job);
        if (begins <= done) at = load<usize>(job, PACKET) + (<usize>(done - begins) << 4);
        else until = min(until, begins);
      }
      store<usize>(LANES + (lane << 2), at);
    }
    ghashLanes(key + TABLES, until - done, 16);
    done = until;
  }
  ghashFinish();
  for (let i = 0; i < count; i++) memory.copy(jobAt(i) + MAC, GHASH_Y + (i << 4), 16);
}

function onePacket(key: usize, job: usize): void {
  const blocks = inputBlocks(job);
  let packet = load<usize>(job, PACKET);
  if (!ASC_FEATURE_SIMD) {
    memory.fill(job + MAC, 0, 16);
    multiplyBlocks(key, job + MAC, packet, blocks);
    return;
  }
  // Lane l takes blocks l, l + 16, … of the input with zeros put before it, all but the last of each by H¹⁶.
  const first = ((blocks - 1) & (WIDTH - 1)) + 1;
  const rows = (blocks - first) >> 4;
  memory.fill(GHASH_Y, 0, 256);
  if (rows > 0) {
    for (let lane = 0; lane < WIDTH; lane++) {
      const number = lane - (WIDTH - first);
      store<usize>(LANES + (lane << 2), number < 0 ? ZEROS : packet + (<usize>number << 4));
    }
    ghashLanes(key + TABLES_16, 1, 0);
    packet += <usize>first << 4;
    for (let lane = 0; lane < WIDTH; lane++) {
      store<usize>(LANES + (lane << 2), packet + (<usize>lane << 4));
    }
    ghashLanes(key + TABLES_16, rows - 1, 256);
    packet += <usize>(rows - 1) << 8;
  }
  ghashFinish();
  // The last row: lane l by H¹⁶⁻ˡ, one after the other.
  const last = rows > 0 ? WIDTH : first;
  memory.fill(BLOCK, 0, 16);
  for (let i = 0; i < last; i++) {
    const y = GHASH_Y + ((WIDTH - last + i) << 4);
    store<u64>(y, load<u64>(y) ^ load<u64>(packet + (i << 4)));
    store<u64>(y, load<u64>(y, 8) ^ load<u64>(packet + (i << 4), 8), 8);
    multiplyBlocks(key, BLOCK, y, 1);
  }
  memory.copy(job + MAC, BLOCK, 16);
}

const MASK_0: u64 = 0x1111111111111111;
const MASK_1: u64 = 0x2222222222222222;
const MASK_2: u64 = 0x4444444444444444;
const MASK_3: u64 = 0x8888888888888888;

/** The 16 bytes of a factor at `h`, prepared for `multiply`: 192 bytes at `key`, six factors split by bit position modulo 4. */
function splitFactor(h: usize, key: usize): void {
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
function multiplyBlocks(key: usize, y: usize, data: usize, blocks: i32): void {
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
