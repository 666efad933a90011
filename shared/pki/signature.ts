/**
 * RSA and ECDSA over a digest that the caller has. RFC 8017 §8.2, RFC 4754 §7. IKEv1's RSA signatures have no DigestInfo, which WebCrypto
 * cannot leave out; that is why keys are bytes here.
 */
import type { HashName, Primitives } from '../crypto/suite.ts';
import {
  type Bytes,
  concat,
  constantTimeEqual,
  EMPTY,
  fromHex,
  type Random,
  toHex,
} from '../wire/bytes.ts';
import { NOBLE_CURVES, type PrivateKey, type PublicKey, type RsaPublicKey } from './key.ts';

type Exponentiation = Pick<Primitives, 'modPow'>;
type RsaPrivateKey = Extract<PrivateKey, { kind: 'rsa' }>;

/** In front of a digest, as DER: which hash it is of. @rfc 8017 §9.2 */
const DIGEST_INFOS: Readonly<Record<HashName, Bytes>> = {
  md5: fromHex('3020300c06082a864886f70d020505000410'),
  sha1: fromHex('3021300906052b0e03021a05000414'),
  sha256: fromHex('3031300d060960864801650304020105000420'),
  sha384: fromHex('3041300d060960864801650304020205000430'),
  sha512: fromHex('3051300d060960864801650304020305000440'),
};

/** What is signed: a digest with the hash's name in front of it, or as IKEv1 has it, nothing but the digest. */
export interface Signed {
  readonly digest: Bytes;
  readonly hash?: HashName;
}

/** Bytes of padding around what is signed: 00 01, at least eight FF, 00. */
const LEAST_PADDING = 11;

/**
 * RSA: as long as the modulus. ECDSA: r | s, each as long as the order, deterministic (RFC 6979). Throws `RangeError` for an RSA
 * key that is too short for the digest.
 * @rfc 2409 §5.1
 * @rfc 4754 §7
 */
export function sign(
  key: PrivateKey,
  signed: Signed,
  primitives: Exponentiation,
  random: Random,
): Bytes {
  if (key.kind === 'rsa') return signRsa(key, signed, primitives, random);
  const curve = NOBLE_CURVES[key.publicKey.curve];
  return curve.sign(signed.digest, key.scalar, { prehash: false, lowS: false }) as Bytes;
}

/** `form` is how r and s are written: `compact` in IKE, `der` in certificates. */
export function verify(
  key: PublicKey,
  signed: Signed,
  signature: Bytes,
  primitives: Exponentiation,
  form: 'compact' | 'der' = 'compact',
): boolean {
  if (key.kind === 'rsa') return verifyRsa(key, signed, signature, primitives);
  const options = { prehash: false, lowS: false, format: form };
  try {
    return NOBLE_CURVES[key.curve].verify(signature, signed.digest, key.point, options);
  } catch {
    // noble throws at what is not a signature at all.
    return false;
  }
}

/**
 * One exponentiation by the whole exponent rather than two by the Chinese remainder theorem: a fault in one of those would
 * give the primes away. What is raised is blinded by a random factor, so that not even its own caller chooses it, and the
 * result is verified before it leaves.
 * @rfc 8017 §5.2.1
 */
function signRsa(
  { publicKey, exponent }: RsaPrivateKey,
  signed: Signed,
  primitives: Exponentiation,
  random: Random,
): Bytes {
  const { modulus } = publicKey;
  const { length } = modulus;
  const encoded = encodeMessage(signed, length);
  if (encoded === undefined) throw new RangeError('key: too short for the digest');
  const n = toNumber(modulus);
  const { factor, inverse } = blinding(n, length, random);
  const raised = toNumber(primitives.modPow(toBytes(factor, length), publicKey.exponent, modulus));
  const blinded = toBytes((toNumber(encoded) * raised) % n, length);
  const result = toNumber(primitives.modPow(blinded, exponent, modulus));
  const signature = toBytes((result * inverse) % n, length);
  if (!verifyRsa(publicKey, signed, signature, primitives)) {
    throw new Error('the RSA key does not verify what it signed');
  }
  return signature;
}

/** @rfc 8017 §8.2.2 */
function verifyRsa(
  { modulus, exponent }: RsaPublicKey,
  signed: Signed,
  signature: Bytes,
  primitives: Exponentiation,
): boolean {
  if (signature.length !== modulus.length) return false;
  if (toNumber(signature) >= toNumber(modulus)) return false;
  const expected = encodeMessage(signed, modulus.length);
  if (expected === undefined) return false;
  return constantTimeEqual(primitives.modPow(signature, exponent, modulus), expected);
}

/** EMSA-PKCS1-v1_5 to `length` bytes; `undefined` where that is too few. @rfc 8017 §9.2 */
function encodeMessage({ digest, hash }: Signed, length: number): Bytes | undefined {
  const info = concat(hash === undefined ? EMPTY : DIGEST_INFOS[hash], digest);
  const padding = length - info.length - 3;
  if (padding < LEAST_PADDING - 3) return undefined;
  const filled = new Uint8Array(padding).fill(0xff);
  return concat(Uint8Array.of(0, 1), filled, Uint8Array.of(0), info);
}

/** A random unit and its inverse. */
function blinding(n: bigint, length: number, random: Random): { factor: bigint; inverse: bigint } {
  for (;;) {
    const factor = toNumber(random.bytes(length)) % n;
    const inverse = invert(factor, n);
    if (inverse !== undefined) return { factor, inverse };
  }
}

/** 1/a modulo n by Euclid's algorithm; `undefined` where they have a factor in common. */
function invert(a: bigint, n: bigint): bigint | undefined {
  let [r0, r1, t0, t1] = [n, a, 0n, 1n];
  while (r1 !== 0n) {
    const quotient = r0 / r1;
    [r0, r1, t0, t1] = [r1, r0 - quotient * r1, t1, t0 - quotient * t1];
  }
  if (r0 !== 1n) return undefined;
  return t0 < 0n ? t0 + n : t0;
}

function toNumber(bytes: Bytes): bigint {
  return BigInt(`0x${toHex(bytes) || '0'}`);
}

function toBytes(number: bigint, length: number): Bytes {
  return fromHex(number.toString(16).padStart(2 * length, '0'));
}
