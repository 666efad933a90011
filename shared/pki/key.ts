/**
 * Public and private keys, and their forms: SubjectPublicKeyInfo, PKCS#8, and the older RSAPrivateKey and ECPrivateKey.
 * RFC 5280 §4.1.2.7, RFC 5480, RFC 5915, RFC 5958, RFC 8017 appendix A. Left out: RSA of more than two primes, explicit curves, Ed25519
 * (IKEv1 has no number for it).
 */
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { MOD_POW_LIMIT } from '../crypto/suite.ts';
import { type Bytes, concat, constantTimeEqual } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { berToDer } from './ber.ts';
import {
  contextTag,
  DerReader,
  encodeBits,
  encodeDer,
  encodeInteger,
  encodeOid,
  readSequence,
  Tag,
} from './der.ts';
import { CURVES, EC_PUBLIC_KEY, RSA_ENCRYPTION } from './oids.ts';

export type CurveName = keyof typeof CURVES;

export interface RsaPublicKey {
  readonly kind: 'rsa';
  /** Big-endian, odd, without leading zeros. */
  readonly modulus: Bytes;
  readonly exponent: Bytes;
}

export interface EcPublicKey {
  readonly kind: 'ec';
  readonly curve: CurveName;
  /** Uncompressed: 4, x, y. */
  readonly point: Bytes;
}

export type PublicKey = RsaPublicKey | EcPublicKey;

/** Secret. */
export type PrivateKey =
  | { readonly kind: 'rsa'; readonly publicKey: RsaPublicKey; readonly exponent: Bytes }
  | { readonly kind: 'ec'; readonly publicKey: EcPublicKey; readonly scalar: Bytes };

export const NOBLE_CURVES: Readonly<Record<CurveName, typeof p256>> = {
  'P-256': p256,
  'P-384': p384,
  'P-521': p521,
};

/** @rfc 5280 §4.1.2.7 */
export function decodePublicKey(spki: Bytes): PublicKey {
  const reader = readSequence(spki);
  const algorithm = reader.enter();
  const oid = algorithm.oid();
  const key = reader.bits();
  reader.finish();
  if (oid === RSA_ENCRYPTION) return decodeRsaPublicKey(key);
  if (oid === EC_PUBLIC_KEY) return ecPublicKey(curveOf(algorithm.oid()), key);
  throw new DecodeError('unknown kind of key');
}

export function encodePublicKey(key: PublicKey): Bytes {
  const [algorithm, bits] =
    key.kind === 'rsa'
      ? [[encodeOid(RSA_ENCRYPTION), encodeDer(Tag.null)], encodeRsaPublicKey(key)]
      : [[encodeOid(EC_PUBLIC_KEY), encodeOid(CURVES[key.curve])], key.point];
  return encodeDer(Tag.sequence, encodeDer(Tag.sequence, ...algorithm), encodeBits(bits));
}

/** PKCS#8, in BER as well, RSAPrivateKey or ECPrivateKey, told apart by what follows the version. @rfc 5958 §2 */
export function decodePrivateKey(file: Bytes): PrivateKey {
  const bytes = berToDer(file);
  const reader = readSequence(bytes);
  const version = reader.small();
  if (reader.is(Tag.sequence)) return decodePkcs8(reader);
  if (reader.is(Tag.octetString) && version === 1) return decodeEcPrivateKey(bytes, undefined);
  if (version !== 0) throw new DecodeError('unknown form of private key');
  return decodeRsaPrivateKey(bytes);
}

/** Whether the two belong together. */
export function fits(privateKey: PrivateKey, publicKey: PublicKey): boolean {
  return constantTimeEqual(encodePublicKey(privateKey.publicKey), encodePublicKey(publicKey));
}

/** e.g. `RSA-2048`, `ECDSA-256`. */
export function describeKey(key: PublicKey): string {
  return key.kind === 'rsa' ? `RSA-${rsaBits(key)}` : `ECDSA-${key.curve.slice(2)}`;
}

export function rsaBits({ modulus }: RsaPublicKey): number {
  return 8 * modulus.length - (Math.clz32(modulus[0]!) - 24);
}

