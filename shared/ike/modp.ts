/**
 * Diffie-Hellman over the MODP groups. RFC 2409 §6.2, RFC 3526. Exponents go to `modPow` and nowhere else; the primes and
 * the peer's values are public.
 */
import type { Primitives } from '../crypto/suite.ts';
import { type Bytes, concat, fromHex, type Random } from '../wire/bytes.ts';

/** Group descriptions of RFC 2409 appendix A and RFC 3526. */
export type ModpGroup = 2 | 5 | 14 | 15 | 16 | 17 | 18;

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
  17: { bits: 6144, offset: 929484n, exponentBytes: 68 },
  18: { bits: 8192, offset: 4743158n, exponentBytes: 78 },
};

const GENERATOR = Uint8Array.of(2);

type Exponentiation = Pick<Primitives, 'modPow'>;

/** Whether a group description is one of these. */
export function isModp(group: number): group is ModpGroup {
  return Object.hasOwn(GROUPS, group);
}

export function modpBits(group: ModpGroup): number {
  return GROUPS[group].bits;
}

/** A fresh exponent and its power, as long as the prime. @rfc 2409 §5 */
export function modpKeyPair(
  group: ModpGroup,
  random: Random,
  { modPow }: Exponentiation,
): { privateValue: Bytes; publicValue: Bytes } {
  const exponent = random.bytes(GROUPS[group].exponentBytes);
  // A fixed top bit: the exponent has the same length every time.
  exponent[0] = exponent[0]! | 0x80;
  return { privateValue: exponent, publicValue: modPow(GENERATOR, exponent, prime(group)) };
}

/**
 * g^xy, as long as the prime; `undefined` when the peer's public value is not in 1 < y < p - 1, which would
 * make the secret known. Shorter values count as zero-padded.
 */
export function modpSecret(
  group: ModpGroup,
  exponent: Bytes,
  peerValue: Bytes,
  { modPow }: Exponentiation,
): Bytes | undefined {
  const p = prime(group);
  if (peerValue.length > p.length) return undefined;
  const y = concat(new Uint8Array(p.length - peerValue.length), peerValue);
  const aboveOne = y.some((byte, i) => byte > (i === y.length - 1 ? 1 : 0));
  return aboveOne && isBelow(y, minusOne(p)) ? modPow(y, exponent, p) : undefined;
}

/** Both of one length, and public. */
function isBelow(a: Bytes, b: Bytes): boolean {
  const i = a.findIndex((byte, at) => byte !== b[at]);
  return i >= 0 && a[i]! < b[i]!;
}

/** p - 1 for odd p. */
function minusOne(p: Bytes): Bytes {
  const out = p.slice();
  out[out.length - 1]! ^= 1;
  return out;
}

const primes = new Map<ModpGroup, Bytes>();

/** 2^n - 2^(n-64) - 1 + 2^64 * ([2^(n-130) pi] + offset). RFC 2409 §6.2, RFC 3526 §2 to §7. */
function prime(group: ModpGroup): Bytes {
  const known = primes.get(group);
  if (known !== undefined) return known;
  const { bits, offset } = GROUPS[group];
  const n = BigInt(bits);
  const number = (1n << n) - (1n << (n - 64n)) - 1n + ((scaledPi(n - 130n) + offset) << 64n);
  const value = fromHex(number.toString(16));
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
