/**
 * What phase 2 can agree on for ESP in transport mode, as offers and choices.
 * RFC 2407 §4.5, RFC 3602 §5, RFC 3686 §5, RFC 4106 §8, RFC 4304 §2, RFC 4868 §2. Left out: AH, DES, NULL, compression.
 */
import type { EspCipher, EspIntegrity } from '../esp/engine.ts';
import { type Attribute, attributeNumber } from '../isakmp/attribute.ts';
import {
  AuthenticationAlgorithm,
  EspTransformId,
  EXTENDED_SEQUENCE_NUMBERS,
  Phase2Attribute,
  ProtocolId,
} from '../isakmp/numbers.ts';
import type { Proposal, Transform } from '../isakmp/proposal.ts';
import type { Bytes } from '../wire/bytes.ts';
import { type Group, isGroup } from './group.ts';
import { type Lifetime, lifetimeAttributes, readLifetime } from './lifetime.ts';
import { type KeyBits, readKeyBits } from './phase1-transforms.ts';

export interface Phase2Transform {
  readonly cipher: Exclude<EspCipher, 'null'>;
  /** 128, 192 or 256; 192 for 3DES. */
  readonly keyBits: KeyBits;
  /** None with AES-GCM. */
  readonly integrity?: EspIntegrity;
  /** Sequence numbers of 64 bits: offered, or agreed on. */
  readonly extendedSequenceNumbers?: true;
}

/**
 * The offer, best first, as RFC 8221 rates it: what is a MUST there, then SHOULD, then what it leaves open, then SHA-1, and
 * what it advises against only for gateways that have nothing else. It would have SHA-512 before SHA-256, which some cut short
 * by mistake; there is a switch for those, and SHA-256 is quicker here.
 * @rfc 8221 §5
 * @rfc 8221 §6
 */
export const PHASE2_TRANSFORMS: readonly Phase2Transform[] = [
  { cipher: 'aes-gcm-16', keyBits: 256 },
  { cipher: 'aes-gcm-16', keyBits: 128 },
  { cipher: 'aes-cbc', keyBits: 256, integrity: 'hmac-sha2-256-128' },
  { cipher: 'aes-cbc', keyBits: 128, integrity: 'hmac-sha2-256-128' },
  { cipher: 'aes-cbc', keyBits: 256, integrity: 'hmac-sha2-512-256' },
  { cipher: 'aes-cbc', keyBits: 128, integrity: 'hmac-sha2-512-256' },
  { cipher: 'aes-cbc', keyBits: 256, integrity: 'hmac-sha2-384-192' },
  { cipher: 'aes-gcm-16', keyBits: 192 },
  { cipher: 'aes-cbc', keyBits: 192, integrity: 'hmac-sha2-256-128' },
  { cipher: 'aes-ctr', keyBits: 256, integrity: 'hmac-sha2-256-128' },
  { cipher: 'aes-ctr', keyBits: 192, integrity: 'hmac-sha2-256-128' },
  { cipher: 'aes-ctr', keyBits: 128, integrity: 'hmac-sha2-256-128' },
  { cipher: 'aes-cbc', keyBits: 256, integrity: 'hmac-sha1-96' },
  { cipher: 'aes-cbc', keyBits: 192, integrity: 'hmac-sha1-96' },
  { cipher: 'aes-cbc', keyBits: 128, integrity: 'hmac-sha1-96' },
  { cipher: 'aes-ctr', keyBits: 256, integrity: 'hmac-sha1-96' },
  { cipher: 'aes-ctr', keyBits: 128, integrity: 'hmac-sha1-96' },
  { cipher: '3des-cbc', keyBits: 192, integrity: 'hmac-sha1-96' },
  { cipher: 'aes-cbc', keyBits: 256, integrity: 'hmac-md5-96' },
  { cipher: 'aes-cbc', keyBits: 128, integrity: 'hmac-md5-96' },
  { cipher: '3des-cbc', keyBits: 192, integrity: 'hmac-md5-96' },
];

/** What cannot be negotiated, or is not without being asked for. */
export interface EspSettings {
  /**
   * HMAC-SHA2-256 is cut to 96 bits instead of 128. Both have the same number, so no gateway can say which it means; what it
   * gets wrong shows as packets that are not authentic.
   */
  readonly truncatedSha256?: boolean;
  /** Only sequence numbers of 64 bits are offered. A peer that begins may leave them out. */
  readonly extendedSequenceNumbers?: boolean;
  /** Nothing else is offered, by what `describePhase2` calls them without the switches above. */
  readonly only?: readonly string[];
}

