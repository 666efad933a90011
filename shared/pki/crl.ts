/** Certificate revocation lists. RFC 5280 §5. Left out: delta lists and lists of a part, which are refused. */
import type { Bytes } from '../wire/bytes.ts';
import { toHex } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { contextTag, DerReader, readSequence, Tag } from './der.ts';
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
}

export function decodeRevocationList(bytes: Bytes): RevocationList {
  if (bytes.length > MAX_LIST) throw new DecodeError('revocation list too long');
  const signed = decodeSigned(bytes);
  const body = readSequence(signed.body);
  if (body.is(Tag.integer) && body.small() !== 1) throw new DecodeError('revocation list version');
  takeAlgorithm(body, signed);
  const issuer = body.take(Tag.sequence).bytes;
  decodeTime(body.next());
  if (body.is(Tag.utcTime) || body.is(Tag.generalizedTime)) decodeTime(body.next());
  const entries = body.is(Tag.sequence) ? body.enter() : undefined;
  const revoked = new Set<string>();
  while (entries !== undefined && !entries.done) {
    if (revoked.size === MAX_ENTRIES) throw new DecodeError('revocation list: too many entries');
    revoked.add(toHex(entries.enter().take(Tag.integer).content));
  }
  const wrapped = body.option(contextTag(0));
  body.finish();
  if (wrapped !== undefined) requireWhole(new DerReader(wrapped.content).enter());
  return { signed, issuer, revoked };
}

/** What a critical extension says (only these reasons, only changes) would have to be obeyed. @rfc 5280 §5.2 */
function requireWhole(extensions: DerReader): void {
  while (!extensions.done) {
    const extension = extensions.enter();
    extension.oid();
    if (extension.is(Tag.boolean) && extension.boolean()) {
      throw new DecodeError('revocation list of a part');
    }
  }
}
