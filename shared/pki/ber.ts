/**
 * BER made DER, as far as the files of old programs need it: indefinite lengths, lengths that are longer than they have to be, and octet
 * strings in pieces. ITU-T X.690 §8.1.3 and §8.7.3. What is DER already comes out as it went in. Left out: other strings in pieces,
 * and the order of sets.
 */
import { type Bytes, concat } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { encodeDer, Tag } from './der.ts';

/** Deepest nesting, and most values of one file, that are read. PKCS#12 has a dozen levels, and a few hundred values. */
const MAX_DEPTH = 24;
const MAX_VALUES = 20_000;

/** Longest input, in bytes: every level is copied once. */
const MAX_BER = 8 * 1024 * 1024;

const CONSTRUCTED = 0x20;

interface Value {
  readonly tag: number;
  readonly content: Bytes;
}

/** The one value that the bytes are, in DER. Throws `DecodeError`. */
export function berToDer(bytes: Bytes): Bytes {
  if (bytes.length > MAX_BER) throw new DecodeError('BER: too long');
  const reader = new BerReader(bytes);
  const value = reader.value(bytes.length, 0);
  reader.finish();
  return encode(value);
}

class BerReader {
  readonly #bytes: Bytes;
  #at = 0;
  #values = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  finish(): void {
    if (this.#at !== this.#bytes.length) throw new DecodeError('BER: trailing bytes');
  }

  /** The next value, which has to end at `end` at the latest. */
  value(end: number, depth: number): Value {
    if (depth > MAX_DEPTH) throw new DecodeError('BER: too deep');
    if (++this.#values > MAX_VALUES) throw new DecodeError('BER: too many values');
    const tag = this.#octet(end);
    if ((tag & 0x1f) === 0x1f) throw new DecodeError('BER: long tag');
    const length = this.#length(end);
    if ((tag & CONSTRUCTED) === 0) return { tag, content: this.#content(length, end) };
    const parts = this.#parts(length, end, depth);
    return tag === (Tag.octetString | CONSTRUCTED)
      ? joined(parts)
      : { tag, content: concat(...parts.map(encode)) };
  }

  /** What a constructed value holds. */
  #parts(length: number | undefined, end: number, depth: number): readonly Value[] {
    const parts: Value[] = [];
    if (length === undefined) {
      while (!this.#endOfContents(end)) parts.push(this.value(end, depth + 1));
      return parts;
    }
    const own = this.#at + length;
    while (this.#at < own) parts.push(this.value(own, depth + 1));
    return parts;
  }

  #endOfContents(end: number): boolean {
    if (this.#at + 2 > end) throw new DecodeError('BER: truncated');
    if (this.#bytes[this.#at] !== 0 || this.#bytes[this.#at + 1] !== 0) return false;
    this.#at += 2;
    return true;
  }

  #octet(end: number): number {
    if (this.#at >= end) throw new DecodeError('BER: truncated');
    return this.#bytes[this.#at++]!;
  }

  /** `undefined` for the indefinite form. */
  #length(end: number): number | undefined {
    const first = this.#octet(end);
    if (first === 0x80) return undefined;
    let length = first;
    if (first > 0x80) {
      length = 0;
      for (let count = first & 0x7f; count > 0; count--) {
        length = length * 256 + this.#octet(end);
        if (length > MAX_BER) throw new DecodeError('BER: length');
      }
    }
    if (length > end - this.#at) throw new DecodeError('BER: truncated');
    return length;
  }

  #content(length: number | undefined, end: number): Bytes {
    if (length === undefined || length > end - this.#at) throw new DecodeError('BER: length');
    this.#at += length;
    return this.#bytes.slice(this.#at - length, this.#at);
  }
}

/** An octet string of its pieces. */
function joined(pieces: readonly Value[]): Value {
  if (pieces.some(({ tag }) => tag !== Tag.octetString)) throw new DecodeError('BER: octet string');
  return { tag: Tag.octetString, content: concat(...pieces.map(({ content }) => content)) };
}

function encode({ tag, content }: Value): Bytes {
  return encodeDer(tag, content);
}
