/** The groups of the key exchange, whatever their arithmetic. RFC 2409 §6, RFC 3526, RFC 5903. */
import type { Primitives } from '../crypto/suite.ts';
import type { Bytes, Random } from '../wire/bytes.ts';
import { curve25519KeyPair, curve25519Secret } from './curve25519.ts';
import { type EcpGroup, ecpBits, ecpKeyPair, ecpSecret } from './ecp.ts';
import { isModp, type ModpGroup, modpBits, modpKeyPair, modpSecret } from './modp.ts';

/** Group descriptions, as the IANA registry numbers them. */
export type Group = ModpGroup | EcpGroup | Curve25519;

/** Not in the registry of IKEv1: its number in that of IKEv2. */
export const CURVE_25519 = 31;
type Curve25519 = typeof CURVE_25519;

/** One side's half of an exchange. */
export interface KeyPair {
  readonly group: Group;
  /** For one exchange alone. */
  readonly privateValue: Bytes;
  /** As the KE payload has it. */
  readonly publicValue: Bytes;
}

type Exponentiation = Pick<Primitives, 'modPow'>;

export function generateKeyPair(group: Group, random: Random, primitives: Exponentiation): KeyPair {
  if (group === CURVE_25519) return { group, ...curve25519KeyPair(random) };
  const values = isEcp(group) ? ecpKeyPair(group, random) : modpKeyPair(group, random, primitives);
  return { group, ...values };
}

/** g^xy; `undefined` when the peer's public value is not in the group, or would make the secret known. */
export function sharedSecret(
  { group, privateValue }: KeyPair,
  peerValue: Bytes,
  primitives: Exponentiation,
): Bytes | undefined {
  if (group === CURVE_25519) return curve25519Secret(privateValue, peerValue);
  return isEcp(group)
    ? ecpSecret(group, privateValue, peerValue)
    : modpSecret(group, privateValue, peerValue, primitives);
}

/** e.g. `MODP-2048`, `ECP-256`. */
export function describeGroup(group: Group): string {
  if (group === CURVE_25519) return 'Curve25519';
  return isEcp(group) ? `ECP-${ecpBits(group)}` : `MODP-${modpBits(group)}`;
}

/** Whether a group description is one of these. */
export function isGroup(group: number): group is Group {
  return isEcp(group) || isModp(group) || group === CURVE_25519;
}

function isEcp(group: number): group is EcpGroup {
  return group === 19 || group === 20 || group === 21;
}
