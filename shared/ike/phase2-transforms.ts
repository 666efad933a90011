/**
 * What phase 2 can agree on for ESP in transport mode, as offers and choices.
 * RFC 2407 §4.5, RFC 3602 §5, RFC 4106 §8, RFC 4868 §2. Left out: AH, DES, NULL, compression, PFS.
 */
import type { EspCipher, EspIntegrity } from '../esp/engine.ts';
import { type Attribute, attributeNumber } from '../isakmp/attribute.ts';
import {
  AuthenticationAlgorithm,
  EspTransformId,
  LifeType,
  Phase2Attribute,
  ProtocolId,
} from '../isakmp/numbers.ts';
import type { Proposal, Transform } from '../isakmp/proposal.ts';
import type { Bytes } from '../wire/bytes.ts';
import { type KeyBits, readKeyBits, readLifetime } from './phase1-transforms.ts';

export interface Phase2Transform {
  readonly cipher: Exclude<EspCipher, 'null'>;
  /** 128, 192 or 256; 192 for 3DES. */
  readonly keyBits: KeyBits;
  /** None with AES-GCM. */
  readonly integrity?: EspIntegrity;
}

/** How long a child SA is offered to live. */
export const CHILD_LIFETIME_SECONDS = 3_600;

/** The offer, best first, as RFC 8221 rates them; MD5 only for gateways that have nothing else. */
export const PHASE2_TRANSFORMS: readonly Phase2Transform[] = [
  { cipher: 'aes-gcm-16', keyBits: 256 },
  { cipher: 'aes-gcm-16', keyBits: 128 },
  { cipher: 'aes-cbc', keyBits: 256, integrity: 'hmac-sha2-256-128' },
  { cipher: 'aes-cbc', keyBits: 192, integrity: 'hmac-sha2-256-128' },
  { cipher: 'aes-cbc', keyBits: 128, integrity: 'hmac-sha2-256-128' },
  { cipher: 'aes-cbc', keyBits: 256, integrity: 'hmac-sha1-96' },
  { cipher: 'aes-cbc', keyBits: 192, integrity: 'hmac-sha1-96' },
  { cipher: 'aes-cbc', keyBits: 128, integrity: 'hmac-sha1-96' },
  { cipher: '3des-cbc', keyBits: 192, integrity: 'hmac-sha1-96' },
  { cipher: 'aes-cbc', keyBits: 256, integrity: 'hmac-md5-96' },
  { cipher: 'aes-cbc', keyBits: 128, integrity: 'hmac-md5-96' },
  { cipher: '3des-cbc', keyBits: 192, integrity: 'hmac-md5-96' },
];

/** The one proposal of our Quick Mode. `encapsulation` is an encapsulation mode. @rfc 2409 §5.5 */
export function phase2Proposal(
  transforms: readonly Phase2Transform[],
  spi: Bytes,
  encapsulation: number,
): Proposal {
  return {
    number: 1,
    protocolId: ProtocolId.ipsecEsp,
    spi,
    transforms: transforms.map((each, index) => encodeTransform(each, index + 1, encapsulation)),
  };
}

export interface Phase2Choice {
  readonly transform: Phase2Transform;
  /** What the peer wrote, to be returned with our SPI in place of its own. */
  readonly proposal: Proposal;
  readonly chosen: Transform;
  /** Encapsulation mode, one of those asked for. */
  readonly encapsulation: number;
  /** `undefined` when the peer named none. */
  readonly lifetimeSeconds: number | undefined;
}

/**
 * The first transform among the peer's, in the peer's order, that is also ours, in one of `encapsulations`.
 * A proposal whose number occurs twice wants several protocols at once and is passed over.
 */
export function choosePhase2(
  proposals: readonly Proposal[],
  ours: readonly Phase2Transform[],
  encapsulations: readonly number[],
): Phase2Choice | undefined {
  for (const proposal of proposals) {
    if (proposal.protocolId !== ProtocolId.ipsecEsp || !isSpi(proposal.spi)) continue;
    if (proposals.filter(({ number }) => number === proposal.number).length > 1) continue;
    for (const chosen of proposal.transforms) {
      const transform = ours.find((each) => matches(each, chosen));
      const encapsulation = number(chosen, Phase2Attribute.encapsulationMode);
      if (transform === undefined || encapsulation === undefined) continue;
      if (!encapsulations.includes(encapsulation)) continue;
      const lifetimeSeconds = readPhase2Lifetime(chosen.attributes);
      return { transform, proposal, chosen, encapsulation, lifetimeSeconds };
    }
  }
  return undefined;
}

