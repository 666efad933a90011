import type { Random } from '../shared/wire/bytes.ts';
import type { Wasm } from './module.ts';

/** Unpredictable IVs for CBC, kept ready in the module's memory: many are drawn at a time, each is used once. */
export class IvPool {
  readonly #bytes: Uint8Array;
  readonly #address: number;
  readonly #random: Random;
  /** The unused ones are `#bytes[#at, length)`. */
  #at: number;

  constructor(wasm: Wasm, random: Random) {
    const size = wasm.IVS_SIZE.value;
    this.#address = wasm.IVS.value;
    this.#bytes = new Uint8Array(wasm.memory.buffer, this.#address, size);
    this.#random = random;
    this.#at = size;
  }

  /** The address of `length` unused bytes, at most the pool's size; they stay unused until `spend`. */
  reserve(length: number): number {
    if (this.#bytes.length - this.#at < length) {
      this.#bytes.copyWithin(0, this.#at);
      const left = this.#bytes.length - this.#at;
      this.#bytes.set(this.#random.bytes(this.#at), left);
      this.#at = 0;
    }
    return this.#address + this.#at;
  }

  spend(length: number): void {
    this.#at += length;
  }
}
