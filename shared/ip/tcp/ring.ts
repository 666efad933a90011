import { type Bytes, EMPTY } from '../../wire/bytes.ts';

const SMALLEST = 16_384;

/** Bytes of a stream by position, in a circular array that grows up to what its owner's limit demands. */
export class ByteRing {
  #bytes: Bytes = EMPTY;

  get capacity(): number {
    return this.#bytes.length;
  }

  /** Makes room for `[base, end)`, keeping what `[base, used)` holds. */
  reserve(base: number, used: number, end: number): void {
    const need = end - base;
    if (need <= this.#bytes.length) return;
    let capacity = Math.max(SMALLEST, 2 * this.#bytes.length);
    while (capacity < need) capacity *= 2;
    const bigger = new ByteRing();
    bigger.#bytes = new Uint8Array(capacity);
    if (this.#bytes.length > 0) {
      for (let at = base; at < used; ) {
        const length = Math.min(used - at, this.#bytes.length - (at % this.#bytes.length));
        bigger.write(at, this.#bytes, at % this.#bytes.length, length);
        at += length;
      }
    }
    this.#bytes = bigger.#bytes;
  }

  /** Copies `source[from, from + length)` to `position`; the range must be reserved. */
  write(position: number, source: Bytes, from: number, length: number): void {
    const at = position % this.#bytes.length;
    const first = Math.min(length, this.#bytes.length - at);
    this.#bytes.set(source.subarray(from, from + first), at);
    if (first < length) this.#bytes.set(source.subarray(from + first, from + length), 0);
  }

  /** Copies `length` bytes at `position` to `target[at]`. */
  read(position: number, target: Bytes, at: number, length: number): void {
    const from = position % this.#bytes.length;
    const first = Math.min(length, this.#bytes.length - from);
    target.set(this.#bytes.subarray(from, from + first), at);
    if (first < length) target.set(this.#bytes.subarray(0, length - first), at + first);
  }

  /** Gives the memory back. */
  release(): void {
    this.#bytes = EMPTY;
  }
}
