/** What a burst brought in order: noted where it lies, and copied once, into one array, at the burst's end. */
import { type Bytes, EMPTY } from '../../wire/bytes.ts';
import type { SpareMemory } from '../../wire/spare-memory.ts';

/** `bytes[from, from + length)`. */
interface Part {
  bytes: Bytes;
  from: number;
  length: number;
}

export class Arrivals {
  /** Used again: no more than the largest burst had segments. */
  readonly #parts: Part[] = [];
  #count = 0;
  #length = 0;

  add(bytes: Bytes, from: number, length: number): void {
    let part = this.#parts[this.#count];
    if (part === undefined) {
      part = { bytes, from, length };
      this.#parts.push(part);
    }
    part.bytes = bytes;
    part.from = from;
    part.length = length;
    this.#count++;
    this.#length += length;
  }

  /** Everything since the last time, as the reader's own; `undefined` when there is nothing. */
  take(spare: SpareMemory): Bytes | undefined {
    if (this.#count === 0) return undefined;
    const whole = spare.take(this.#length);
    let at = 0;
    for (let i = 0; i < this.#count; i++) {
      const part = this.#parts[i]!;
      whole.set(part.bytes.subarray(part.from, part.from + part.length), at);
      at += part.length;
      part.bytes = EMPTY;
    }
    this.#count = 0;
    this.#length = 0;
    return whole;
  }
}
