/**
 * DER: the one encoding of ASN.1 that certificates and keys are in. ITU-T X.690 §8 to §11. Reading is strict: lengths in
 * their shortest form, definite, and tags of one octet, which is all that X.509 has. Throws `DecodeError` on the rest; what may be
 * in BER goes through `ber.ts` first.
 */
import { type Bytes, concat, EMPTY } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { Writer } from '../wire/writer.ts';

/** Identifier octets, class and constructed bit included. */
export const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** `[n]`, constructed unless it replaces the tag of something primitive. */
export function contextTag(n: number, constructed = true): number {
  return (constructed ? 0xa0 : 0x80) | n;
}

/** One value as it stands in its encoding. */
export interface Der {
  readonly tag: number;
  readonly content: Bytes;
  /** The whole of it, tag and length included: what signatures and names are about. */
  readonly bytes: Bytes;
}

/** Most values of one constructed value that are read. */
const MAX_ELEMENTS = 4_096;

/** The values one after the other, in the order in which a definition names them. */
export class DerReader {
  readonly #bytes: Bytes;
  #at = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Whether the next value has this tag. */
  is(tag: number): boolean {
    return this.#bytes[this.#at] === tag;
  }

  next(): Der {
    const bytes = this.#bytes;
    const start = this.#at;
    const tag = bytes[start];
    const first = bytes[start + 1];
    if (tag === undefined || first === undefined) throw new DecodeError('DER: truncated');
    if ((tag & 0x1f) === 0x1f) throw new DecodeError('DER: long tag');
    let at = start + 2;
    let length = first;
    if (first >= 0x80) {
      const count = first & 0x7f;
      if (count === 0 || count > 3) throw new DecodeError('DER: length');
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + (bytes[at++] ?? 0);
      if (length < 0x80 || length < 256 ** (count - 1)) throw new DecodeError('DER: long length');
    }
    const end = at + length;
    if (end > bytes.length) throw new DecodeError('DER: truncated');
    this.#at = end;
    return { tag, content: bytes.slice(at, end), bytes: bytes.slice(start, end) };
  }

  /** The next value, which has to have this tag. */
  take(tag: number): Der {
    const value = this.next();
    if (value.tag !== tag) throw new DecodeError('DER: unexpected tag');
    return value;
  }

  /** The next value where it has this tag, else nothing. */
  option(tag: number): Der | undefined {
    return this.is(tag) ? this.next() : undefined;
  }

  /** A reader over what the next value holds. */
  enter(tag: number = Tag.sequence): DerReader {
    return new DerReader(this.take(tag).content);
  }

  /** All that is left, of one tag each unless it says otherwise. */
  all(): readonly Der[] {
    const values: Der[] = [];
    while (!this.done) {
      if (values.length === MAX_ELEMENTS) throw new DecodeError('DER: too many values');
      values.push(this.next());
    }
    return values;
  }

  /** A non-negative integer, big-endian, without leading zeros (zero itself is empty). */
  unsigned(): Bytes {
    const { content } = this.take(Tag.integer);
    const [first, second] = content;
    if (first === undefined || first >= 0x80) throw new DecodeError('DER: not a positive integer');
    if (first !== 0) return content;
    if (second !== undefined && second < 0x80) throw new DecodeError('DER: padded integer');
    return content.slice(1);
  }

  /** A non-negative integer below 2^31. */
  small(): number {
    const bytes = this.unsigned();
    if (bytes.length > 4) throw new DecodeError('DER: integer too large');
    const number = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
    if (number > 0x7fff_ffff) throw new DecodeError('DER: integer too large');
    return number;
  }

  oid(): string {
    return decodeOid(this.take(Tag.oid).content);
  }

  boolean(): boolean {
    const { content } = this.take(Tag.boolean);
    if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) {
      throw new DecodeError('DER: not a boolean');
    }
    return content[0] === 0xff;
  }

  octets(): Bytes {
    return this.take(Tag.octetString).content;
  }

  /** A bit string of whole octets. */
  bits(): Bytes {
    const { content } = this.take(Tag.bitString);
    if (content[0] !== 0) throw new DecodeError('DER: bit string of a part of an octet');
    return content.slice(1);
  }

  finish(): void {
    if (!this.done) throw new DecodeError('DER: trailing bytes');
  }
}

/** The one value that the bytes are. */
export function decodeDer(bytes: Bytes): Der {
  const reader = new DerReader(bytes);
  const value = reader.next();
  reader.finish();
  return value;
}

/** A reader over the content of the one sequence that the bytes are. */
export function readSequence(bytes: Bytes): DerReader {
  const { tag, content } = decodeDer(bytes);
  if (tag !== Tag.sequence) throw new DecodeError('DER: not a sequence');
  return new DerReader(content);
}

/** e.g. `1.2.840.113549.1.1.1`. */
export function decodeOid(content: Bytes): string {
  if (content.length === 0 || content.length > 64) throw new DecodeError('DER: object identifier');
  const arcs: number[] = [];
  let arc = 0;
  let open = false;
  for (const byte of content) {
    if (!open && byte === 0x80) throw new DecodeError('DER: object identifier');
    arc = arc * 128 + (byte & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER / 128) throw new DecodeError('DER: object identifier');
    open = byte >= 0x80;
    if (open) continue;
    arcs.push(arc);
    arc = 0;
  }
  if (open) throw new DecodeError('DER: object identifier');
  const [first = 0, ...rest] = arcs;
  const top = Math.min(2, Math.floor(first / 40));
  return [top, first - 40 * top, ...rest].join('.');
}

export function encodeDer(tag: number, ...parts: readonly Bytes[]): Bytes {
  const content = concat(...parts);
  const { length } = content;
  const writer = new Writer().u8(tag);
  if (length < 0x80) writer.u8(length);
  else if (length < 0x100) writer.u8(0x81).u8(length);
  else if (length < 0x1_0000) writer.u8(0x82).u16(length);
  else if (length < 0x100_0000)
    writer
      .u8(0x83)
      .u8(length >>> 16)
      .u16(length);
  else throw new RangeError('content: too long');
  return writer.bytes(content).finish();
}

/** A non-negative integer from big-endian bytes. */
export function encodeInteger(value: Bytes): Bytes {
  const start = value.findIndex((byte) => byte !== 0);
  const digits = start < 0 ? EMPTY : value.slice(start);
  const sign = (digits[0] ?? 0x80) >= 0x80 ? Uint8Array.of(0) : EMPTY;
  return encodeDer(Tag.integer, sign, digits);
}

export function encodeOid(oid: string): Bytes {
  const [top = 0, second = 0, ...rest] = oid.split('.').map(Number);
  const bytes = [40 * top + second, ...rest].flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) {
      groups.unshift((left & 0x7f) | 0x80);
    }
    return groups;
  });
  return encodeDer(Tag.oid, Uint8Array.from(bytes));
}

/** A bit string of whole octets. */
export function encodeBits(bytes: Bytes): Bytes {
  return encodeDer(Tag.bitString, Uint8Array.of(0), bytes);
}
