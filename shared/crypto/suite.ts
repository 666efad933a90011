/**
 * What the protocol machines ask of cryptography. Two implementations: `noble.ts`, the reference, and
 * `wasm/`, which the tab uses; one test suite runs over both. All calls are synchronous: they run in a worker.
 */

import type { EspEngine } from '../esp/engine.ts';
import type { Bytes } from '../wire/bytes.ts';

export type HashName = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512';

/** Block ciphers in CBC mode; the key's length selects AES-128, -192 or -256; 3DES takes 24 bytes. */
export type CbcCipherName = 'aes-cbc' | '3des-cbc';

export const BLOCK_LENGTH: Readonly<Record<CbcCipherName, number>> = {
  'aes-cbc': 16,
  '3des-cbc': 8,
};

export interface Primitives {
  /** Digest of the parts, end to end. */
  hash(name: HashName, ...parts: readonly Bytes[]): Bytes;
  /** HMAC (RFC 2104) over the parts, end to end. */
  hmac(name: HashName, key: Bytes, ...parts: readonly Bytes[]): Bytes;
  /** `plaintext` must be whole blocks; no padding is added. Throws `RangeError` otherwise. */
  cbcEncrypt(cipher: CbcCipherName, key: Bytes, iv: Bytes, plaintext: Bytes): Bytes;
  /** `ciphertext` must be whole blocks; no padding is removed. Throws `RangeError` otherwise. */
  cbcDecrypt(cipher: CbcCipherName, key: Bytes, iv: Bytes, ciphertext: Bytes): Bytes;
}

export interface CipherSuite extends Primitives {
  readonly name: string;
  readonly esp: EspEngine;
}
