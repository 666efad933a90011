/**
 * Modular exponentiation, big-endian bytes in and out. Which instructions run and which addresses are touched depends
 * on the lengths alone, never on base, exponent or modulus. Any odd modulus, so RSA's secret primes as well.
 *
 * Montgomery multiplication (P. Montgomery, "Modular multiplication without trial division", 1985), two digits of the
 * multiplier at a time. Numbers are limbs of 27 bits, so a column of a product adds up in 64 bits and carries are
 * settled once per product: 2 * 304 products below 2^54 stay below 2^64. With R at least four times the
 * modulus, factors below twice the modulus give a product below twice the modulus, and nothing is subtracted in between
 * (C. Walter, "Montgomery exponentiation needs no final subtractions", 1999).
 */
import { IO } from './layout';

const LIMB_BITS: i32 = 27;
const LIMB: u64 = (1 << 27) - 1;

/** A number: up to 304 limbs, 8192 bits, as u32 from the lowest on, then at least two that are always zero. Whole vectors. */
const NUMBER_SIZE: i32 = 1232;
const MODULUS: usize = memory.data(1232, 16);
/** The result so far. */
const RESULT: usize = memory.data(1232, 16);
/** The factor picked from the table, or a constant. */
const FACTOR: usize = memory.data(1232, 16);
/** Powers 0 to 15 of the base. */
const WINDOW_BITS: i32 = 4;
const TABLE_ENTRIES: i32 = 16;
const TABLE: usize = memory.data(19712, 16);
/** u64 columns of the product in progress, and two that are always zero. */
const COLUMNS: usize = memory.data(2464, 16);

/** Limbs in use: a multiple of 4. */
let limbs: i32 = 0;
/** -1/modulus modulo 2^27. */
let inverse: u64 = 0;

/**
 * `IO` holds the modulus, odd, at least 3, its first byte not zero, of `length` bytes; behind it the base, as long; behind
 * that the exponent. The result replaces the modulus. Nothing is left elsewhere; the loader wipes `IO`.
 */
export function modExp(length: i32, exponentLength: i32): void {
  const bits = (length << 3) + 2;
  limbs = ((bits + LIMB_BITS - 1) / LIMB_BITS + 3) & -4;
  readNumber(MODULUS, IO, length);
  inverse = negatedInverse(limb(MODULUS));
  power(IO + length, length, IO + (length << 1), exponentLength);
  writeNumber(IO, RESULT, length);
  wipe();
}

/** A fixed window: for every 4 bits four squarings and one multiplication, also by 1. */
function power(base: usize, length: i32, exponent: usize, exponentLength: i32): void {
  radix(TABLE, length);
  radixSquared(FACTOR);
  readNumber(RESULT, base, length);
  multiply(TABLE + NUMBER_SIZE, RESULT, FACTOR);
  for (let i = 2; i < TABLE_ENTRIES; i++) {
    const entry = TABLE + i * NUMBER_SIZE;
    multiply(entry, entry - NUMBER_SIZE, TABLE + NUMBER_SIZE);
  }
  memory.copy(RESULT, TABLE, NUMBER_SIZE);
  for (let i = 0; i < exponentLength; i++) {
    const byte = <u32>load<u8>(exponent + i);
    for (let shift = 8 - WINDOW_BITS; shift >= 0; shift -= WINDOW_BITS) {
      for (let j = 0; j < WINDOW_BITS; j++) multiply(RESULT, RESULT, RESULT);
      pick((byte >> shift) & (TABLE_ENTRIES - 1));
      multiply(RESULT, RESULT, FACTOR);
    }
  }
  // Out of Montgomery form: times 1.
  memory.fill(FACTOR, 0, NUMBER_SIZE);
  store<u32>(FACTOR, 1);
  multiply(RESULT, RESULT, FACTOR);
  subtractOnce(RESULT);
}