/** @rfc 5958 §2 */
function decodePkcs8(reader: DerReader): PrivateKey {
  const algorithm = reader.enter();
  const oid = algorithm.oid();
  const key = reader.octets();
  if (oid === RSA_ENCRYPTION) return decodeRsaPrivateKey(key);
  if (oid === EC_PUBLIC_KEY) return decodeEcPrivateKey(key, curveOf(algorithm.oid()));
  throw new DecodeError('unknown kind of key');
}

/** @rfc 8017 appendix A.1.1 */
function decodeRsaPublicKey(bytes: Bytes): RsaPublicKey {
  const reader = readSequence(bytes);
  const key = rsaPublicKey(reader.unsigned(), reader.unsigned());
  reader.finish();
  return key;
}

function encodeRsaPublicKey({ modulus, exponent }: RsaPublicKey): Bytes {
  return encodeDer(Tag.sequence, encodeInteger(modulus), encodeInteger(exponent));
}

/** Primes and CRT exponents are read over: signing does without them. @rfc 8017 appendix A.1.2 */
function decodeRsaPrivateKey(bytes: Bytes): PrivateKey {
  const reader = readSequence(bytes);
  if (reader.small() !== 0) throw new DecodeError('RSA key of several primes');
  const publicKey = rsaPublicKey(reader.unsigned(), reader.unsigned());
  const exponent = reader.unsigned();
  if (exponent.length === 0 || exponent.length > publicKey.modulus.length) {
    throw new DecodeError('RSA private exponent');
  }
  return { kind: 'rsa', publicKey, exponent };
}

/** Any odd modulus that `modPow` can take; whether it is long enough to be trusted is for others to say. */
function rsaPublicKey(modulus: Bytes, exponent: Bytes): RsaPublicKey {
  const { length } = modulus;
  if (length < 64 || length > MOD_POW_LIMIT || (modulus[length - 1]! & 1) === 0) {
    throw new DecodeError('RSA modulus');
  }
  // A long exponent would only cost time.
  const odd = ((exponent.at(-1) ?? 0) & 1) === 1;
  if (!odd || exponent.length > 8 || (exponent.length === 1 && exponent[0] === 1)) {
    throw new DecodeError('RSA exponent');
  }
  return { kind: 'rsa', modulus, exponent };
}

/** @rfc 5915 §3 */
function decodeEcPrivateKey(bytes: Bytes, known: CurveName | undefined): PrivateKey {
  const reader = readSequence(bytes);
  if (reader.small() !== 1) throw new DecodeError('EC private key');
  const digits = reader.octets();
  const named = reader.option(contextTag(0));
  const curve = named === undefined ? known : curveOf(new DerReader(named.content).oid());
  if (curve === undefined) throw new DecodeError('EC private key without its curve');
  const noble = NOBLE_CURVES[curve];
  const length = noble.lengths.secretKey!;
  if (digits.length > length) throw new DecodeError('EC private key');
  const scalar = concat(new Uint8Array(length - digits.length), digits);
  if (!noble.utils.isValidSecretKey(scalar)) throw new DecodeError('EC private key');
  return ecPrivateKey(curve, scalar);
}

function ecPrivateKey(curve: CurveName, scalar: Bytes): PrivateKey {
  const point = NOBLE_CURVES[curve].getPublicKey(scalar, false) as Bytes;
  return { kind: 'ec', publicKey: { kind: 'ec', curve, point }, scalar };
}

function ecPublicKey(curve: CurveName, bytes: Bytes): EcPublicKey {
  const noble = NOBLE_CURVES[curve];
  if (!noble.utils.isValidPublicKey(bytes)) throw new DecodeError('no point of the curve');
  return { kind: 'ec', curve, point: noble.Point.fromBytes(bytes).toBytes(false) as Bytes };
}

function curveOf(oid: string): CurveName {
  for (const [name, known] of Object.entries(CURVES)) {
    if (known === oid) return name as CurveName;
  }
  throw new DecodeError('unknown curve');
}
