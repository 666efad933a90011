/** How both ends prove who they are in phase 1. RFC 2409 §5.1 and §5.4, RFC 4754. Left out: public key encryption, DSS. */
import type { HashName } from '../crypto/suite.ts';
import type { Failure } from '../errors.ts';
import { AuthenticationMethod, IdType } from '../isakmp/numbers.ts';
import type { CurveName, PrivateKey, PublicKey } from '../pki/key.ts';
import type { Bytes, Millis } from '../wire/bytes.ts';
import { utf8Encode } from '../wire/text.ts';
import type { Group } from './group.ts';

/** The body of an ID payload without protocol and port. @rfc 2407 §4.6.2 */
export interface Identity {
  readonly idType: number;
  readonly data: Bytes;
}

export type Credentials = (
  | {
      readonly kind: 'pre-shared-key';
      readonly key: Bytes;
      /** With it aggressive mode, and no other. */
      readonly aggressive?: Aggressive;
    }
  | {
      readonly kind: 'signature';
      readonly privateKey: PrivateKey;
      /** Ours in DER, the one of the key first; none where the peer knows the key itself. */
      readonly certificates: readonly Bytes[];
      readonly identity: Identity;
      readonly peer: PeerTrust;
    }
) & {
  /** With it the peer has to ask for them after phase 1; without, it may not. Not with ECDSA, for which there is no method. */
  readonly xauth?: XauthAccount;
  /** The gateway's side of XAUTH: with it the peer is asked after phase 1, and this says whether the answer will do. */
  readonly admits?: (account: XauthAccount) => boolean;
};

/**
 * What aggressive mode says in clear, and first: the name under which the peer finds the pre-shared key, often a group's, and the
 * one Diffie-Hellman group, about which nothing can be negotiated. @rfc 2409 §5
 */
export interface Aggressive {
  readonly identity: Identity;
  readonly group: Group;
}

/** Of XAUTH: handed to whoever proved itself in phase 1. draft-ietf-ipsec-isakmp-xauth-06 §6.2 */
export interface XauthAccount {
  readonly userName: string;
  readonly password: string;
}

/** What the peer says of itself, besides the signature. */
export interface Presented {
  readonly identity: Identity;
  /** In DER, in the order of their payloads, at most `MAX_CERTIFICATES`. */
  readonly certificates: readonly Bytes[];
}

/** Whose signature is believed. */
export interface PeerTrust {
  /** Names, in DER, of the authorities whose certificates are asked for. */
  readonly authorities: readonly Bytes[];
  /** The key that the signature is to be verified with, or why there is none. */
  keyOf(presented: Presented): PublicKey | Failure;
  /** Why somebody who holds that key is not the peer we want, if so; asked after the signature was found right. */
  objection(presented: Presented, now: Millis): Failure | undefined;
  /** What could not be found out about somebody to whom there is no objection, in words. */
  caveat?(presented: Presented, now: Millis): string | undefined;
}

/** Most certificates of one message that are read. */
export const MAX_CERTIFICATES = 8;

/** By curve: the method, and the hash that makes HASH_I and HASH_R of whatever hash was negotiated. @rfc 4754 §4 */
const ECDSA: Readonly<Record<CurveName, { method: number; hash: HashName }>> = {
  'P-256': { method: AuthenticationMethod.ecdsaSha256P256, hash: 'sha256' },
  'P-384': { method: AuthenticationMethod.ecdsaSha384P384, hash: 'sha384' },
  'P-521': { method: AuthenticationMethod.ecdsaSha512P521, hash: 'sha512' },
};

/** By who has to answer XAUTH's questions, the initiator or the responder of phase 1. draft-ietf-ipsec-isakmp-xauth-06 §7.2 */
const PRE_SHARED_KEY = {
  nobody: AuthenticationMethod.preSharedKey,
  initiator: AuthenticationMethod.xauthInitPreShared,
  responder: AuthenticationMethod.xauthRespPreShared,
} as const;
const RSA = {
  nobody: AuthenticationMethod.rsaSignature,
  initiator: AuthenticationMethod.xauthInitRsa,
  responder: AuthenticationMethod.xauthRespRsa,
} as const;