/** `transforms` under these settings. */
export function espTransforms(
  { truncatedSha256 = false, extendedSequenceNumbers = false, only }: EspSettings,
  transforms: readonly Phase2Transform[] = PHASE2_TRANSFORMS,
): readonly Phase2Transform[] {
  const offered = transforms.filter((each) => only?.includes(describePhase2(each)) ?? true);
  return offered.map((transform) => ({
    ...transform,
    ...(truncatedSha256 &&
      transform.integrity === 'hmac-sha2-256-128' && { integrity: 'hmac-sha2-256-96' }),
    ...(extendedSequenceNumbers && { extendedSequenceNumbers }),
  }));
}

/** What every transform of an offer says besides its algorithms. */
export interface Phase2Terms {
  /** An encapsulation mode. */
  readonly encapsulation: number;
  readonly lifetime: Lifetime;
  /** Of a key exchange of its own: perfect forward secrecy. */
  readonly group?: Group | undefined;
}

/** The one proposal of our Quick Mode. @rfc 2409 §5.5 */
export function phase2Proposal(
  transforms: readonly Phase2Transform[],
  spi: Bytes,
  terms: Phase2Terms,
): Proposal {
  return {
    number: 1,
    protocolId: ProtocolId.ipsecEsp,
    spi,
    transforms: transforms.map((each, index) => encodeTransform(each, index + 1, terms)),
  };
}

export interface Phase2Choice {
  readonly transform: Phase2Transform;
  /** What the peer wrote, to be returned with our SPI in place of its own. */
  readonly proposal: Proposal;
  readonly chosen: Transform;
  /** Encapsulation mode, one of those asked for. */
  readonly encapsulation: number;
  /** As the peer names it there. */
  readonly lifetime: Lifetime;
  /** Set with perfect forward secrecy. */
  readonly group: Group | undefined;
}

/** With perfect forward secrecy, of which group: `any` leaves it to the peer. */
export type GroupPolicy = 'any' | Group | undefined;

/**
 * The first transform among the peer's, in the peer's order, that is also ours, in one of `encapsulations`.
 * A proposal whose number occurs twice wants several protocols at once and is passed over.
 */
export function choosePhase2(
  proposals: readonly Proposal[],
  ours: readonly Phase2Transform[],
  encapsulations: readonly number[],
  groups: GroupPolicy,
): Phase2Choice | undefined {
  for (const proposal of proposals) {
    if (proposal.protocolId !== ProtocolId.ipsecEsp || !isSpi(proposal.spi)) continue;
    if (proposals.filter(({ number }) => number === proposal.number).length > 1) continue;
    for (const chosen of proposal.transforms) {
      const transform = ours.find((each) => matches(each, chosen));
      const encapsulation = number(chosen, Phase2Attribute.encapsulationMode);
      if (transform === undefined || encapsulation === undefined) continue;
      if (!encapsulations.includes(encapsulation)) continue;
      const group = number(chosen, Phase2Attribute.groupDescription);
      if (group !== undefined && !isGroup(group)) continue;
      if (groups !== 'any' && group !== groups) continue;
      const lifetime = readLifetime(chosen.attributes, Phase2Attribute);
      const agreed = asAgreed(transform, chosen);
      return { transform: agreed, proposal, chosen, encapsulation, lifetime, group };
    }
  }
  return undefined;
}

/** e.g. `AES-CBC-256, HMAC-SHA1-96` or `AES-GCM-16-256`. */
export function describePhase2(transform: Phase2Transform): string {
  const { cipher, keyBits, integrity, extendedSequenceNumbers } = transform;
  const name = cipher === '3des-cbc' ? '3DES-CBC' : `${cipher.toUpperCase()}-${keyBits}`;
  const names = integrity === undefined ? [name] : [name, integrity.toUpperCase()];
  return [...names, ...(extendedSequenceNumbers ? ['ESN'] : [])].join(', ');
}

/** A list of transforms by the sets of what occurs in it, short enough for a failure's detail. */
export function summarizePhase2(transforms: readonly Phase2Transform[]): string {
  const lists = transforms.map((each) => describePhase2(each).split(', '));
  const sets = [lists.map(([cipher]) => cipher), lists.flatMap(([, ...others]) => others)];
  return sets
    .filter((names) => names.length > 0)
    .map((names) => [...new Set(names)].join('/'))
    .join(', ');
}

/** Zero is never on the wire. @rfc 4303 §2.1 */
function isSpi(spi: Bytes): boolean {
  return spi.length === 4 && spi.some((byte) => byte !== 0);
}

