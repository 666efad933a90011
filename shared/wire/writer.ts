import type { Bytes } from './bytes.ts';

/** A growing big-endian buffer; nested lengths are patched by `block`. */
export class Writer {
  #bytes: Bytes = new Uint8Array(256);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    const at = this.#grow(1);
    this.#bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.#grow(2);
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
    return this;
  }

  u32(value: number): this {
    const at = this.#grow(4);
    this.#bytes[at] = value >>> 24;
    this.#bytes[at + 1] = value >>> 16;
    this.#bytes[at + 2] = value >>> 8;
    this.#bytes[at + 3] = value;
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  zeros(length: number): this {
    this.#grow(length);
    return this;
  }

  /**
   * Runs `write` and then fills the `size`-byte length field reserved in front of it with the number of
   * bytes written plus `extra` (for formats whose length counts the header as well).
   */
  block(size: 1 | 2 | 4, write: (writer: this) => void, extra = 0): this {
    const at = this.#grow(size);
    write(this);
    this.patch(at, size, this.#length - at - size + extra);
    return this;
  }

  /** Overwrites the `size`-byte number at `offset`. */
  patch(offset: number, size: 1 | 2 | 4, value: number): this {
    for (let i = 0; i < size; i++) this.#bytes[offset + i] = value >>> (8 * (size - 1 - i));
    return this;
  }

  /** What was written, as an array of its own. */
  finish(): Bytes {
    return this.#bytes.slice(0, this.#length);
  }

  #grow(length: number): number {
    const at = this.#length;
    const need = at + length;
    if (need > this.#bytes.length) {
      const bigger = new Uint8Array(Math.max(need, 2 * this.#bytes.length));
      bigger.set(this.#bytes);
      this.#bytes = bigger;
    }
    this.#length = need;
    return at;
  }
}
