import { beforeAll, describe, expect, it } from 'vitest';
import { noblePrimitives } from '../../../shared/crypto/noble.ts';
import type { CbcCipherName, HashName, Primitives } from '../../../shared/crypto/suite.ts';
import { type Bytes, fromHex, toHex } from '../../../shared/wire/bytes.ts';
import { nodePrimitives } from '../../support/node-primitives.ts';
import { SeededRandom } from '../../support/random.ts';
import { WASM_BUILDS, wasmSuite } from '../../support/wasm-suite.ts';
import cbcVectors from '../../vectors/cbc.json' with { type: 'json' };
import hashVectors from '../../vectors/hash.json' with { type: 'json' };
import hmacVectors from '../../vectors/hmac.json' with { type: 'json' };

const HASHES: readonly HashName[] = ['md5', 'sha1', 'sha256', 'sha384', 'sha512'];
/** Around every block and padding boundary, and around the WASM module's piece of 16,384 bytes. */
const LENGTHS = [0, 1, 55, 56, 63, 64, 65, 111, 112, 119, 127, 128, 129, 16_383, 16_384, 16_385];

const BACKENDS: Readonly<Record<string, () => Promise<Primitives>>> = {
  'wasm, relaxed SIMD': () => wasmSuite(new SeededRandom(1), 'relaxed'),
  'wasm, strict SIMD': () => wasmSuite(new SeededRandom(1), 'strict'),
  'wasm, no SIMD': () => wasmSuite(new SeededRandom(1), 'none'),
  noble: async () => noblePrimitives,
  'node:crypto': async () => nodePrimitives,
};

function vectorsFor(backend: string) {
  return backend === 'noble'
    ? cbcVectors.cases.filter(({ cipher }) => cipher !== '3des-cbc')
    : cbcVectors.cases;
}

describe.each(Object.keys(BACKENDS))('%s', (backend) => {
  let primitives: Primitives;
  beforeAll(async () => {
    primitives = await BACKENDS[backend]!();
  });

  it.each(hashVectors.cases)('hashes as published: $hash of $message', (vector) => {
    const digest = primitives.hash(vector.hash as HashName, fromHex(vector.message));
    expect(toHex(digest)).toBe(vector.digest);
  });

  it.each(hmacVectors.cases)('authenticates as published: $hash, $case', (vector) => {
    const mac = primitives.hmac(
      vector.hash as HashName,
      fromHex(vector.key),
      fromHex(vector.message),
    );
    expect(toHex(mac).slice(0, vector.mac.length)).toBe(vector.mac);
  });

  it.each(vectorsFor(backend))('encrypts and decrypts as published: $case', (vector) => {
    const cipher = vector.cipher as CbcCipherName;
    const key = fromHex(vector.key);
    const iv = fromHex(vector.iv);
    const ciphertext = primitives.cbcEncrypt(cipher, key, iv, fromHex(vector.plaintext));
    expect(toHex(ciphertext)).toBe(vector.ciphertext);
    const plaintext = primitives.cbcDecrypt(cipher, key, iv, fromHex(vector.ciphertext));
    expect(toHex(plaintext)).toBe(vector.plaintext);
  });

  it('takes a message in parts as it takes it whole', () => {
    const random = new SeededRandom(2);
    const message = random.bytes(40_000);
    const parts = [0, 1, 64, 100, 16_384, 17_000, 39_999, 40_000].map((at, i, cuts) =>
      message.slice(cuts[i - 1] ?? 0, at),
    );
    const key = random.bytes(20);
    for (const name of HASHES) {
      expect(primitives.hash(name, ...parts)).toEqual(primitives.hash(name, message));
      expect(primitives.hmac(name, key, ...parts)).toEqual(primitives.hmac(name, key, message));
    }
  });

  it('refuses what is not whole blocks and keys of no known length', () => {
    const run = (key: number, iv: number, text: number) => () =>
      primitives.cbcEncrypt('aes-cbc', bytes(key), bytes(iv), bytes(text));
    expect(run(16, 16, 16)).not.toThrow();
    expect(run(15, 16, 16)).toThrow(RangeError);
    if (backend === 'node:crypto') return;
    expect(run(16, 8, 16)).toThrow(RangeError);
    expect(run(16, 16, 17)).toThrow(RangeError);
    expect(() => primitives.cbcDecrypt('aes-cbc', bytes(16), bytes(16), bytes(31))).toThrow(
      RangeError,
    );
    expect(() => primitives.cbcDecrypt('3des-cbc', bytes(16), bytes(8), bytes(8))).toThrow(
      RangeError,
    );
  });
});

describe.each(WASM_BUILDS)('wasm %s and the others agree', (build) => {
  let wasm: Primitives;
  beforeAll(async () => {
    wasm = await wasmSuite(new SeededRandom(3), build);
  });

  it.each(HASHES)('on %s and its HMAC at every boundary', (name) => {
    const random = new SeededRandom(4);
    for (const length of LENGTHS) {
      const message = random.bytes(length);
      const key = random.bytes(length % 200);
      const digest = toHex(nodePrimitives.hash(name, message));
      const mac = toHex(nodePrimitives.hmac(name, key, message));
      for (const backend of [wasm, noblePrimitives]) {
        expect(toHex(backend.hash(name, message))).toBe(digest);
        expect(toHex(backend.hmac(name, key, message))).toBe(mac);
      }
    }
  });

  it.each([
    ['aes-cbc', 16, 16],
    ['aes-cbc', 24, 16],
    ['aes-cbc', 32, 16],
    ['3des-cbc', 24, 8],
  ] as const)('on %s with %i bytes of key, in and across pieces', (cipher, keyLength, block) => {
    const random = new SeededRandom(5);
    for (const length of [0, block, 10 * block, 16_384, 16_384 + block, 40_000]) {
      const key = random.bytes(keyLength);
      const iv = random.bytes(block);
      const plaintext = random.bytes(length);
      const ciphertext = nodePrimitives.cbcEncrypt(cipher, key, iv, plaintext);
      expect(toHex(wasm.cbcEncrypt(cipher, key, iv, plaintext))).toBe(toHex(ciphertext));
      expect(toHex(wasm.cbcDecrypt(cipher, key, iv, ciphertext))).toBe(toHex(plaintext));
    }
  });
});

describe('noble', () => {
  it('says that it has no 3DES', () => {
    const run = () => noblePrimitives.cbcEncrypt('3des-cbc', bytes(24), bytes(8), bytes(8));
    expect(run).toThrow(new RangeError('cipher: noble has no 3des-cbc'));
  });
});

function bytes(length: number): Bytes {
  return new Uint8Array(length);
}
