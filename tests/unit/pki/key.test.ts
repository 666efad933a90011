import {
  createPrivateKey,
  createPublicKey,
  sign as nodeSign,
  verify as nodeVerify,
} from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { noblePrimitives } from '../../../shared/crypto/noble.ts';
import { decodeDer, encodeDer, encodeInteger, Tag } from '../../../shared/pki/der.ts';
import {
  decodePrivateKey,
  decodePublicKey,
  describeKey,
  encodePublicKey,
  fits,
  type PrivateKey,
} from '../../../shared/pki/key.ts';
import { sign, verify } from '../../../shared/pki/signature.ts';
import { DecodeError } from '../../../shared/wire/errors.ts';
import { pkiDer, pkiFile, pkiKey } from '../../support/pki.ts';
import { SeededRandom } from '../../support/random.ts';
import { wasmSuite } from '../../support/wasm-suite.ts';

const NAMES = ['client.key', 'ecclient.key', 'ec521.key'] as const;
const pem = (name: (typeof NAMES)[number]): Buffer => Buffer.from(pkiFile(name).bytes);

describe.each(NAMES)('%s', (name) => {
  const key = pkiKey(name);

  test('its public half is what OpenSSL says', () => {
    const spki = createPublicKey(pem(name)).export({ type: 'spki', format: 'der' });
    expect(Buffer.from(encodePublicKey(key.publicKey)).equals(spki)).toBe(true);
    expect(decodePublicKey(new Uint8Array(spki))).toEqual(key.publicKey);
  });

  test('every cut of it is refused', () => {
    const der = pkiDer(name);
    for (let length = 0; length < der.length; length++) {
      expect(() => decodePrivateKey(der.slice(0, length))).toThrow(DecodeError);
    }
  });

  test('signs what OpenSSL verifies, and verifies what OpenSSL signs', async () => {
    const message = new TextEncoder().encode('what was said');
    const hash = name === 'ec521.key' ? 'sha512' : 'sha256';
    const signed = { digest: noblePrimitives.hash(hash, message), hash } as const;
    const dsaEncoding = { dsaEncoding: 'ieee-p1363' } as const;
    for (const primitives of [noblePrimitives, await wasmSuite(new SeededRandom(1))]) {
      const signature = sign(key, signed, primitives, new SeededRandom(2));
      const options = { key: createPublicKey(pem(name)), ...dsaEncoding };
      expect(nodeVerify(hash, message, options, signature)).toBe(true);
      const theirs = nodeSign(hash, message, { key: createPrivateKey(pem(name)), ...dsaEncoding });
      expect(verify(key.publicKey, signed, new Uint8Array(theirs), primitives)).toBe(true);
      for (let at = 0; at < signature.length; at += 7) {
        const changed = signature.slice();
        changed[at]! ^= 1;
        expect(verify(key.publicKey, signed, changed, primitives)).toBe(false);
      }
      expect(verify(key.publicKey, signed, signature.slice(1), primitives)).toBe(false);
      expect(verify(key.publicKey, signed, new Uint8Array(0), primitives)).toBe(false);
    }
  });
});

test('the other forms of a key are the same key', () => {
  expect(decodePrivateKey(pkiDer('client.trad'))).toEqual(pkiKey('client.key'));
  expect(decodePrivateKey(pkiDer('ecclient.trad'))).toEqual(pkiKey('ecclient.key'));
  expect(fits(pkiKey('client.key'), decodePublicKey(pkiDer('client.pub')))).toBe(true);
  expect(fits(pkiKey('client.key'), decodePublicKey(pkiDer('ecclient.pub')))).toBe(false);
});

test('in words', () => {
  expect(NAMES.map((name) => describeKey(pkiKey(name).publicKey))).toEqual([
    'RSA-2048',
    'ECDSA-256',
    'ECDSA-521',
  ]);
});

describe('RSA as IKEv1 has it', () => {
  const key = pkiKey('client.key') as Extract<PrivateKey, { kind: 'rsa' }>;
  const digest = new SeededRandom(3).bytes(20);

  test('is padding and the digest, without its name', () => {
    const signature = sign(key, { digest }, noblePrimitives, new SeededRandom(4));
    const { modulus, exponent } = key.publicKey;
    const opened = noblePrimitives.modPow(signature, exponent, modulus);
    const padding = new Array<number>(modulus.length - 23).fill(0xff);
    expect([...opened]).toEqual([0, 1, ...padding, 0, ...digest]);
  });

  test('is not what a certificate has', () => {
    const signature = sign(key, { digest }, noblePrimitives, new SeededRandom(4));
    expect(verify(key.publicKey, { digest, hash: 'sha1' }, signature, noblePrimitives)).toBe(false);
  });

  test('does not depend on the blinding, and no two exponentiations are of the same number', () => {
    const bases: string[] = [];
    const primitives = {
      modPow: (...[base, exponent, modulus]: Parameters<typeof noblePrimitives.modPow>) => {
        if (exponent.length > 8) bases.push(String(base));
        return noblePrimitives.modPow(base, exponent, modulus);
      },
    };
    const [one, two] = [5, 6].map((seed) =>
      sign(key, { digest }, primitives, new SeededRandom(seed)),
    );
    expect(one).toEqual(two);
    expect(new Set(bases).size).toBe(2);
  });

  test('a result with a fault in it does not leave', () => {
    const primitives = {
      modPow: (...[base, exponent, modulus]: Parameters<typeof noblePrimitives.modPow>) => {
        const result = noblePrimitives.modPow(base, exponent, modulus);
        if (exponent.length > 8) result[100]! ^= 1;
        return result;
      },
    };
    expect(() => sign(key, { digest }, primitives, new SeededRandom(5))).toThrow('does not verify');
  });
});

describe('DER', () => {
  test.each([
    ['an indefinite length', [0x30, 0x80, 0, 0]],
    ['a length longer than it needs to be', [0x04, 0x81, 1, 7]],
    ['a length of four octets', [0x04, 0x84, 0, 0, 0, 1, 7]],
    ['a tag of several octets', [0x1f, 0x81, 1, 0]],
    ['bytes behind the end', [0x04, 1, 7, 7]],
  ])('refuses %s', (_name, bytes) => {
    expect(() => decodeDer(Uint8Array.from(bytes))).toThrow(DecodeError);
  });

  test('writes the shortest lengths and positive integers', () => {
    expect([...encodeInteger(Uint8Array.of(0, 0, 0x80))]).toEqual([2, 2, 0, 0x80]);
    expect([...encodeInteger(Uint8Array.of(0))]).toEqual([2, 1, 0]);
    const long = encodeDer(Tag.octetString, new Uint8Array(300));
    expect([...long.slice(0, 4)]).toEqual([4, 0x82, 1, 44]);
    expect(decodeDer(long).content.length).toBe(300);
  });
});
