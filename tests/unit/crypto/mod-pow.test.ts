import { createDiffieHellman, getDiffieHellman } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { noblePrimitives } from '../../../shared/crypto/noble.ts';
import { MOD_POW_LIMIT, type Primitives } from '../../../shared/crypto/suite.ts';
import { type Bytes, fromHex, toHex } from '../../../shared/wire/bytes.ts';
import { SeededRandom } from '../../support/random.ts';
import { wasmSuite } from '../../support/wasm-suite.ts';
import vectors from '../../vectors/mod-pow.json' with { type: 'json' };

const GROUPS = ['modp2', 'modp5', 'modp14', 'modp15', 'modp16', 'modp17', 'modp18'] as const;

const BACKENDS: Readonly<Record<string, () => Promise<Pick<Primitives, 'modPow'>>>> = {
  wasm: () => wasmSuite(new SeededRandom(1)),
  BigInt: async () => noblePrimitives,
};

/** `value` in `length` bytes, or in as few as it takes. */
function bytesOf(value: bigint, length = 0): Bytes {
  const digits = value === 0n ? '' : value.toString(16);
  return fromHex(digits.padStart(Math.max(2 * length, digits.length + (digits.length % 2)), '0'));
}

function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x0${toHex(bytes)}`);
}

describe.each(Object.keys(BACKENDS))('%s', (backend) => {
  let modPow: Primitives['modPow'];
  beforeAll(async () => {
    ({ modPow } = await BACKENDS[backend]!());
  });

  it.each(vectors.cases)('raises as published: $case', ({ base, exponent, modulus, result }) => {
    expect(toHex(modPow(fromHex(base), fromHex(exponent), fromHex(modulus)))).toBe(result);
  });

  it.each(GROUPS)('agrees with OpenSSL on %s', (name) => {
    const prime = new Uint8Array(getDiffieHellman(name).getPrime());
    const exponent = new SeededRandom(prime.length).bytes(20);
    const generator = Uint8Array.of(2);
    const other = createDiffieHellman(prime, generator);
    other.setPrivateKey(exponent);
    expect(numberOf(modPow(generator, exponent, prime))).toBe(numberOf(other.generateKeys()));
  });

  it.each(GROUPS.slice(0, 5))('has no trouble at the edges of %s', (name) => {
    const prime = new Uint8Array(getDiffieHellman(name).getPrime());
    const { length } = prime;
    const p = numberOf(prime);
    const result = (base: bigint, exponent: Bytes) =>
      numberOf(modPow(bytesOf(base), exponent, prime));
    const [none, zero, one, two] = [new Uint8Array(0), bytesOf(0n, 3), bytesOf(1n, 3), bytesOf(2n)];
    const everyBit = new Uint8Array(9).fill(0xff);
    for (const base of [0n, 1n, 2n, p - 2n, p - 1n, p]) {
      expect(result(base, none)).toBe(1n);
      expect(result(base, zero)).toBe(1n);
      expect(result(base, one)).toBe(base % p);
      expect(result(base, two)).toBe(base ** 2n % p);
    }
    expect(result(0n, everyBit)).toBe(0n);
    expect(result(p, everyBit)).toBe(0n);
    expect(result(1n, everyBit)).toBe(1n);
    expect(result(p - 1n, everyBit)).toBe(p - 1n);
    expect(result((1n << BigInt(8 * length)) - 1n, one)).toBe((1n << BigInt(8 * length)) - 1n - p);
  });

  it('answers as many bytes as the modulus has', () => {
    const modulus = new Uint8Array(65).fill(0xff);
    expect(modPow(Uint8Array.of(3), Uint8Array.of(2), modulus)).toEqual(bytesOf(9n, 65));
  });

  it('takes RSA’s exponents, private and public', () => {
    // p and q: the Mersenne primes 2^521 - 1 and 2^607 - 1.
    const [p, q] = [2n ** 521n - 1n, 2n ** 607n - 1n];
    const modulus = bytesOf(p * q);
    const order = (p - 1n) * (q - 1n);
    const e = 65537n;
    const k = Array.from({ length: Number(e) }, (_, i) => BigInt(i)).find(
      (i) => (1n + i * order) % e === 0n,
    )!;
    const d = (1n + k * order) / e;
    const message = new SeededRandom(8).bytes(100);
    const signature = modPow(message, bytesOf(d), modulus);
    expect(numberOf(modPow(signature, bytesOf(e), modulus))).toBe(numberOf(message));
  });

  it('refuses what Montgomery cannot reduce, and what is too long', () => {
    const [one, long] = [Uint8Array.of(1), new Uint8Array(MOD_POW_LIMIT + 1).fill(0xff)];
    const evens = [fromHex(''), fromHex('00'), fromHex('01'), fromHex('04'), fromHex('0005')];
    for (const modulus of [...evens, long]) {
      expect(() => modPow(new Uint8Array(0), one, modulus)).toThrow(RangeError);
    }
    expect(() => modPow(fromHex('0001'), one, Uint8Array.of(7))).toThrow(/^base/);
    expect(() => modPow(one, long, Uint8Array.of(7))).toThrow(/^exponent/);
    expect(modPow(one, long.subarray(1), Uint8Array.of(7))).toEqual(one);
    expect(() => modPow(one, one, long.subarray(1))).not.toThrow();
  });
});

describe('wasm and BigInt', () => {
  let wasm: Pick<Primitives, 'modPow'>;
  beforeAll(async () => {
    wasm = await wasmSuite(new SeededRandom(2));
  });

  /** Numbers of random digits, and those with long runs of equal bits, where carries travel far. */
  const digits = (maxLength: number) =>
    fc.oneof(
      fc.uint8Array({ maxLength }),
      fc.array(fc.constantFrom(0x00, 0x01, 0x7f, 0x80, 0xff), { maxLength }),
    );

  it('agree on any odd modulus', () => {
    fc.assert(
      fc.property(digits(140), digits(140), digits(24), (modulusDigits, baseDigits, exponent) => {
        const modulus = Uint8Array.of(...modulusDigits, 3);
        modulus[0]! |= 1;
        modulus[modulus.length - 1]! |= 1;
        if (modulus.length === 1) modulus[0] = 3;
        const base = Uint8Array.from(baseDigits).slice(0, modulus.length);
        const e = Uint8Array.from(exponent);
        const expected = toHex(noblePrimitives.modPow(base, e, modulus));
        expect(toHex(wasm.modPow(base, e, modulus))).toBe(expected);
      }),
      { seed: 5, numRuns: 300 },
    );
  });
});
