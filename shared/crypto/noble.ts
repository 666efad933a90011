/**
 * The reference implementation of `Primitives` and `CipherSuite`, from @noble/ciphers, @noble/hashes and BigInt. Slower
 * than `wasm/`, and what that is tested against. Left out: 3DES, which noble does not have.
 */
import { cbc } from '@noble/ciphers/aes.js';
import { hmac } from '@noble/hashes/hmac.js';
import { md5, sha1 } from '@noble/hashes/legacy.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import { referenceEspEngine } from '../esp/reference.ts';
import { type Bytes, concat, type Random } from '../wire/bytes.ts';
import { modPow } from './mod-pow.ts';
import { BLOCK_LENGTH, type CbcCipherName, type CipherSuite, type Primitives } from './suite.ts';

const HASHES = { md5, sha1, sha256, sha384, sha512 };

/** `3des-cbc` throws `RangeError`; `modPow` does not take the same time for all exponents. */
export const noblePrimitives: Primitives = {
  hash: (name, ...parts) => HASHES[name](concat(...parts)),
  hmac: (name, key, ...parts) => hmac(HASHES[name], key, concat(...parts)),
  cbcEncrypt: (cipher, key, iv, plaintext) =>
    aesCbc(cipher, key, iv, plaintext).encrypt(plaintext) as Bytes,
  cbcDecrypt: (cipher, key, iv, ciphertext) =>
    aesCbc(cipher, key, iv, ciphertext).decrypt(ciphertext) as Bytes,
  modPow,
};

/** Everything in portable JavaScript; IVs come from `random`. */
export function nobleSuite(random: Random): CipherSuite {
  return { ...noblePrimitives, name: 'noble', esp: referenceEspEngine(noblePrimitives, random) };
}

function aesCbc(cipher: CbcCipherName, key: Bytes, iv: Bytes, text: Bytes) {
  if (cipher !== 'aes-cbc') throw new RangeError(`cipher: noble has no ${cipher}`);
  if (key.length !== 16 && key.length !== 24 && key.length !== 32) {
    throw new RangeError(`key: ${key.length} bytes`);
  }
  if (iv.length !== BLOCK_LENGTH[cipher]) throw new RangeError(`iv: ${iv.length} bytes`);
  if (text.length % BLOCK_LENGTH[cipher] !== 0) throw new RangeError('text: not whole blocks');
  return cbc(key, iv, { disablePadding: true });
}
