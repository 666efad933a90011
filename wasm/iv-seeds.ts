import type * as contract from '../shared/esp/engine.ts';
import type { Random } from '../shared/wire/bytes.ts';
import type { Wasm } from './module.ts';

/** The same numbers as in the contract; the compiler refuses others. */
const IV_SEED_LENGTH: typeof contract.IV_SEED_LENGTH = 32;
const IVS_PER_SEED: typeof contract.IVS_PER_SEED = 1024;

/** Keeps the module's generator of IVs (assembly/iv-generator.ts) seeded; the contract says when. */
export class IvSeeds {
  readonly #wasm: Wasm;
  readonly #random: Random;
  readonly #io: Uint8Array;
  #left = 0;

  constructor(wasm: Wasm, random: Random) {
    this.#wasm = wasm;
    this.#random = random;
    this.#io = new Uint8Array(wasm.memory.buffer, wasm.IO.value, IV_SEED_LENGTH);
  }

  seed(): void {
    const fresh = this.#random.bytes(IV_SEED_LENGTH);
    this.#io.set(fresh);
    fresh.fill(0);
    this.#wasm.seedIvs();
    this.#left = IVS_PER_SEED;
  }

  /** Says in advance that a call draws up to `count` IVs. */
  reserve(count: number): void {
    if (this.#left < count) this.seed();
    this.#left -= count;
  }

  erase(): void {
    this.#wasm.eraseIvs();
    this.#left = 0;
  }
}
