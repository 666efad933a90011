/**
 * Keys, hashes and initialization vectors of IKEv1 with a pre-shared key or signatures. RFC 2409 §5, §5.4, §5.5 and appendix B.
 * The pseudo-random function is the HMAC of the negotiated hash.
 */
import type { HashName, Primitives } from '../crypto/suite.ts';
import { type Bytes, concat, EMPTY } from '../wire/bytes.ts';
import type { Credentials } from './credentials.ts';
import { cipherSizes, type Phase1Transform } from './phase1-transforms.ts';

/** What phase 1 leaves behind; everything here is secret. */
export interface Phase1Keys {
  readonly skeyid: Bytes;
  readonly skeyidD: Bytes;
  readonly skeyidA: Bytes;
  readonly cipherKey: Bytes;
}

/** Both halves of what main mode messages 1 to 4 exchanged, as they were on the wire. */
export interface Phase1Exchange {
  readonly initiatorCookie: Bytes;
  readonly responderCookie: Bytes;
  /** Bodies of the KE payloads. */
  readonly initiatorValue: Bytes;
  readonly responderValue: Bytes;
  readonly initiatorNonce: Bytes;
  readonly responderNonce: Bytes;
  /** Body of the initiator's SA payload. */
  readonly offer: Bytes;
}

/** SKEYID and what follows from it. @rfc 2409 §5 */
export function derivePhase1Keys(
  primitives: Primitives,
  transform: Phase1Transform,
  credentials: Credentials,
  sharedSecret: Bytes,
  exchange: Phase1Exchange,
): Phase1Keys {
  const { hash } = transform;
  const cookies = concat(exchange.initiatorCookie, exchange.responderCookie);
  const next = (previous: Bytes, index: number): Bytes =>
    primitives.hmac(hash, skeyid, previous, sharedSecret, cookies, Uint8Array.of(index));
  const { initiatorNonce, responderNonce } = exchange;
  const skeyid =
    credentials.kind === 'pre-shared-key'
      ? primitives.hmac(hash, credentials.key, initiatorNonce, responderNonce)
      : primitives.hmac(hash, concat(initiatorNonce, responderNonce), sharedSecret);
  const skeyidD = next(EMPTY, 0);
  const skeyidA = next(skeyidD, 1);
  const skeyidE = next(skeyidA, 2);
  const cipherKey = expandCipherKey(primitives, hash, skeyidE, cipherSizes(transform).key);
  skeyidE.fill(0);
  return { skeyid, skeyidD, skeyidA, cipherKey };
}

export function wipePhase1Keys(keys: Phase1Keys): void {
  for (const key of [keys.skeyid, keys.skeyidD, keys.skeyidA, keys.cipherKey]) key.fill(0);
}

/** SKEYID_e itself where it is long enough, else Ka = prf(SKEYID_e, 0), prf(SKEYID_e, K1), … RFC 2409 appendix B. */
function expandCipherKey(
  primitives: Primitives,
  hash: HashName,
  skeyidE: Bytes,
  length: number,
): Bytes {
  if (skeyidE.length >= length) return skeyidE.slice(0, length);
  let block: Bytes = Uint8Array.of(0);
  let key: Bytes = EMPTY;
  while (key.length < length) {
    block = primitives.hmac(hash, skeyidE, block);
    key = concat(key, block);
  }
  return key.slice(0, length);
}

/** HASH_I or HASH_R, by whose view it is; `identity` is the body of that side's ID payload. @rfc 2409 §5 */
export function phase1Hash(
  primitives: Primitives,
  hash: HashName,
  { skeyid }: Phase1Keys,
  side: 'initiator' | 'responder',
  exchange: Phase1Exchange,
  identity: Bytes,
): Bytes {
  const initiator = [exchange.initiatorValue, exchange.initiatorCookie] as const;
  const responder = [exchange.responderValue, exchange.responderCookie] as const;
  const [own, other] = side === 'initiator' ? [initiator, responder] : [responder, initiator];
  return primitives.hmac(
    hash,
    skeyid,
    own[0],
    other[0],
    own[1],
    other[1],
    exchange.offer,
    identity,
  );
}

/** The IV of main mode's first encrypted message. @rfc 2409 appendix B */
export function phase1Iv(
  primitives: Primitives,
  transform: Phase1Transform,
  { initiatorValue, responderValue }: Phase1Exchange,
): Bytes {
  const digest = primitives.hash(transform.hash, initiatorValue, responderValue);
  return digest.slice(0, cipherSizes(transform).block);
}

/** The IV of a later exchange's first message, from the last block of phase 1. @rfc 2409 appendix B */
export function phase2Iv(
  primitives: Primitives,
  transform: Phase1Transform,
  lastPhase1Block: Bytes,
  messageId: number,
): Bytes {
  const digest = primitives.hash(transform.hash, lastPhase1Block, messageIdBytes(messageId));
  return digest.slice(0, cipherSizes(transform).block);
}

/** HASH(1) of Quick Mode with `nonce` empty, HASH(2) with Ni_b, and the informational exchange's. @rfc 2409 §5.5 */
export function messageHash(
  primitives: Primitives,
  hash: HashName,
  { skeyidA }: Phase1Keys,
  messageId: number,
  nonce: Bytes,
  payloads: Bytes,
): Bytes {
  return primitives.hmac(hash, skeyidA, messageIdBytes(messageId), nonce, payloads);
}

/** HASH(3) of Quick Mode. @rfc 2409 §5.5 */
export function quickModeHash3(
  primitives: Primitives,
  hash: HashName,
  { skeyidA }: Phase1Keys,
  messageId: number,
  initiatorNonce: Bytes,
  responderNonce: Bytes,
): Bytes {
  return primitives.hmac(
    hash,
    skeyidA,
    Uint8Array.of(0),
    messageIdBytes(messageId),
    initiatorNonce,
    responderNonce,
  );
}

/** KEYMAT of one SA, `length` bytes; `sharedSecret` is empty without perfect forward secrecy. @rfc 2409 §5.5 */
export function keyMaterial(
  primitives: Primitives,
  hash: HashName,
  { skeyidD }: Phase1Keys,
  sharedSecret: Bytes,
  protocolId: number,
  spi: Bytes,
  initiatorNonce: Bytes,
  responderNonce: Bytes,
  length: number,
): Bytes {
  let block: Bytes = EMPTY;
  let out: Bytes = EMPTY;
  while (out.length < length) {
    block = primitives.hmac(
      hash,
      skeyidD,
      block,
      sharedSecret,
      Uint8Array.of(protocolId),
      spi,
      initiatorNonce,
      responderNonce,
    );
    out = concat(out, block);
  }
  return out.slice(0, length);
}

function messageIdBytes(messageId: number): Bytes {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, messageId);
  return bytes;
}
