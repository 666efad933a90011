/**
 * Diffie-Hellman over the MODP groups. RFC 2409 §6.2, RFC 3526.
 *
 * Limit: `BigInt` arithmetic takes time that depends on its operands. The sequence of operations here does not
 * depend on the exponent, and an exponent serves one exchange only; that is as far as this goes.
 */
import { type Bytes, fromHex, type Random, toHex } from '../wire/bytes.ts';

/** Group descriptions of RFC 2409 appendix A and RFC 3526. */
export type ModpGroup = 2 | 5 | 14 | 15 | 16;

interface GroupParameters {
  readonly bits: number;
  /** What is added to the digits of pi in the RFC's formula for the prime. */
  readonly offset: bigint;
  /** Length of a private exponent: twice the strength, by the larger estimate. @rfc 3526 §8 */
  readonly exponentBytes: number;
}

const GROUPS: Readonly<Record<ModpGroup, GroupParameters>> = {
  2: { bits: 1024, offset: 129093n, exponentBytes: 20 },
  5: { bits: 1536, offset: 741804n, exponentBytes: 30 },
  14: { bits: 2048, offset: 124476n, exponentBytes: 40 },
  15: { bits: 3072, offset: 1690314n, exponentBytes: 53 },
  16: { bits: 4096, offset: 240904n, exponentBytes: 60 },
};

const GENERATOR = 2n;
const WINDOW_BITS = 4;

/** One side's half of an exchange. */
export interface KeyPair {
  readonly group: ModpGroup;
  readonly exponent: Bytes;
  /** As long as the prime. @rfc 2409 §5 */
  readonly publicValue: Bytes;
}

export function modpBits(group: ModpGroup): number {
  return GROUPS[group].bits;
}

export function generateKeyPair(group: ModpGroup, random: Random): KeyPair {
  const exponent = random.bytes(GROUPS[group].exponentBytes);
  // A fixed top bit: the exponent has the same length every time.
  exponent[0] = exponent[0]! | 0x80;
  return { group, exponent, publicValue: power(GENERATOR, exponent, group) };
}

/**
 * g^xy, as long as the prime; `undefined` when the peer's public value is not in 1 < y < p - 1, which would
 * make the secret known. Shorter values count as zero-padded.
 */
export function sharedSecret(pair: KeyPair, peerValue: Bytes): Bytes | undefined {
  if (peerValue.length === 0 || peerValue.length > GROUPS[pair.group].bits / 8) return undefined;
  const y = toNumber(peerValue);
  if (y <= 1n || y >= prime(pair.group) - 1n) return undefined;
  return power(y, pair.exponent, pair.group);
}

/** base^exponent mod p by a fixed window: for every 4 bits four squarings and one multiplication, also by 1. */
function power(base: bigint, exponent: Bytes, group: ModpGroup): Bytes {
  const p = prime(group);
  const table: bigint[] = [1n];
  for (let i = 1; i < 1 << WINDOW_BITS; i++) table.push((table[i - 1]! * base) % p);
  let result = 1n;
  for (const byte of exponent) {
    for (const digit of [byte >>> WINDOW_BITS, byte & 0x0f]) {
      for (let i = 0; i < WINDOW_BITS; i++) result = (result * result) % p;
      result = (result * table[digit]!) % p;
    }
  }
  return fromHex(result.toString(16).padStart(GROUPS[group].bits / 4, '0'));
}

const primes = new Map<ModpGroup, bigint>();

/** 2^n - 2^(n-64) - 1 + 2^64 * ([2^(n-130) pi] + offset). RFC 2409 §6.2, RFC 3526 §2 to §5. */
function prime(group: ModpGroup): bigint {
  const known = primes.get(group);
  if (known !== undefined) return known;
  const { bits, offset } = GROUPS[group];
  const n = BigInt(bits);
  const value = (1n << n) - (1n << (n - 64n)) - 1n + ((scaledPi(n - 130n) + offset) << 64n);
  primes.set(group, value);
  return value;
}

/** [2^bits pi], by Machin's formula with 64 guard bits. */
function scaledPi(bits: bigint): bigint {
  const one = 1n << (bits + 64n);
  return (4n * (4n * arctanInverse(5n, one) - arctanInverse(239n, one))) >> 64n;
}

function arctanInverse(x: bigint, one: bigint): bigint {
  let sum = 0n;
  let term = one / x;
  for (let k = 1n; term !== 0n; k += 2n) {
    sum += k % 4n === 1n ? term / k : -(term / k);
    term /= x * x;
  }
  return sum;
}

function toNumber(bytes: Bytes): bigint {
  return BigInt(`0x${toHex(bytes)}`);
}
