/**
 * What a passphrase encrypts: PBES2 and the schemes of old PKCS#12 files. RFC 8018 §6.2, RFC 7292 appendices B and C.
 * Left out: scrypt, and PBES1 with DES.
 */
import { hmac } from '@noble/hashes/hmac.js';
import { sha1 } from '@noble/hashes/legacy.js';
import { pbkdf2 } from '@noble/hashes/pbkdf2.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import type { CbcCipherName, Primitives } from '../crypto/suite.ts';
import { type Bytes, concat } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { utf8Encode } from '../wire/text.ts';
import { type DerReader, readSequence } from './der.ts';
import { CBC_CIPHERS, HASHES, HMACS, PBES2, PBKDF2, PKCS12_CIPHERS } from './oids.ts';
import { rc2CbcDecrypt } from './rc2.ts';

/** Most rounds of key derivation: a file may be made to keep a tab busy. 600,000 are usual today. */
const MAX_ITERATIONS = 10_000_000;

const NOBLE = { sha1, sha256, sha384, sha512 } as const;
type KnownHash = keyof typeof NOBLE;

/** The same passphrase, as each document wants it encoded. */
export interface Passphrase {
  readonly utf8: Bytes;
  /** UTF-16 with two zero bytes at the end. @rfc 7292 appendix B.1 */
  readonly bmp: Bytes;
}

export function encodePassphrase(text: string): Passphrase {
  const bmp = new Uint8Array(2 * text.length + 2);
  for (let i = 0; i < text.length; i++) {
    bmp[2 * i] = text.charCodeAt(i) >>> 8;
    bmp[2 * i + 1] = text.charCodeAt(i);
  }
  return { utf8: utf8Encode(text), bmp };
}

/**
 * The plaintext under an AlgorithmIdentifier; `undefined` where the padding is wrong, as it is with a wrong passphrase in
 * all but 1 of 256 cases. Throws `DecodeError` for an algorithm that is not known.
 */
export function decryptWithPassphrase(
  algorithm: DerReader,
  ciphertext: Bytes,
  passphrase: Passphrase,
  primitives: Primitives,
): Bytes | undefined {
  const oid = algorithm.oid();
  const { cipher, key, iv } =
    oid === PBES2
      ? pbes2(algorithm.enter(), passphrase)
      : pkcs12Scheme(entry(PKCS12_CIPHERS, oid), algorithm.enter(), passphrase);
  if (ciphertext.length === 0 || ciphertext.length % iv.length !== 0) {
    throw new DecodeError('not whole cipher blocks');
  }
  const padded =
    cipher === 'rc2-cbc'
      ? rc2CbcDecrypt(key, iv, ciphertext)
      : primitives.cbcDecrypt(cipher, key, iv, ciphertext);
  key.fill(0);
  return withoutPadding(padded, iv.length);
}

interface Prepared {
  readonly cipher: CbcCipherName | 'rc2-cbc';
  readonly key: Bytes;
  readonly iv: Bytes;
}

/** @rfc 8018 §6.2.2 */
function pbes2(parameters: DerReader, { utf8 }: Passphrase): Prepared {
  const derivation = parameters.enter();
  if (derivation.oid() !== PBKDF2) throw new DecodeError('unknown key derivation');
  const { salt, iterations, hash } = readPbkdf2(derivation.enter());
  const encryption = parameters.enter();
  const { cipher, keyBytes } = entry(CBC_CIPHERS, encryption.oid());
  const iv = encryption.octets();
  if (iv.length !== (cipher === 'aes-cbc' ? 16 : 8)) throw new DecodeError('length of an IV');
  const key = pbkdf2(NOBLE[hash], utf8, salt, { c: iterations, dkLen: keyBytes }) as Bytes;
  return { cipher, key, iv };
}

