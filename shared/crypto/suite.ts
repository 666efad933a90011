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

/** Bytes of the longest modulus and exponent: 8192 bits. */
export const MOD_POW_LIMIT = 1024;

export interface Primitives {
  /** Digest of the parts, end to end. */
  hash(name: HashName, ...parts: readonly Bytes[]): Bytes;
  /** HMAC (RFC 2104) over the parts, end to end. */
  hmac(name: HashName, key: Bytes, ...parts: readonly Bytes[]): Bytes;
  /** `plaintext` must be whole blocks; no padding is added. Throws `RangeError` otherwise. */
  cbcEncrypt(cipher: CbcCipherName, key: Bytes, iv: Bytes, plaintext: Bytes): Bytes;
  /** `ciphertext` must be whole blocks; no padding is removed. Throws `RangeError` otherwise. */
  cbcDecrypt(cipher: CbcCipherName, key: Bytes, iv: Bytes, ciphertext: Bytes): Bytes;
  /**
   * base^exponent modulo an odd modulus, all big-endian; the result is as long as the modulus. Throws `RangeError` where the
   * modulus is even, below 3 or begins with a zero byte, where the base is longer than the modulus, or where modulus
   * or exponent is longer than `MOD_POW_LIMIT`.
   */
  modPow(base: Bytes, exponent: Bytes, modulus: Bytes): Bytes;
}

export interface CipherSuite extends Primitives {
  readonly name: string;
  readonly esp: EspEngine;
}
