/** The groups of the key exchange, whatever their arithmetic. RFC 2409 §6, RFC 3526, RFC 5903. */
import type { Primitives } from '../crypto/suite.ts';
import type { Bytes, Random } from '../wire/bytes.ts';
import { type EcpGroup, ecpBits, ecpKeyPair, ecpSecret } from './ecp.ts';
import { isModp, type ModpGroup, modpBits, modpKeyPair, modpSecret } from './modp.ts';

/** Group descriptions, as the IANA registry numbers them. */
export type Group = ModpGroup | EcpGroup;

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
  const values = isEcp(group) ? ecpKeyPair(group, random) : modpKeyPair(group, random, primitives);
  return { group, ...values };
}

/** g^xy; `undefined` when the peer's public value is not in the group, or would make the secret known. */
export function sharedSecret(
  { group, privateValue }: KeyPair,
  peerValue: Bytes,
  primitives: Exponentiation,
): Bytes | undefined {
  return isEcp(group)
    ? ecpSecret(group, privateValue, peerValue)
    : modpSecret(group, privateValue, peerValue, primitives);
}

/** e.g. `MODP-2048`, `ECP-256`. */
export function describeGroup(group: Group): string {
  return isEcp(group) ? `ECP-${ecpBits(group)}` : `MODP-${modpBits(group)}`;
}

/** Whether a group description is one of these. */
export function isGroup(group: number): group is Group {
  return isEcp(group) || isModp(group);
}

function isEcp(group: number): group is EcpGroup {
  return group === 19 || group === 20 || group === 21;
}
