/**
 * A cursor over a packet that names what it reads. Whatever the bytes are, what was read so far stays, and the rest is shown as
 * malformed; the number of fields of one packet is bounded.
 */
import { plainText } from '../errors.ts';
import { type Bytes, toHex } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { utf8Decode } from '../wire/text.ts';
import type { PacketField, PacketRange } from './view.ts';

/** Most fields of one packet, and most structures inside each other, that are shown. */
const FIELD_LIMIT = 2_000;
const DEPTH_LIMIT = 12;

/** Bytes of a value that are spelt out; all are in the hexadecimal view. */
const HEX_LIMIT = 24;

/** Characters of a text that are shown. */
const TEXT_LIMIT = 120;

/** What the fields of one packet share. */
export class FieldBudget {
  left: number = FIELD_LIMIT;
}

export class FieldReader {
  readonly bytes: Bytes;
  readonly fields: PacketField[] = [];
  /** Where passwords lie. */
  readonly masked: PacketRange[];
  readonly #budget: FieldBudget;
  readonly #depth: number;
  #at: number;
  #end: number;

  constructor(
    bytes: Bytes,
    start: number,
    end: number,
    budget: FieldBudget,
    masked: PacketRange[],
    depth = 0,
  ) {
    if (depth > DEPTH_LIMIT) throw new DecodeError('nested too deeply');
    this.bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#budget = budget;
    this.masked = masked;
    this.#depth = depth;
  }

  get offset(): number {
    return this.#at;
  }

  get end(): number {
    return this.#end;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  u8(name: string, show: (value: number) => string = String): number {
    return this.#number(name, 1, show);
  }

  u16(name: string, show: (value: number) => string = String): number {
    return this.#number(name, 2, show);
  }

  u32(name: string, show: (value: number) => string = String): number {
    return this.#number(name, 4, show);
  }

  /** The next `length` bytes, as a view of the packet. */
  take(name: string, length: number, show: (value: Bytes) => string = hexText): Bytes {
    const start = this.#advance(length);
    const value = this.bytes.subarray(start, start + length);
    this.add(name, show(value), start, start + length);
    return value;
  }

  rest(name: string, show?: (value: Bytes) => string): Bytes {
    return this.take(name, this.remaining, show);
  }

  /** A password of `length` bytes, told apart from one of none and no more. */
  secret(name: string, length: number): void {
    const start = this.#advance(length);
    this.masked.push({ start, end: start + length });
    this.add(name, length === 0 ? 'empty' : 'not shown', start, start + length);
  }

  /**
   * A structure of `length` bytes, whose value is what `read` answers. Where `read` fails, what follows the structure can
   * still be read.
   */
  group(name: string, length: number, read: (inner: FieldReader) => string): void {
    const start = this.#advance(length);
    const end = start + length;
    const inner = new FieldReader(
      this.bytes,
      start,
      end,
      this.#budget,
      this.masked,
      this.#depth + 1,
    );
    const value = inner.guarded(read);
    this.add(name, value, start, end, inner.fields);
  }

  /** Leaves the next `length` bytes to the layer further in: this one ends here. */
  handOver(length: number = this.remaining): PacketRange {
    this.cutTo(length);
    const range = { start: this.#at, end: this.#end };
    this.#end = this.#at;
    return range;
  }

  /** Of what is left only `length` bytes count; what is behind them is padding. */
  cutTo(length: number): void {
    if (length < 0 || length > this.remaining) throw new DecodeError('truncated');
    const end = this.#at + length;
    if (end < this.#end) this.add('Padding', `${this.#end - end} bytes`, end, this.#end);
    this.#end = end;
  }

  /** Answers what `read` does, or what was wrong; bytes left over become a field either way. */
  guarded(read: (reader: FieldReader) => string): string {
    try {
      const value = read(this);
      if (this.remaining > 0) this.rest('Left over');
      return value;
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      const reason = `malformed: ${error.reason}`;
      this.fields.push(field('Malformed', error.reason, this.#at, this.#end));
      return reason;
    }
  }

  /** A field that was read by other means, or a part of one. */
  add(
    name: string,
    value: string,
    start: number,
    end: number,
    fields: readonly PacketField[] = [],
  ): void {
    if (this.#budget.left-- <= 0) throw new DecodeError('more fields than are shown');
    this.fields.push(field(name, value, start, end, fields));
  }

  /** The next byte, without reading it; −1 at the end. */
  peek(ahead = 0): number {
    const at = this.#at + ahead;
    return at < this.#end ? this.bytes[at]! : -1;
  }

  #number(name: string, length: number, show: (value: number) => string): number {
    const start = this.#advance(length);
    let value = 0;
    for (let i = 0; i < length; i++) value = value * 256 + this.bytes[start + i]!;
    this.add(name, show(value), start, start + length);
    return value;
  }

  #advance(length: number): number {
    const start = this.#at;
    if (length < 0 || start + length > this.#end) throw new DecodeError('truncated');
    this.#at = start + length;
    return start;
  }
}

function field(
  name: string,
  value: string,
  start: number,
  end: number,
  fields: readonly PacketField[] = [],
): PacketField {
  return { name, value, start, end, fields };
}

/** The first bytes in hexadecimal, and how many there are where those are not all. */
export function hexText(bytes: Bytes): string {
  if (bytes.length <= HEX_LIMIT) return toHex(bytes);
  return `${toHex(bytes.subarray(0, HEX_LIMIT))}… (${bytes.length} bytes)`;
}

/** What a peer calls text, in quotes. */
export function quoted(bytes: Bytes): string {
  return `“${plainText(utf8Decode(bytes.slice(0, 4 * TEXT_LIMIT)), TEXT_LIMIT)}”`;
}

/** `0x` and at least `digits` hexadecimal digits. */
export function hex(digits: number): (value: number) => string {
  return (value) => `0x${value.toString(16).padStart(digits, '0')}`;
}

/** A number by name: `2 (Main Mode)`; alone where there is none. */
export function named(names: Readonly<Record<number, string>>): (value: number) => string {
  return (value) => {
    const name = names[value];
    return name === undefined ? String(value) : `${value} (${name})`;
  };
}

/** The names of the bits that are set: `0x12 (ACK, SYN)`. */
export function bits(
  names: readonly (readonly [mask: number, name: string])[],
  digits: number,
): (value: number) => string {
  return (value) => {
    const set = names.filter(([mask]) => (value & mask) !== 0).map(([, name]) => name);
    return set.length === 0 ? hex(digits)(value) : `${hex(digits)(value)} (${set.join(', ')})`;
  };
}

export function dottedAddress(bytes: Bytes): string {
  return bytes.join('.');
}
