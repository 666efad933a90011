/** What certificates and revocation lists have in common: something, an algorithm, a signature over it. RFC 5280 §4.1.1 and §5.1.1. */
import type { HashName, Primitives } from '../crypto/suite.ts';
import type { Bytes } from '../wire/bytes.ts';
import { constantTimeEqual } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { type Der, type DerReader, readSequence, Tag } from './der.ts';
import type { PublicKey } from './key.ts';
import { SIGNATURES } from './oids.ts';
import { verify } from './signature.ts';

export interface SignedObject {
  /** What is signed, in DER. */
  readonly body: Bytes;
  /** The AlgorithmIdentifier in DER: the body has to repeat it. */
  readonly algorithm: Bytes;
  /** `undefined` for an algorithm that is not known here. */
  readonly scheme: { readonly key: PublicKey['kind']; readonly hash: HashName } | undefined;
  readonly signature: Bytes;
}

export function decodeSigned(bytes: Bytes): SignedObject {
  const reader = readSequence(bytes);
  const body = reader.take(Tag.sequence).bytes;
  const algorithm = reader.take(Tag.sequence).bytes;
  const signature = reader.bits();
  reader.finish();
  const oid = readSequence(algorithm).oid();
  const scheme = Object.hasOwn(SIGNATURES, oid)
    ? SIGNATURES[oid as keyof typeof SIGNATURES]
    : undefined;
  return { body, algorithm, scheme, signature };
}

/** Reads the algorithm that the body repeats. @rfc 5280 §4.1.1.2 */
export function takeAlgorithm(reader: DerReader, { algorithm }: SignedObject): void {
  if (!constantTimeEqual(reader.take(Tag.sequence).bytes, algorithm)) {
    throw new DecodeError('two different signature algorithms');
  }
}

export function signedBy(object: SignedObject, key: PublicKey, primitives: Primitives): boolean {
  const { body, scheme, signature } = object;
  if (scheme === undefined || scheme.key !== key.kind) return false;
  const digest = primitives.hash(scheme.hash, body);
  return verify(key, { digest, hash: scheme.hash }, signature, primitives, 'der');
}

/** Milliseconds since 1970. Seconds and `Z` are not optional. @rfc 5280 §4.1.2.5 */
export function decodeTime({ tag, content }: Der): number {
  const text = String.fromCharCode(...content.slice(0, 20));
  const digits = tag === Tag.utcTime ? withCentury(text) : text;
  const known = tag === Tag.utcTime || tag === Tag.generalizedTime;
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(digits);
  if (!known || match === null) throw new DecodeError('time');
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1)
    .map(Number);
  const time = Date.UTC(year, month - 1, day, hour, minute, second);
  const date = new Date(time);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) throw new DecodeError('time');
  return time;
}

function withCentury(text: string): string {
  return `${text < '50' ? '20' : '19'}${text}`;
}
