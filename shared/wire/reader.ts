import type { Bytes } from './bytes.ts';
import { DecodeError } from './errors.ts';

/** A bounds-checking cursor over big-endian bytes; every read past the end is a `DecodeError`. */
export class Reader {
  readonly #bytes: Bytes;
  #at: number;
  readonly #end: number;

  constructor(bytes: Bytes, start = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  /** Offset of the next byte in the array the reader was made over. */
  get offset(): number {
    return this.#at;
  }

  u8(): number {
    const at = this.#advance(1);
    return this.#bytes[at]!;
  }

  u16(): number {
    const at = this.#advance(2);
    return (this.#bytes[at]! << 8) | this.#bytes[at + 1]!;
  }

  u32(): number {
    const at = this.#advance(4);
    const b = this.#bytes;
    return ((b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!) >>> 0;
  }

  /** The next `length` bytes, copied, so that what is kept does not hold the datagram. */
  bytes(length: number): Bytes {
    const at = this.#advance(length);
    return this.#bytes.slice(at, at + length);
  }

  /** All that is left, copied. */
  rest(): Bytes {
    return this.bytes(this.remaining);
  }

  skip(length: number): void {
    this.#advance(length);
  }

  /** Runs `read` over the next `length` bytes; bytes it leaves over are a `DecodeError`. */
  block<T>(length: number, read: (reader: Reader) => T): T {
    const at = this.#advance(length);
    const inner = new Reader(this.#bytes, at, at + length);
    const value = read(inner);
    inner.finish();
    return value;
  }

  /** Throws unless every byte was read. */
  finish(): void {
    if (this.remaining !== 0) throw new DecodeError('trailing bytes');
  }

  #advance(length: number): number {
    const at = this.#at;
    if (length < 0 || at + length > this.#end) throw new DecodeError('truncated');
    this.#at = at + length;
    return at;
  }
}