/** e.g. `AES-CBC-256, HMAC-SHA1-96` or `AES-GCM-16-256`. */
export function describePhase2({ cipher, keyBits, integrity }: Phase2Transform): string {
  const name = cipher === '3des-cbc' ? '3DES-CBC' : `${cipher.toUpperCase()}-${keyBits}`;
  return integrity === undefined ? name : `${name}, ${integrity.toUpperCase()}`;
}

/** Zero is never on the wire. @rfc 4303 §2.1 */
function isSpi(spi: Bytes): boolean {
  return spi.length === 4 && spi.some((byte) => byte !== 0);
}

function readPhase2Lifetime(attributes: readonly Attribute[]): number | undefined {
  return readLifetime(attributes, Phase2Attribute.lifeType, Phase2Attribute.lifeDuration);
}

/** Bytes of key material that one direction takes: cipher key with its salt, then integrity key. @rfc 4106 §8.1 */
export function espKeySizes(transform: Phase2Transform): { cipher: number; integrity: number } {
  const salt = transform.cipher === 'aes-gcm-16' ? 4 : 0;
  const integrity = transform.integrity === undefined ? 0 : INTEGRITY[transform.integrity].keyBytes;
  return { cipher: transform.keyBits / 8 + salt, integrity };
}

const INTEGRITY: Readonly<Record<EspIntegrity, { code: number; keyBytes: number }>> = {
  'hmac-md5-96': { code: AuthenticationAlgorithm.hmacMd5, keyBytes: 16 },
  'hmac-sha1-96': { code: AuthenticationAlgorithm.hmacSha, keyBytes: 20 },
  'hmac-sha2-256-128': { code: AuthenticationAlgorithm.hmacSha2256, keyBytes: 32 },
};

const TRANSFORM_IDS: Readonly<Record<Phase2Transform['cipher'], number>> = {
  '3des-cbc': EspTransformId.des3,
  'aes-cbc': EspTransformId.aesCbc,
  'aes-gcm-16': EspTransformId.aesGcm16,
};

function encodeTransform(
  { cipher, keyBits, integrity }: Phase2Transform,
  transformNumber: number,
  encapsulation: number,
): Transform {
  const attributes = [
    basic(Phase2Attribute.lifeType, LifeType.seconds),
    basic(Phase2Attribute.lifeDuration, CHILD_LIFETIME_SECONDS),
    basic(Phase2Attribute.encapsulationMode, encapsulation),
  ];
  if (integrity !== undefined) {
    attributes.push(basic(Phase2Attribute.authenticationAlgorithm, INTEGRITY[integrity].code));
  }
  if (cipher !== '3des-cbc') attributes.push(basic(Phase2Attribute.keyLength, keyBits));
  return { number: transformNumber, id: TRANSFORM_IDS[cipher], attributes };
}

function basic(type: number, value: number): Attribute {
  return { kind: 'basic', type, value };
}

function number({ attributes }: Transform, type: number): number | undefined {
  const attribute = attributes.find((each) => each.type === type);
  return attribute === undefined ? undefined : attributeNumber(attribute);
}

function matches(ours: Phase2Transform, theirs: Transform): boolean {
  if (TRANSFORM_IDS[ours.cipher] !== theirs.id) return false;
  // Perfect forward secrecy is an exchange of another shape: its transforms are none of ours.
  if (number(theirs, Phase2Attribute.groupDescription) !== undefined) return false;
  const integrity = ours.integrity === undefined ? undefined : INTEGRITY[ours.integrity].code;
  // An AEAD's transform may name an integrity algorithm of 0 for "none".
  const theirIntegrity = number(theirs, Phase2Attribute.authenticationAlgorithm) || undefined;
  if (theirIntegrity !== integrity) return false;
  if (ours.cipher === '3des-cbc') return true;
  // Deviation: RFC 3602 §5.3 demands the attribute; gateways that leave it out mean 128.
  return (readKeyBits(number(theirs, Phase2Attribute.keyLength) ?? 128) ?? 0) === ours.keyBits;
}
