import { chacha20 } from '@noble/ciphers/chacha.js';
import type { Bytes, Random } from '../wire/bytes.ts';
import { IV_SEED_LENGTH, IVS_PER_SEED } from './engine.ts';

const POOL_LENGTH = 512;
const NONCE = new Uint8Array(12);

/**
 * Unpredictable IVs for CBC: ChaCha20 with fast key erasure, where each pool of key stream begins with the key of the
 * next. The twin of wasm/assembly/iv-generator.ts: the same seeds give the same IVs.
 * @rfc 3602 §3
 */
export class IvGenerator {
  readonly #random: Random;
  readonly #key: Bytes = new Uint8Array(IV_SEED_LENGTH);
  /** The unused ones are `#pool[#next, length)`. */
  readonly #pool: Bytes = new Uint8Array(POOL_LENGTH);
  #next = POOL_LENGTH;
  #left = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  seed(): void {
    const fresh = this.#random.bytes(IV_SEED_LENGTH);
    for (let i = 0; i < IV_SEED_LENGTH; i++) this.#key[i]! ^= fresh[i]!;
    fresh.fill(0);
    this.#refill();
    this.#left = IVS_PER_SEED;
  }

  /** Says in advance that a call draws up to `count` IVs. */
  reserve(count: number): void {
    if (this.#left < count) this.seed();
    this.#left -= count;
  }

  /** A fresh IV of `length` bytes, a multiple of 8. */
  draw(length: number): Bytes {
    const iv = new Uint8Array(length);
    for (let at = 0; at < length; at += 8) {
      if (this.#next === POOL_LENGTH) this.#refill();
      const word = this.#pool.subarray(this.#next, this.#next + 8);
      iv.set(word, at);
      word.fill(0);
      this.#next += 8;
    }
    return iv;
  }

  erase(): void {
    this.#key.fill(0);
    this.#pool.fill(0);
    this.#next = POOL_LENGTH;
    this.#left = 0;
  }

  #refill(): void {
    chacha20(this.#key, NONCE, new Uint8Array(POOL_LENGTH), this.#pool);
    this.#key.set(this.#pool.subarray(0, IV_SEED_LENGTH));
    this.#pool.fill(0, 0, IV_SEED_LENGTH);
    this.#next = IV_SEED_LENGTH;
  }
}