/** What a phase 1 that we begin offers, or one that the peer begins is accepted with. */
export function authenticationMethod(credentials: Credentials, begunBy: 'us' | 'peer'): number {
  const asked = askedByXauth(credentials, begunBy);
  if (credentials.kind === 'pre-shared-key') return PRE_SHARED_KEY[asked];
  const { publicKey } = credentials.privateKey;
  if (publicKey.kind === 'rsa') return RSA[asked];
  if (asked !== 'nobody') {
    throw new RangeError('credentials: no method has both ECDSA and XAUTH');
  }
  return ECDSA[publicKey.curve].method;
}

/** Whether there is XAUTH behind phase 1, on whichever side. */
export function hasXauth({ xauth, admits }: Credentials): boolean {
  return xauth !== undefined || admits !== undefined;
}

function askedByXauth(credentials: Credentials, begunBy: 'us' | 'peer'): keyof typeof RSA {
  if (!hasXauth(credentials)) return 'nobody';
  const areWe = credentials.xauth !== undefined;
  return areWe === (begunBy === 'us') ? 'initiator' : 'responder';
}

/** The hash of the proof's prf, where it is not the negotiated one. */
export function proofHash(credentials: Credentials, negotiated: HashName): HashName {
  if (credentials.kind === 'pre-shared-key') return negotiated;
  const { publicKey } = credentials.privateKey;
  return publicKey.kind === 'rsa' ? negotiated : ECDSA[publicKey.curve].hash;
}

/** Whether a peer's key is of the kind that the method names. */
export function suitsMethod(credentials: Credentials, key: PublicKey): boolean {
  if (credentials.kind === 'pre-shared-key') return false;
  const { publicKey } = credentials.privateKey;
  // Deviation: RFC 4754 §4 gives each method one curve; the peer's may be another of the three, as gateways choose the method by their own key.
  return publicKey.kind === key.kind;
}

/** e.g. `pre-shared key`, `RSA certificate`, `ECDSA public key`, `pre-shared key, aggressive mode, XAUTH`. */
export function describeCredentials(credentials: Credentials): string {
  const method = describeMethod(credentials);
  return hasXauth(credentials) ? `${method}, XAUTH` : method;
}

function describeMethod(credentials: Credentials): string {
  if (credentials.kind === 'pre-shared-key') {
    return `pre-shared key${credentials.aggressive === undefined ? '' : ', aggressive mode'}`;
  }
  const kind = credentials.privateKey.kind === 'rsa' ? 'RSA' : 'ECDSA';
  return `${kind} ${credentials.certificates.length > 0 ? 'certificate' : 'public key'}`;
}

/** An address as identity. */
export function addressIdentity(address: Bytes): Identity {
  return { idType: IdType.ipv4Addr, data: address };
}

/** A name as identity, by its form: an IPv4 address, `user@domain`, a domain with a dot or an @ in front, else the name of a group. @rfc 2407 §4.6.2 */
export function groupIdentity(text: string): Identity {
  if (/[.@]/.test(text)) return encodeIdentity(text);
  return { idType: IdType.keyId, data: utf8Encode(text) };
}

/** An IPv4 address, `user@domain`, else a domain, for which gateways' configurations write `@domain` as well. @rfc 2407 §4.6.2 */
export function encodeIdentity(text: string): Identity {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) {
    return addressIdentity(Uint8Array.from(text.split('.').map(Number)));
  }
  if (text.lastIndexOf('@') > 0) return { idType: IdType.userFqdn, data: utf8Encode(text) };
  return { idType: IdType.fqdn, data: utf8Encode(text.replace(/^@/, '')) };
}
