/** Where an authority publishes what it revoked: in certificates, and in lists of a part. RFC 5280 §4.2.1.13 and §5.2.5. */
import { type Bytes, toHex } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { utf8Decode } from '../wire/text.ts';
import { contextTag, DerReader, readSequence } from './der.ts';

/** Most names that are read. */
const MAX_POINTS = 32;

/** `uniformResourceIdentifier` of a GeneralName. @rfc 5280 §4.2.1.6 */
const URI = contextTag(6, false);

/** Names as text where they are URIs, and in hexadecimal otherwise, which serves to compare them. @rfc 5280 §4.2.1.13 */
export function decodeDistributionPoints(bytes: Bytes): readonly string[] {
  const reader = readSequence(bytes);
  const points: string[] = [];
  while (!reader.done) {
    const point = reader.enter();
    const name = point.option(contextTag(0));
    if (name !== undefined) points.push(...decodePointName(name.content));
    if (points.length > MAX_POINTS) throw new DecodeError('distribution points');
  }
  return points;
}

/** Of which certificates a list is. */
export interface ListScope {
  /** Of those alone that name one of these; all where there are none. */
  readonly points: readonly string[];
  readonly only: 'users' | 'authorities' | undefined;
}

/** Throws `DecodeError` for lists of some reasons, of other issuers' certificates, or of attributes. @rfc 5280 §5.2.5 */
export function decodeListScope(bytes: Bytes): ListScope {
  const reader = readSequence(bytes);
  const name = reader.option(contextTag(0));
  const users = flag(reader, 1);
  const authorities = flag(reader, 2);
  const some = reader.option(contextTag(3, false)) !== undefined;
  if (some || flag(reader, 4) || flag(reader, 5))
    throw new DecodeError('revocation list of a part');
  reader.finish();
  return {
    points: name === undefined ? [] : decodePointName(name.content),
    only: users ? 'users' : authorities ? 'authorities' : undefined,
  };
}

function flag(reader: DerReader, n: number): boolean {
  return reader.option(contextTag(n, false))?.content[0] === 0xff;
}

/** DistributionPointName: full names, or one relative to the issuer's. */
function decodePointName(content: Bytes): readonly string[] {
  const choice = new DerReader(content).next();
  if (choice.tag !== contextTag(0)) return [toHex(choice.bytes)];
  return new DerReader(choice.content)
    .all()
    .slice(0, MAX_POINTS)
    .map(({ tag, content, bytes }) => (tag === URI ? utf8Decode(content) : toHex(bytes)));
}
