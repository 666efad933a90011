/**
 * Diffie-Hellman over the elliptic curves P-256, P-384 and P-521. RFC 5903. The arithmetic is @noble/curves', over BigInt:
 * its time is not quite the same for all private values, each of which serves once.
 */
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { type Bytes, concat, type Random } from '../wire/bytes.ts';

/** @rfc 5903 §3 */
export type EcpGroup = 19 | 20 | 21;

/** Bytes of a coordinate. @rfc 5903 §7 */
const CURVES = {
  19: { curve: p256, coordinate: 32, bits: 256 },
  20: { curve: p384, coordinate: 48, bits: 384 },
  21: { curve: p521, coordinate: 66, bits: 521 },
} as const;

/** What an uncompressed point begins with outside of IKE (SEC 1 §2.3.3). */
const UNCOMPRESSED = Uint8Array.of(4);

export function ecpBits(group: EcpGroup): number {
  return CURVES[group].bits;
}

/** A fresh private value, uniform below the order, and x | y of its point. @rfc 5903 §7 */
export function ecpKeyPair(
  group: EcpGroup,
  random: Random,
): { privateValue: Bytes; publicValue: Bytes } {
  const { curve } = CURVES[group];
  const seed = random.bytes(curve.lengths.seed!);
  const privateValue = curve.utils.randomSecretKey(seed) as Bytes;
  seed.fill(0);
  return { privateValue, publicValue: curve.getPublicKey(privateValue, false).slice(1) as Bytes };
}

/** The x coordinate alone; `undefined` when the peer's value is no point of the curve. @rfc 5903 §7 */
export function ecpSecret(
  group: EcpGroup,
  privateValue: Bytes,
  peerValue: Bytes,
): Bytes | undefined {
  const { curve, coordinate } = CURVES[group];
  if (peerValue.length !== 2 * coordinate) return undefined;
  const point = concat(UNCOMPRESSED, peerValue);
  // A curve of prime order: every point on it but the one at infinity, which has no such form, will do.
  if (!curve.utils.isValidPublicKey(point, false)) return undefined;
  return curve.getSharedSecret(privateValue, point).slice(1) as Bytes;
}