/**
 * Bytes of key material that one direction takes: cipher key with its salt or nonce, then integrity key.
 * @rfc 4106 §8.1
 * @rfc 3686 §5.1
 */
export function espKeySizes(transform: Phase2Transform): { cipher: number; integrity: number } {
  const salt = transform.cipher === 'aes-gcm-16' || transform.cipher === 'aes-ctr' ? 4 : 0;
  const integrity = transform.integrity === undefined ? 0 : INTEGRITY[transform.integrity].keyBytes;
  return { cipher: transform.keyBits / 8 + salt, integrity };
}

const INTEGRITY: Readonly<Record<EspIntegrity, { code: number; keyBytes: number }>> = {
  'hmac-md5-96': { code: AuthenticationAlgorithm.hmacMd5, keyBytes: 16 },
  'hmac-sha1-96': { code: AuthenticationAlgorithm.hmacSha, keyBytes: 20 },
  'hmac-sha2-256-96': { code: AuthenticationAlgorithm.hmacSha2256, keyBytes: 32 },
  'hmac-sha2-256-128': { code: AuthenticationAlgorithm.hmacSha2256, keyBytes: 32 },
  'hmac-sha2-384-192': { code: AuthenticationAlgorithm.hmacSha2384, keyBytes: 48 },
  'hmac-sha2-512-256': { code: AuthenticationAlgorithm.hmacSha2512, keyBytes: 64 },
};

const TRANSFORM_IDS: Readonly<Record<Phase2Transform['cipher'], number>> = {
  '3des-cbc': EspTransformId.des3,
  'aes-cbc': EspTransformId.aesCbc,
  'aes-ctr': EspTransformId.aesCtr,
  'aes-gcm-16': EspTransformId.aesGcm16,
};

function encodeTransform(
  { cipher, keyBits, integrity, extendedSequenceNumbers }: Phase2Transform,
  transformNumber: number,
  { encapsulation, lifetime, group }: Phase2Terms,
): Transform {
  const attributes = [
    ...lifetimeAttributes(lifetime, Phase2Attribute),
    ...(group === undefined ? [] : [basic(Phase2Attribute.groupDescription, group)]),
    basic(Phase2Attribute.encapsulationMode, encapsulation),
  ];
  if (integrity !== undefined) {
    attributes.push(basic(Phase2Attribute.authenticationAlgorithm, INTEGRITY[integrity].code));
  }
  if (cipher !== '3des-cbc') attributes.push(basic(Phase2Attribute.keyLength, keyBits));
  if (extendedSequenceNumbers) {
    attributes.push(basic(Phase2Attribute.extendedSequenceNumber, EXTENDED_SEQUENCE_NUMBERS));
  }
  return { number: transformNumber, id: TRANSFORM_IDS[cipher], attributes };
}

function basic(type: number, value: number): Attribute {
  return { kind: 'basic', type, value };
}

function number({ attributes }: Transform, type: number): number | undefined {
  const attribute = attributes.find((each) => each.type === type);
  return attribute === undefined ? undefined : attributeNumber(attribute);
}

/** The transform with what the peer made of its sequence numbers: without the attribute they have 32 bits. @rfc 4304 §3 */
function asAgreed(transform: Phase2Transform, chosen: Transform): Phase2Transform {
  const { extendedSequenceNumbers: _offered, ...rest } = transform;
  return number(chosen, Phase2Attribute.extendedSequenceNumber) === undefined
    ? rest
    : { ...rest, extendedSequenceNumbers: true };
}

function matches(ours: Phase2Transform, theirs: Transform): boolean {
  if (TRANSFORM_IDS[ours.cipher] !== theirs.id) return false;
  const integrity = ours.integrity === undefined ? undefined : INTEGRITY[ours.integrity].code;
  // An AEAD's transform may name an integrity algorithm of 0 for "none".
  const theirIntegrity = number(theirs, Phase2Attribute.authenticationAlgorithm) || undefined;
  if (theirIntegrity !== integrity) return false;
  const extended = number(theirs, Phase2Attribute.extendedSequenceNumber);
  const known = ours.extendedSequenceNumbers && extended === EXTENDED_SEQUENCE_NUMBERS;
  if (extended !== undefined && !known) return false;
  if (ours.cipher === '3des-cbc') return true;
  // Deviation: RFC 3602 §5.3 demands the attribute; gateways that leave it out mean 128.
  return (readKeyBits(number(theirs, Phase2Attribute.keyLength) ?? 128) ?? 0) === ours.keyBits;
}