/** `FACTOR` becomes the table's entry `index`: every entry is read, and masked. */
function pick(index: u32): void {
  const size: usize = limbs << 2;
  memory.fill(FACTOR, 0, size);
  for (let i = 0; i < TABLE_ENTRIES; i++) {
    const entry = TABLE + i * NUMBER_SIZE;
    // All ones where i is the index, else 0.
    const mask = <u64>(<i64>(<u64>(i ^ index) - 1) >> 63);
    for (let at: usize = 0; at < size; at += 8) {
      store<u64>(FACTOR + at, load<u64>(FACTOR + at) | (load<u64>(entry + at) & mask));
    }
  }
}

/**
 * to = a * b / R modulo the modulus, R = 2^(27 limbs). Factors and product are below twice the modulus; `to` may be one of
 * the factors. Two digits of `a` are taken at a time, with two digits m0 and m1 such that the two lowest columns vanish; the
 * others move down by two.
 */
function multiply(to: usize, a: usize, b: usize): void {
  const modulus0 = limb(MODULUS);
  const modulus1 = limb(MODULUS + 4);
  const b0 = limb(b);
  const b1 = limb(b + 4);
  memory.fill(COLUMNS, 0, limbs << 3);
  let carry: u64 = 0;
  for (const end = a + (limbs << 2); a < end; a += 8) {
    const a0 = limb(a);
    const a1 = limb(a + 4);
    const low = load<u64>(COLUMNS) + a0 * b0 + carry;
    const m0 = (low * inverse) & LIMB;
    const lowCarry = (low + m0 * modulus0) >> LIMB_BITS;
    const high = load<u64>(COLUMNS, 8) + a0 * b1 + a1 * b0 + m0 * modulus1 + lowCarry;
    const m1 = (high * inverse) & LIMB;
    carry = (high + m1 * modulus0) >> LIMB_BITS;
    addRows(b + 8, <u32>a0, <u32>a1, <u32>m0, <u32>m1);
  }
  for (let i = 0; i < limbs; i++) {
    carry += load<u64>(COLUMNS + (i << 3));
    store<u32>(to + (i << 2), <u32>(carry & LIMB));
    carry >>= LIMB_BITS;
  }
}

/**
 * column[j - 2] = column[j] + a0 b[j] + a1 b[j - 1] + m0 modulus[j] + m1 modulus[j - 1] for j from 2 to limbs + 1; `b` points at
 * b[2].
 */
function addRows(b: usize, a0: u32, a1: u32, m0: u32, m1: u32): void {
  const end = COLUMNS + (limbs << 3);
  let modulus = MODULUS + 8;
  if (ASC_FEATURE_SIMD) {
    const va0 = i32x4.splat(a0);
    const va1 = i32x4.splat(a1);
    const vm0 = i32x4.splat(m0);
    const vm1 = i32x4.splat(m1);
    for (let column = COLUMNS; column < end; column += 32) {
      const x0 = v128.load(b);
      const x1 = v128.load(b - 4);
      const y0 = v128.load(modulus);
      const y1 = v128.load(modulus - 4);
      let low = v128.load(column, 16);
      let high = v128.load(column, 32);
      low = i64x2.add(low, i64x2.extmul_low_i32x4_u(x0, va0));
      high = i64x2.add(high, i64x2.extmul_high_i32x4_u(x0, va0));
      low = i64x2.add(low, i64x2.extmul_low_i32x4_u(x1, va1));
      high = i64x2.add(high, i64x2.extmul_high_i32x4_u(x1, va1));
      low = i64x2.add(low, i64x2.extmul_low_i32x4_u(y0, vm0));
      high = i64x2.add(high, i64x2.extmul_high_i32x4_u(y0, vm0));
      low = i64x2.add(low, i64x2.extmul_low_i32x4_u(y1, vm1));
      high = i64x2.add(high, i64x2.extmul_high_i32x4_u(y1, vm1));
      v128.store(column, low);
      v128.store(column, high, 16);
      b += 16;
      modulus += 16;
    }
  } else {
    let x1 = limb(b - 4);
    let y1 = limb(modulus - 4);
    for (let column = COLUMNS; column < end; column += 8) {
      const x0 = limb(b);
      const y0 = limb(modulus);
      const rows = <u64>a0 * x0 + <u64>a1 * x1;
      const multiples = <u64>m0 * y0 + <u64>m1 * y1;
      store<u64>(column, load<u64>(column, 16) + rows + multiples);
      x1 = x0;
      y1 = y0;
      b += 4;
      modulus += 4;
    }
  }
}

