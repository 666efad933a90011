/**
 * What phase 1 can agree on, as offers and choices. RFC 2409 appendix A, RFC 3602 §5.
 * The method of authentication is the same for a whole offer. Left out: DES, group 1, binary curves.
 */
import { BLOCK_LENGTH, type CbcCipherName, type HashName } from '../crypto/suite.ts';
import { type Attribute, attributeNumber } from '../isakmp/attribute.ts';
import {
  EncryptionAlgorithm,
  HashAlgorithm,
  IsakmpTransformId,
  Phase1Attribute,
  ProtocolId,
} from '../isakmp/numbers.ts';
import type { Proposal, Transform } from '../isakmp/proposal.ts';
import { EMPTY } from '../wire/bytes.ts';
import { CURVE_25519, describeGroup, type Group } from './group.ts';
import { type Lifetime, lifetimeAttributes, readLifetime } from './lifetime.ts';

export interface Phase1Transform {
  readonly cipher: CbcCipherName;
  /** 128, 192 or 256; 192 for 3DES. */
  readonly keyBits: KeyBits;
  readonly hash: HashName;
  readonly group: Group;
}

export type KeyBits = 128 | 192 | 256;

/**
 * The offer, best first, as RFC 8247 rates it: by group, then by hash, then by cipher. Group 14 has every combination a
 * gateway is known to insist on; below it what is slow for no gain (6144 bits and more), then only what old gateways have no
 * better than. SHA-1 over the curves is Windows' own proposal.
 * @rfc 8247 §2.1
 * @rfc 8247 §2.2
 * @rfc 8247 §2.4
 */
export const PHASE1_TRANSFORMS: readonly Phase1Transform[] = [
  aes(256, 'sha384', 20),
  aes(256, 'sha256', 19),
  aes(128, 'sha256', 19),
  aes(256, 'sha512', 21),
  aes(256, 'sha1', 20),
  aes(128, 'sha1', 19),
  aes(256, 'sha512', 16),
  aes(256, 'sha256', 15),
  aes(256, 'sha512', 14),
  aes(256, 'sha256', 14),
  aes(128, 'sha256', 14),
  aes(256, 'sha1', 14),
  aes(128, 'sha1', 14),
  aes(256, 'sha512', 17),
  aes(256, 'sha512', 18),
  aes(256, 'sha256', 5),
  aes(256, 'sha1', 5),
  aes(128, 'sha1', 5),
  des3('sha1', 5),
  aes(256, 'sha256', 2),
  aes(256, 'sha1', 2),
  aes(128, 'sha1', 2),
  des3('sha1', 2),
  des3('md5', 2),
];

/** The one proposal of message 1, every transform with the same method of authentication and lifetime. @rfc 2409 §5 */
export function phase1Proposal(
  transforms: readonly Phase1Transform[],
  method: number,
  lifetime: Lifetime,
): Proposal {
  return {
    number: 1,
    protocolId: ProtocolId.isakmp,
    spi: EMPTY,
    transforms: transforms.map((each, index) => encodeTransform(each, method, lifetime, index + 1)),
  };
}

export interface Phase1Choice {
  readonly transform: Phase1Transform;
  /** What the peer wrote, to be returned as it is. */
  readonly proposal: Proposal;
  readonly chosen: Transform;
  /** As the peer names it there. */
  readonly lifetime: Lifetime;
}

/** The first transform among the peer's, in the peer's order, that is also ours: what a peer chose of our offer. */
export function choosePhase1(
  proposals: readonly Proposal[],
  ours: readonly Phase1Transform[],
  method: number,
): Phase1Choice | undefined {
  return choose(proposals, method, (read) => ours.find((each) => same(each, read)));
}

/**
 * The first transform among the peer's, in the peer's order, whose algorithms all occur in ours, in whatever combination: what we
 * accept of a peer's offer. A list of ours has a few of the combinations, and a gateway that begins has others.
 */
export function acceptPhase1(
  proposals: readonly Proposal[],
  ours: readonly Phase1Transform[],
  method: number,
): Phase1Choice | undefined {
  return choose(proposals, method, (read) => {
    const cipher = ours.find((each) => sameCipher(each, read));
    const hash = ours.find((each) => HASH_CODES[each.hash] === read.hash)?.hash;
    const ownGroup = ours.find((each) => each.group === read.group)?.group;
    // In no offer of ours, as IKEv1 has no such group; but see `curve25519.ts`.
    const group = read.group === CURVE_25519 ? CURVE_25519 : ownGroup;
    if (cipher === undefined || hash === undefined || group === undefined) return undefined;
    return { cipher: cipher.cipher, keyBits: cipher.keyBits, hash, group };
  });
}

function choose(
  proposals: readonly Proposal[],
  method: number,
  find: (read: ReadTransform) => Phase1Transform | undefined,
): Phase1Choice | undefined {
  for (const proposal of proposals) {
    if (proposal.protocolId !== ProtocolId.isakmp) continue;
    for (const chosen of proposal.transforms) {
      const read = readTransform(chosen, method);
      const transform = read && find(read);
      if (transform === undefined) continue;
      const lifetime = readLifetime(chosen.attributes, Phase1Attribute);
      return { transform, proposal, chosen, lifetime };
    }
  }
  return undefined;
}