/** @rfc 8018 appendix A.2 */
function readPbkdf2(reader: DerReader): { salt: Bytes; iterations: number; hash: KnownHash } {
  const salt = reader.octets();
  const iterations = readIterations(reader);
  let rest = reader.done ? undefined : reader.next();
  // The length of the key, which the cipher says as well.
  if (rest?.tag === 0x02) rest = reader.done ? undefined : reader.next();
  const hash = rest === undefined ? 'sha1' : entry(HMACS, readSequence(rest.bytes).oid());
  return { salt, iterations, hash };
}

/** @rfc 7292 appendix C */
function pkcs12Scheme(
  { cipher, keyBytes }: (typeof PKCS12_CIPHERS)[keyof typeof PKCS12_CIPHERS],
  parameters: DerReader,
  { bmp }: Passphrase,
): Prepared {
  const salt = parameters.octets();
  const iterations = readIterations(parameters);
  const key = pkcs12Derive('sha1', 1, bmp, salt, iterations, keyBytes);
  const iv = pkcs12Derive('sha1', 2, bmp, salt, iterations, 8);
  const twoKeys = cipher === '3des-cbc' && keyBytes === 16;
  return { cipher, key: twoKeys ? concat(key, key.slice(0, 8)) : key, iv };
}

function readIterations(reader: DerReader): number {
  const iterations = reader.small();
  if (iterations < 1 || iterations > MAX_ITERATIONS) throw new DecodeError('iterations');
  return iterations;
}

/** Whether the MAC over a PKCS#12 file's content is right. @rfc 7292 §4 */
export function pkcs12MacIsRight(mac: DerReader, content: Bytes, { bmp }: Passphrase): boolean {
  const digestInfo = mac.enter();
  const hash = entry(HASHES, digestInfo.enter().oid());
  const expected = digestInfo.octets();
  const salt = mac.octets();
  const iterations = mac.done ? 1 : readIterations(mac);
  const key = pkcs12Derive(hash, 3, bmp, salt, iterations, NOBLE[hash].outputLen);
  const actual = hmac(NOBLE[hash], key, content);
  return actual.length === expected.length && actual.every((byte, i) => byte === expected[i]);
}

/** `id` 1 is for keys, 2 for IVs, 3 for MACs. @rfc 7292 appendix B.2 */
function pkcs12Derive(
  hash: KnownHash,
  id: number,
  passphrase: Bytes,
  salt: Bytes,
  iterations: number,
  length: number,
): Bytes {
  const { blockLen: v } = NOBLE[hash];
  const diversifier = new Uint8Array(v).fill(id);
  const input = concat(repeated(salt, v), repeated(passphrase, v));
  let out = new Uint8Array(0);
  for (;;) {
    let block = NOBLE[hash](concat(diversifier, input)) as Bytes;
    for (let i = 1; i < iterations; i++) block = NOBLE[hash](block) as Bytes;
    out = concat(out, block);
    if (out.length >= length) return out.slice(0, length);
    addToEach(input, repeated(block, v).slice(0, v), v);
  }
}

/** Filled up to a whole number of blocks with itself. */
function repeated(bytes: Bytes, block: number): Bytes {
  const out = new Uint8Array(block * Math.ceil(bytes.length / block));
  for (let i = 0; i < out.length; i++) out[i] = bytes[i % bytes.length]!;
  return out;
}

/** Each block of `input` plus `addend` plus 1, modulo 2^(8 block). */
function addToEach(input: Bytes, addend: Bytes, block: number): void {
  for (let start = 0; start < input.length; start += block) {
    let carry = 1;
    for (let i = block - 1; i >= 0; i--) {
      carry += input[start + i]! + addend[i]!;
      input[start + i] = carry;
      carry >>= 8;
    }
  }
}

/** @rfc 8018 §6.1.1 */
function withoutPadding(padded: Bytes, block: number): Bytes | undefined {
  const length = padded.at(-1) ?? 0;
  if (length < 1 || length > block) return undefined;
  if (padded.slice(-length).some((byte) => byte !== length)) return undefined;
  return padded.slice(0, -length);
}

function entry<T extends object>(table: T, oid: string): T[keyof T] {
  if (!Object.hasOwn(table, oid)) throw new DecodeError(`unknown algorithm ${oid}`);
  return table[oid as keyof T];
}
