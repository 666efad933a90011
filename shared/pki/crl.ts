/** Certificate revocation lists. RFC 5280 §5. Left out: delta lists, and lists of some reasons or of several issuers, which are refused. */
import type { Bytes } from '../wire/bytes.ts';
import { toHex } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { contextTag, DerReader, readSequence, Tag } from './der.ts';
import { decodeListScope, type ListScope } from './distribution-points.ts';
import { Extension } from './oids.ts';
import { decodeSigned, decodeTime, type SignedObject, takeAlgorithm } from './signed.ts';

/** Longest list that is read, in bytes, and most entries. */
const MAX_LIST = 4 * 1024 * 1024;
const MAX_ENTRIES = 100_000;

export interface RevocationList {
  readonly signed: SignedObject;
  /** Name in DER. */
  readonly issuer: Bytes;
  /** Serial numbers in hexadecimal. */
  readonly revoked: ReadonlySet<string>;
  /** When there is to be another one, in milliseconds since 1970; never without. */
  readonly nextUpdate: number | undefined;
  readonly scope: ListScope;
}

export function decodeRevocationList(bytes: Bytes): RevocationList {
  if (bytes.length > MAX_LIST) throw new DecodeError('revocation list too long');
  const signed = decodeSigned(bytes);
  const body = readSequence(signed.body);
  if (body.is(Tag.integer) && body.small() !== 1) throw new DecodeError('revocation list version');
  takeAlgorithm(body, signed);
  const issuer = body.take(Tag.sequence).bytes;
  decodeTime(body.next());
  const isDated = body.is(Tag.utcTime) || body.is(Tag.generalizedTime);
  const nextUpdate = isDated ? decodeTime(body.next()) : undefined;
  const entries = body.is(Tag.sequence) ? body.enter() : undefined;
  const revoked = new Set<string>();
  while (entries !== undefined && !entries.done) {
    if (revoked.size === MAX_ENTRIES) throw new DecodeError('revocation list: too many entries');
    revoked.add(toHex(entries.enter().take(Tag.integer).content));
  }
  const wrapped = body.option(contextTag(0));
  body.finish();
  const scope =
    wrapped === undefined ? EVERYTHING : readScope(new DerReader(wrapped.content).enter());
  return { signed, issuer, revoked, nextUpdate, scope };
}

const EVERYTHING: ListScope = { points: [], only: undefined };

/** What any other critical extension says (only changes) would have to be obeyed. @rfc 5280 §5.2 */
function readScope(extensions: DerReader): ListScope {
  let scope = EVERYTHING;
  while (!extensions.done) {
    const extension = extensions.enter();
    const oid = extension.oid();
    const critical = extension.is(Tag.boolean) && extension.boolean();
    if (oid === Extension.issuingDistributionPoint) scope = decodeListScope(extension.octets());
    else if (critical) throw new DecodeError('revocation list of a part');
  }
  return scope;
}
