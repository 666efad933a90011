/**
 * Diffie-Hellman over Curve25519. RFC 8031, which is about IKEv2: strongSwan has it in IKEv1 as well, and proposes nothing else by
 * default when it is the one that begins. The arithmetic is @noble/curves', over BigInt: its time is not quite the same for all
 * private values, each of which serves once.
 */
import { x25519 } from '@noble/curves/ed25519.js';
import type { Bytes, Random } from '../wire/bytes.ts';

/** Bytes of a private value, of a public value and of the secret. */
const LENGTH = 32;

export function curve25519KeyPair(random: Random): { privateValue: Bytes; publicValue: Bytes } {
  const privateValue = random.bytes(LENGTH);
  return { privateValue, publicValue: x25519.getPublicKey(privateValue) as Bytes };
}

/** `undefined` where the peer's value has another length, or would make the secret zero and known. */
export function curve25519Secret(privateValue: Bytes, peerValue: Bytes): Bytes | undefined {
  if (peerValue.length !== LENGTH) return undefined;
  try {
    return x25519.getSharedSecret(privateValue, peerValue) as Bytes;
  } catch {
    return undefined;
  }
}
