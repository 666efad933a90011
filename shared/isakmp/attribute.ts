/** Data attributes: type and value, in 4 bytes or with a length of their own. RFC 2408 §3.3. */
import type { Bytes } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import type { Reader } from '../wire/reader.ts';
import type { Writer } from '../wire/writer.ts';

/** Most attributes of one transform that are read. */
export const MAX_ATTRIBUTES = 32;

const BASIC = 0x8000;

/** `type` has 15 bits; a basic value has 16. */
export type Attribute =
  | { readonly kind: 'basic'; readonly type: number; readonly value: number }
  | { readonly kind: 'variable'; readonly type: number; readonly value: Bytes };

/** Reads attributes to the reader's end. @rfc 2408 §3.3 */
export function decodeAttributes(reader: Reader): readonly Attribute[] {
  const attributes: Attribute[] = [];
  while (reader.remaining > 0) {
    if (attributes.length === MAX_ATTRIBUTES) throw new DecodeError('too many attributes');
    const type = reader.u16();
    attributes.push(
      (type & BASIC) !== 0
        ? { kind: 'basic', type: type & ~BASIC, value: reader.u16() }
        : { kind: 'variable', type, value: reader.bytes(reader.u16()) },
    );
  }
  return attributes;
}

export function encodeAttributes(writer: Writer, attributes: readonly Attribute[]): void {
  for (const attribute of attributes) {
    if (attribute.kind === 'basic') writer.u16(attribute.type | BASIC).u16(attribute.value);
    else writer.u16(attribute.type).u16(attribute.value.length).bytes(attribute.value);
  }
}

/** The attribute's number, however it was encoded; `undefined` above 48 bits. */
export function attributeNumber(attribute: Attribute): number | undefined {
  if (attribute.kind === 'basic') return attribute.value;
  let number = 0;
  for (const byte of attribute.value) {
    number = number * 256 + byte;
    if (number > 0xffff_ffff_ffff) return undefined;
  }
  return number;
}
