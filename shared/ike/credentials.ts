/** How both ends prove who they are in phase 1. RFC 2409 §5.1 and §5.4, RFC 4754. Left out: public key encryption, DSS. */
import type { HashName } from '../crypto/suite.ts';
import type { Failure } from '../errors.ts';
import { AuthenticationMethod, IdType } from '../isakmp/numbers.ts';
import type { CurveName, PrivateKey, PublicKey } from '../pki/key.ts';
import type { Bytes, Millis } from '../wire/bytes.ts';

/** The body of an ID payload without protocol and port. @rfc 2407 §4.6.2 */
export interface Identity {
  readonly idType: number;
  readonly data: Bytes;
}

export type Credentials =
  | {
      readonly kind: 'pre-shared-key';
      readonly key: Bytes;
    }
  | {
      readonly kind: 'signature';
      readonly privateKey: PrivateKey;
      /** Ours in DER, the one of the key first; none where the peer knows the key itself. */
      readonly certificates: readonly Bytes[];
      readonly identity: Identity;
      readonly peer: PeerTrust;
    };

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

/** What phase 1 offers and accepts. */
export function authenticationMethod(credentials: Credentials): number {
  if (credentials.kind === 'pre-shared-key') return AuthenticationMethod.preSharedKey;
  const { publicKey } = credentials.privateKey;
  return publicKey.kind === 'rsa'
    ? AuthenticationMethod.rsaSignature
    : ECDSA[publicKey.curve].method;
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

/** e.g. `pre-shared key`, `RSA certificate`, `ECDSA public key`. */
export function describeCredentials(credentials: Credentials): string {
  if (credentials.kind === 'pre-shared-key') return 'pre-shared key';
  const kind = credentials.privateKey.kind === 'rsa' ? 'RSA' : 'ECDSA';
  return `${kind} ${credentials.certificates.length > 0 ? 'certificate' : 'public key'}`;
}

/** An address as identity. */
export function addressIdentity(address: Bytes): Identity {
  return { idType: IdType.ipv4Addr, data: address };
}
