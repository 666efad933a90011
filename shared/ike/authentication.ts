/**
 * Who we are, and the proof, which is HASH_I or HASH_R itself with a pre-shared key, and a signature of it otherwise: messages 5
 * and 6 of main mode, and what of aggressive mode is the same. RFC 2409 §5.1 and §5.4.
 */
import type { Failure } from '../errors.ts';
import type { Message } from '../isakmp/message.ts';
import { CertificateEncoding, ExchangeType } from '../isakmp/numbers.ts';
import {
  decodePayloads,
  encodePayloads,
  type Payload,
  type ReceivedPayload,
} from '../isakmp/payload.ts';
import { describeKey } from '../pki/key.ts';
import { sign, verify } from '../pki/signature.ts';
import { type Bytes, concat, constantTimeEqual, type Millis } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import type { SettledConfig } from './config.ts';
import {
  addressIdentity,
  type Credentials,
  MAX_CERTIFICATES,
  type Presented,
  proofHash,
  suitsMethod,
} from './credentials.ts';
import type { IkeSa } from './ike-sa.ts';
import { phase1Hash } from './key-material.ts';
import { bodyOf } from './phase1.ts';

type Side = 'initiator' | 'responder';
type SignatureCredentials = Extract<Credentials, { kind: 'signature' }>;

/** What the responder's certificates may be issued by, for message 3 or 4. @rfc 2408 §3.10 */
export function certificateRequests({ credentials }: SettledConfig): readonly Payload[] {
  if (credentials.kind !== 'signature') return [];
  return credentials.peer.authorities.map((data) => ({
    kind: 'certificate-request',
    encoding: CertificateEncoding.x509Signature,
    data,
  }));
}

/** Message 5 or 6: identity, certificates, proof, and what else there is to say. */
export function sealIdentity(
  sa: IkeSa,
  side: Side,
  config: SettledConfig,
  more: readonly Payload[] = [],
): Bytes {
  const { credentials } = config;
  const identity = identityPayload(config);
  const digest = proofDigest(sa, side, credentials, payloadBody(identity));
  const payloads: readonly Payload[] =
    credentials.kind === 'signature'
      ? [
          identity,
          ...certificatePayloads(credentials),
          signaturePayload(credentials, digest, config),
        ]
      : [identity, { kind: 'hash', data: digest }];
  const all = [...payloads, ...more];
  return sa.sealPayloads(ExchangeType.identityProtection, 0, sa.phase1, all);
}

/** Our identity. */
export function identityPayload({ credentials, identityAddress }: SettledConfig): Payload {
  const own = credentials.kind === 'signature' ? credentials : credentials.aggressive;
  const identity = own?.identity ?? addressIdentity(identityAddress);
  return { kind: 'identification', protocolId: 0, port: 0, ...identity };
}

/** A payload without its generic header: what hashes cover. */
function payloadBody(payload: Payload): Bytes {
  return encodePayloads([payload]).slice(4);
}

/** HASH_I or HASH_R of ours, which proves the pre-shared key. */
export function hashPayload(sa: IkeSa, side: Side, config: SettledConfig): Payload {
  const identity = payloadBody(identityPayload(config));
  return { kind: 'hash', data: proofDigest(sa, side, config.credentials, identity) };
}

/**
 * Whether a peer's HASH_I or HASH_R is right for the body of its ID payload, which the SA then keeps. The identity may be anything:
 * behind a NAT no address is right, and the pre-shared key is the proof.
 */
export function provesKey(
  sa: IkeSa,
  side: Side,
  { credentials }: Pick<SettledConfig, 'credentials'>,
  identity: Bytes,
  hash: Bytes,
): boolean {
  if (!constantTimeEqual(hash, proofDigest(sa, side, credentials, identity))) return false;
  keepIdentity(sa, identity);
  return true;
}