/** e.g. `AES-CBC-256, SHA2-256, MODP-2048`. */
export function describePhase1({ cipher, keyBits, hash, group }: Phase1Transform): string {
  return `${describeCipher(cipher, keyBits)}, ${HASH_NAMES[hash]}, ${describeGroup(group)}`;
}

/** A list of transforms by the sets of what occurs in it, short enough for a failure's detail. */
export function summarizePhase1(transforms: readonly Phase1Transform[]): string {
  const ciphers = transforms.map(({ cipher, keyBits }) => describeCipher(cipher, keyBits));
  const hashes = transforms.map(({ hash }) => HASH_NAMES[hash]);
  const groups = transforms.map(({ group }) => describeGroup(group));
  return [ciphers, hashes, groups].map((names) => [...new Set(names)].join('/')).join(', ');
}

/** Bytes of the cipher's key and of its block. */
export function cipherSizes(transform: Phase1Transform): { key: number; block: number } {
  return { key: transform.keyBits / 8, block: BLOCK_LENGTH[transform.cipher] };
}

/** Deviation: a key length with its bytes swapped is understood (RFC 2409 appendix A has network order; some gateways do not). */
export function readKeyBits(value: number | undefined): KeyBits | undefined {
  switch (value) {
    case 128:
    case 0x8000:
      return 128;
    case 192:
    case 0xc000:
      return 192;
    case 256:
    case 0x0001:
      return 256;
    default:
      return undefined;
  }
}

const HASH_NAMES: Readonly<Record<HashName, string>> = {
  md5: 'MD5',
  sha1: 'SHA1',
  sha256: 'SHA2-256',
  sha384: 'SHA2-384',
  sha512: 'SHA2-512',
};

const HASH_CODES: Readonly<Record<HashName, number>> = {
  md5: HashAlgorithm.md5,
  sha1: HashAlgorithm.sha,
  sha256: HashAlgorithm.sha256,
  sha384: HashAlgorithm.sha384,
  sha512: HashAlgorithm.sha512,
};

function aes(keyBits: KeyBits, hash: HashName, group: Group): Phase1Transform {
  return { cipher: 'aes-cbc', keyBits, hash, group };
}

function des3(hash: HashName, group: Group): Phase1Transform {
  return { cipher: '3des-cbc', keyBits: 192, hash, group };
}

function describeCipher(cipher: CbcCipherName, keyBits: KeyBits): string {
  return cipher === '3des-cbc' ? '3DES-CBC' : `AES-CBC-${keyBits}`;
}

function encodeTransform(
  transform: Phase1Transform,
  method: number,
  lifetime: Lifetime,
  number: number,
): Transform {
  const { cipher, keyBits, hash, group } = transform;
  const aesCbc = cipher === 'aes-cbc';
  return {
    number,
    id: IsakmpTransformId.keyIke,
    attributes: [
      basic(
        Phase1Attribute.encryptionAlgorithm,
        aesCbc ? EncryptionAlgorithm.aesCbc : EncryptionAlgorithm.des3Cbc,
      ),
      ...(aesCbc ? [basic(Phase1Attribute.keyLength, keyBits)] : []),
      basic(Phase1Attribute.hashAlgorithm, HASH_CODES[hash]),
      basic(Phase1Attribute.authenticationMethod, method),
      basic(Phase1Attribute.groupDescription, group),
      ...lifetimeAttributes(lifetime, Phase1Attribute),
    ],
  };
}

function basic(type: number, value: number): Attribute {
  return { kind: 'basic', type, value };
}

/** The numbers of a transform, before anything of ours is compared with them. */
interface ReadTransform {
  readonly encryption: number | undefined;
  readonly keyBits: KeyBits | undefined;
  readonly hash: number | undefined;
  readonly group: number | undefined;
}

function readTransform({ id, attributes }: Transform, method: number): ReadTransform | undefined {
  if (id !== IsakmpTransformId.keyIke) return undefined;
  const number = (type: number): number | undefined => {
    const attribute = attributes.find((each) => each.type === type);
    return attribute === undefined ? undefined : attributeNumber(attribute);
  };
  if (number(Phase1Attribute.authenticationMethod) !== method) return undefined;
  return {
    encryption: number(Phase1Attribute.encryptionAlgorithm),
    keyBits: readKeyBits(number(Phase1Attribute.keyLength)),
    hash: number(Phase1Attribute.hashAlgorithm),
    group: number(Phase1Attribute.groupDescription),
  };
}

function same(ours: Phase1Transform, read: ReadTransform): boolean {
  if (HASH_CODES[ours.hash] !== read.hash || ours.group !== read.group) return false;
  return sameCipher(ours, read);
}

function sameCipher(ours: Phase1Transform, read: ReadTransform): boolean {
  return ours.cipher === '3des-cbc'
    ? read.encryption === EncryptionAlgorithm.des3Cbc
    : read.encryption === EncryptionAlgorithm.aesCbc && ours.keyBits === read.keyBits;
}