/** to = R modulo the modulus: a power of two that is smaller than the modulus for its length, doubled as often as it takes. */
function radix(to: usize, length: i32): void {
  const start = (length - 1) << 3;
  memory.fill(to, 0, NUMBER_SIZE);
  store<u32>(to + ((start / LIMB_BITS) << 2), 1 << start % LIMB_BITS);
  for (let i = start; i < LIMB_BITS * limbs; i++) double(to);
}

/** to = R^2 modulo the modulus, from R in the table: 2^e R is squared and doubled until e is 27 limbs. */
function radixSquared(to: usize): void {
  memory.copy(to, TABLE, NUMBER_SIZE);
  double(to);
  const exponent = LIMB_BITS * limbs;
  for (let bit = 30 - clz<i32>(exponent); bit >= 0; bit--) {
    multiply(to, to, to);
    subtractOnce(to);
    if ((exponent >> bit) & 1) double(to);
  }
}

/** x = 2 x modulo the modulus, for x below it. */
function double(x: usize): void {
  let carry: u32 = 0;
  for (let at = x, end = x + (limbs << 2); at < end; at += 4) {
    carry += load<u32>(at) << 1;
    store<u32>(at, carry & <u32>LIMB);
    carry >>= LIMB_BITS;
  }
  subtractOnce(x);
}

/** Takes the modulus from x, once, unless x is below it. */
function subtractOnce(x: usize): void {
  const size: usize = limbs << 2;
  let borrow: i32 = 0;
  for (let at: usize = 0; at < size; at += 4) {
    borrow = (load<i32>(x + at) - load<i32>(MODULUS + at) + borrow) >> LIMB_BITS;
  }
  // -1 where x is below the modulus, which is then taken as 0.
  const mask = ~borrow;
  borrow = 0;
  for (let at: usize = 0; at < size; at += 4) {
    borrow += load<i32>(x + at) - (load<i32>(MODULUS + at) & mask);
    store<i32>(x + at, borrow & <i32>LIMB);
    borrow >>= LIMB_BITS;
  }
}

/** -1/x modulo 2^27 for odd x, by Newton's iteration: x is its own inverse modulo 8, and each turn doubles the bits. */
function negatedInverse(x: u64): u64 {
  let y = x;
  for (let bits = 3; bits < LIMB_BITS; bits <<= 1) y *= 2 - x * y;
  return (0 - y) & LIMB;
}

function limb(at: usize): u64 {
  return <u64>load<u32>(at);
}

/** Limbs of the `length` big-endian bytes at `bytes`. */
function readNumber(to: usize, bytes: usize, length: i32): void {
  memory.fill(to, 0, NUMBER_SIZE);
  let pending: u64 = 0;
  let bits: i32 = 0;
  for (let i = length - 1; i >= 0; i--) {
    pending |= (<u64>load<u8>(bytes + i)) << bits;
    bits += 8;
    if (bits < LIMB_BITS) continue;
    store<u32>(to, <u32>(pending & LIMB));
    to += 4;
    pending >>= LIMB_BITS;
    bits -= LIMB_BITS;
  }
  store<u32>(to, <u32>pending);
}

/** The number at `from` as `length` big-endian bytes. */
function writeNumber(bytes: usize, from: usize, length: i32): void {
  let pending: u64 = 0;
  let bits: i32 = 0;
  for (let i = length - 1; i >= 0; i--) {
    if (bits < 8) {
      pending |= limb(from) << bits;
      from += 4;
      bits += LIMB_BITS;
    }
    store<u8>(bytes + i, <u8>pending);
    pending >>= 8;
    bits -= 8;
  }
}

function wipe(): void {
  memory.fill(MODULUS, 0, NUMBER_SIZE);
  memory.fill(RESULT, 0, NUMBER_SIZE);
  memory.fill(FACTOR, 0, NUMBER_SIZE);
  memory.fill(TABLE, 0, TABLE_ENTRIES * NUMBER_SIZE);
  memory.fill(COLUMNS, 0, limbs << 3);
  inverse = 0;
}
