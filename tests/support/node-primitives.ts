import { createCipheriv, createDecipheriv, createHash, createHmac } from 'node:crypto';
import { modPow } from '../../shared/crypto/mod-pow.ts';
import type { CbcCipherName, Primitives } from '../../shared/crypto/suite.ts';
import { type Bytes, concat } from '../../shared/wire/bytes.ts';

/** `Primitives` from node:crypto: a third opinion, and the only one besides WASM that has 3DES. */
export const nodePrimitives: Primitives = {
  hash(name, ...parts) {
    const hash = createHash(name);
    for (const part of parts) hash.update(part);
    return new Uint8Array(hash.digest());
  },
  hmac(name, key, ...parts) {
    const hmac = createHmac(name, key);
    for (const part of parts) hmac.update(part);
    return new Uint8Array(hmac.digest());
  },
  cbcEncrypt(cipher, key, iv, plaintext) {
    const run = createCipheriv(opensslName(cipher, key), key, iv).setAutoPadding(false);
    return concat(run.update(plaintext), run.final());
  },
  cbcDecrypt(cipher, key, iv, ciphertext) {
    const run = createDecipheriv(opensslName(cipher, key), key, iv).setAutoPadding(false);
    return concat(run.update(ciphertext), run.final());
  },
  // Node has no such function; its Diffie-Hellman is held against both in tests/unit/crypto/mod-pow.test.ts.
  modPow,
};

function opensslName(cipher: CbcCipherName, key: Bytes): string {
  if (cipher === '3des-cbc') return 'des-ede3-cbc';
  if (key.length !== 16 && key.length !== 24 && key.length !== 32) {
    throw new RangeError(`key: ${key.length} bytes`);
  }
  return `aes-${key.length * 8}-cbc`;
}