export type OpenedIdentity =
  /** The chain has moved. */
  | { readonly kind: 'proven'; readonly payloads: readonly ReceivedPayload[] }
  /** The proof is right, and whose it is will not do. The chain has moved: it can be said under encryption. */
  | { readonly kind: 'refused'; readonly failure: Failure }
  /** Nothing is to be believed, and the chain has not moved. */
  | { readonly kind: 'unproven'; readonly failure: Failure };

/** Opens message 5 or 6 of `side`, and has the SA keep the identity that was proven. Throws `DecodeError` on what does not decrypt to payloads. */
export function openIdentity(
  sa: IkeSa,
  side: Side,
  message: Message,
  { credentials }: Pick<SettledConfig, 'credentials'>,
  now: Millis,
): OpenedIdentity {
  const payloads = decodePayloads(message.firstPayload, sa.phase1.decrypt(message.body));
  const identity = bodyOf(payloads, 'identification');
  const proof = side === 'initiator' ? 'I' : 'R';
  if (credentials.kind === 'pre-shared-key') {
    if (!provesKey(sa, side, { credentials }, identity, bodyOf(payloads, 'hash'))) {
      return unproven(`HASH_${proof} is wrong`);
    }
    sa.phase1.advance(message.body);
    return { kind: 'proven', payloads };
  }
  const digest = proofDigest(sa, side, credentials, identity);
  const presented = readPresented(payloads);
  const signature = bodyOf(payloads, 'signature');
  const key = credentials.peer.keyOf(presented);
  if ('code' in key) return { kind: 'unproven', failure: key };
  if (!suitsMethod(credentials, key))
    return unproven(`${describeKey(key)} is not what was agreed on`);
  if (!verify(key, { digest }, signature, sa.parameters.primitives)) {
    return unproven(`SIG_${proof} is wrong`);
  }
  sa.phase1.advance(message.body);
  keepIdentity(sa, identity);
  const failure = credentials.peer.objection(presented, now);
  sa.caveat = credentials.peer.caveat?.(presented, now);
  return failure === undefined ? { kind: 'proven', payloads } : { kind: 'refused', failure };
}

/** Type and value; protocol and port between them say nothing about who it is. */
function keepIdentity(sa: IkeSa, identity: Bytes): void {
  sa.peerIdentity = concat(identity.slice(0, 1), identity.slice(4));
}

function unproven(detail: string): OpenedIdentity {
  return { kind: 'unproven', failure: { code: 'IKE_AUTHENTICATION_FAILED', detail } };
}

function proofDigest(sa: IkeSa, side: Side, credentials: Credentials, identity: Bytes): Bytes {
  const { primitives, transform, keys, exchange } = sa.parameters;
  const hash = proofHash(credentials, transform.hash);
  return phase1Hash(primitives, hash, keys, side, exchange, identity);
}

function certificatePayloads({ certificates }: SignatureCredentials): readonly Payload[] {
  const encoding = CertificateEncoding.x509Signature;
  return certificates.map((data) => ({ kind: 'certificate', encoding, data }));
}

function signaturePayload(
  { privateKey }: SignatureCredentials,
  digest: Bytes,
  { primitives, random }: SettledConfig,
): Payload {
  return { kind: 'signature', data: sign(privateKey, { digest }, primitives, random) };
}

function readPresented(payloads: readonly ReceivedPayload[]): Presented {
  const certificates: Bytes[] = [];
  for (const { payload } of payloads) {
    if (payload.kind !== 'certificate') continue;
    if (payload.encoding !== CertificateEncoding.x509Signature) continue;
    if (certificates.length === MAX_CERTIFICATES) throw new DecodeError('too many certificates');
    certificates.push(payload.data);
  }
  const found = payloads.find(({ payload }) => payload.kind === 'identification');
  if (found?.payload.kind !== 'identification') throw new DecodeError('no identification payload');
  const { idType, data } = found.payload;
  return { identity: { idType, data }, certificates };
}
