import {
  createDiffieHellman,
  createECDH,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  getDiffieHellman,
} from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Primitives } from '../../../shared/crypto/suite.ts';
import type { EcpGroup } from '../../../shared/ike/ecp.ts';
import {
  CURVE_25519,
  describeGroup,
  generateKeyPair,
  sharedSecret,
} from '../../../shared/ike/group.ts';
import { type ModpGroup, modpBits } from '../../../shared/ike/modp.ts';
import { type Bytes, fromHex, toHex } from '../../../shared/wire/bytes.ts';
import { SeededRandom } from '../../support/random.ts';
import { wasmSuite } from '../../support/wasm-suite.ts';

let primitives: Primitives;
beforeAll(async () => {
  primitives = await wasmSuite(new SeededRandom(0));
});

const GROUPS: readonly ModpGroup[] = [2, 5, 14, 15, 16, 17, 18];

function primeOf(group: ModpGroup): Bytes {
  return new Uint8Array(getDiffieHellman(`modp${group}`).getPrime());
}

function asNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes)}`);
}

describe.each(GROUPS)('group %d', (group) => {
  test('agrees with OpenSSL', () => {
    for (let seed = 0; seed < (group > 15 ? 1 : 3); seed++) {
      const other = getDiffieHellman(`modp${group}`);
      other.generateKeys();
      const ours = generateKeyPair(group, new SeededRandom(seed), primitives);
      const secret = sharedSecret(ours, new Uint8Array(other.getPublicKey()), primitives)!;
      expect(secret.length).toBe(modpBits(group) / 8);
      expect(asNumber(secret)).toBe(asNumber(other.computeSecret(ours.publicValue)));
    }
  });

  test('has the RFC prime, as its public value of a known exponent shows', () => {
    const pair = generateKeyPair(group, new SeededRandom(group), primitives);
    const other = createDiffieHellman(primeOf(group), Buffer.of(2));
    other.setPrivateKey(pair.privateValue);
    other.generateKeys();
    expect(asNumber(pair.publicValue)).toBe(asNumber(other.getPublicKey()));
    expect(pair.publicValue.length).toBe(modpBits(group) / 8);
  });

  test('refuses public values that make the secret known', () => {
    const pair = generateKeyPair(group, new SeededRandom(1), primitives);
    const prime = primeOf(group);
    const minusOne = prime.slice();
    minusOne[minusOne.length - 1]! -= 1;
    const minusTwo = prime.slice();
    minusTwo[minusTwo.length - 1]! -= 2;
    const longer = new Uint8Array(prime.length + 1);
    longer[longer.length - 1] = 5;
    const bad = [Uint8Array.of(), Uint8Array.of(0), Uint8Array.of(0, 1), minusOne, prime, longer];
    for (const value of bad) expect(sharedSecret(pair, value, primitives)).toBeUndefined();
    for (const value of [Uint8Array.of(2), minusTwo]) {
      expect(sharedSecret(pair, value, primitives)).toBeDefined();
    }
  });

  test('pads the secret with zeros, and takes a public value without them', () => {
    const pair = generateKeyPair(group, new SeededRandom(2), primitives);
    const short = fromHex('03');
    const padded = new Uint8Array(modpBits(group) / 8);
    padded[padded.length - 1] = 3;
    expect(sharedSecret(pair, short, primitives)).toEqual(sharedSecret(pair, padded, primitives));
  });

  test('has exponents of one length', () => {
    const lengths = [1, 2, 3].map((seed) => {
      const { privateValue: exponent } = generateKeyPair(group, new SeededRandom(seed), primitives);
      expect(exponent[0]! & 0x80).toBe(0x80);
      return exponent.length;
    });
    expect(new Set(lengths).size).toBe(1);
    expect(lengths[0]).toBeGreaterThanOrEqual(20);
  });
});

const CURVES = { 19: 'prime256v1', 20: 'secp384r1', 21: 'secp521r1' } as const;

describe.each([19, 20, 21] as const)('group %d', (group: EcpGroup) => {
  test('agrees with OpenSSL', () => {
    for (let seed = 0; seed < 3; seed++) {
      const other = createECDH(CURVES[group]);
      const theirs = new Uint8Array(other.generateKeys().subarray(1));
      const ours = generateKeyPair(group, new SeededRandom(seed), primitives);
      const secret = sharedSecret(ours, theirs, primitives)!;
      const point = Buffer.concat([Buffer.of(4), ours.publicValue]);
      expect(toHex(secret)).toBe(other.computeSecret(point).toString('hex'));
      expect(ours.publicValue.length).toBe(2 * secret.length);
    }
  });

  test('refuses what is no point of the curve', () => {
    const pair = generateKeyPair(group, new SeededRandom(1), primitives);
    const { publicValue } = generateKeyPair(group, new SeededRandom(2), primitives);
    expect(sharedSecret(pair, publicValue, primitives)).toBeDefined();
    const off = publicValue.slice();
    off[off.length - 1]! ^= 1;
    const bad = [
      Uint8Array.of(),
      off,
      new Uint8Array(publicValue.length),
      publicValue.slice(1),
      new Uint8Array(publicValue.length).fill(0xff),
      Uint8Array.of(4, ...publicValue),
    ];
    for (const value of bad) expect(sharedSecret(pair, value, primitives)).toBeUndefined();
  });
});

test('in words', () => {
  expect([14, 18, 19, 21].map((group) => describeGroup(group as ModpGroup | EcpGroup))).toEqual([
    'MODP-2048',
    'MODP-8192',
    'ECP-256',
    'ECP-521',
  ]);
});

describe('Curve25519', () => {
  test('agrees with OpenSSL', () => {
    const { privateKey, publicKey } = generateKeyPairSync('x25519');
    const theirs = fromHex(publicKey.export({ type: 'spki', format: 'der' }).toString('hex')).slice(
      -32,
    );
    const ours = generateKeyPair(CURVE_25519, new SeededRandom(4), primitives);
    // What SubjectPublicKeyInfo of an X25519 key begins with (RFC 8410 §4).
    const front = fromHex('302a300506032b656e032100');
    const own = createPublicKey({
      key: Buffer.concat([front, ours.publicValue]),
      type: 'spki',
      format: 'der',
    });
    const expected = diffieHellman({ privateKey, publicKey: own });
    expect(toHex(sharedSecret(ours, theirs, primitives)!)).toBe(expected.toString('hex'));
    expect(describeGroup(CURVE_25519)).toBe('Curve25519');
  });

  test('refuses another length, and a value that makes the secret zero', () => {
    const pair = generateKeyPair(CURVE_25519, new SeededRandom(5), primitives);
    for (const value of [new Uint8Array(31), new Uint8Array(33), new Uint8Array(32)]) {
      expect(sharedSecret(pair, value, primitives)).toBeUndefined();
    }
  });
});
