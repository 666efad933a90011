/**
 * `EspEngine` over the module: slots are its memory, cursors plain objects that are copied into it
 * before a run of slots and back after it. One engine serves one tunnel.
 */
import type * as contract from '../shared/esp/engine.ts';
import type { EspEngine, EspInbound, EspSaParameters, EspSealer } from '../shared/esp/engine.ts';
import type { Bytes, Random } from '../shared/wire/bytes.ts';
import type { Packet } from '../shared/wire/packet.ts';
import { IvSeeds } from './iv-seeds.ts';
import type { Wasm } from './module.ts';
import { overhead, payloadRoom, type SaShape, saShape, tailLength } from './parameters.ts';

/** The same numbers as in the contract; the compiler refuses others. */
const SLOT_SIZE: typeof contract.SLOT_SIZE = 2048;
const SLOT_COUNT: typeof contract.SLOT_COUNT = 512;
const SLOT_HEADROOM: typeof contract.SLOT_HEADROOM = 256;
const SEALED_HEADER: typeof contract.SEALED_HEADER = 3;

/** Offsets in a context, as in assembly/context.ts. */
const OCTETS = 8;
const SEQUENCE = 24;

export function wasmEspEngine(wasm: Wasm, random: Random): EspEngine {
  const pool = new Pool(wasm, random);
  const { slots, results, nextHeaders } = pool;
  return {
    slots,
    results,
    nextHeaders,
    sealer: (parameters) => new WasmSealer(pool, parameters),
    inbound: (parameters) => new WasmInbound(pool, parameters),
    open(first, count) {
      pool.enter(first, count);
      wasm.open(first, count);
      pool.leave(first, count);
    },
  };
}

/** What all SAs of one engine share: slots, cursors, the generator of IVs and the contexts. */
class Pool {
  readonly wasm: Wasm;
  readonly slots: readonly Packet[];
  readonly results: Uint8Array;
  readonly nextHeaders: Uint8Array;
  readonly ivs: IvSeeds;
  /** SPIs of the inbound SAs. */
  readonly inbound = new Set<number>();
  readonly #cursors: Uint16Array;
  readonly #memory: Bytes;
  readonly #view: DataView;
  readonly #free: number[];

  constructor(wasm: Wasm, random: Random) {
    const buffer = wasm.memory.buffer as ArrayBuffer;
    this.wasm = wasm;
    this.slots = Array.from({ length: SLOT_COUNT }, (_, i) => ({
      bytes: new Uint8Array(buffer, wasm.SLOTS.value + i * wasm.SLOT_STRIDE.value, SLOT_SIZE),
      start: SLOT_HEADROOM,
      end: SLOT_HEADROOM,
    }));
    this.results = new Uint8Array(buffer, wasm.RESULTS.value, SLOT_COUNT);
    this.nextHeaders = new Uint8Array(buffer, wasm.NEXT_HEADERS.value, SLOT_COUNT);
    this.ivs = new IvSeeds(wasm, random);
    this.#cursors = new Uint16Array(buffer, wasm.CURSORS.value, 2 * SLOT_COUNT);
    this.#memory = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    this.#free = Array.from({ length: wasm.CONTEXT_COUNT.value }, (_, i) => i);
  }

  /** Sets up a context and answers its index. */
  acquire(parameters: EspSaParameters, shape: SaShape, inbound: boolean): number {
    const index = this.#free.pop();
    if (index === undefined) throw new RangeError('parameters: too many SAs at once');
    const { wasm } = this;
    const { spi, cipherKey, integrityKey } = parameters;
    this.#memory.set(cipherKey, wasm.IO.value);
    if (integrityKey !== undefined) {
      this.#memory.set(integrityKey, wasm.IO.value + wasm.INTEGRITY_KEY.value);
    }
    wasm.openContext(
      index,
      spi,
      Number(inbound),
      shape.cipher,
      cipherKey.length,
      shape.integrity,
      integrityKey?.length ?? 0,
      shape.icv,
      Number(shape.extended),
    );
    return index;
  }

  /** Wipes the context; with the last, also what packets have left in the slots, and the generator of IVs. */
  release(index: number): void {
    this.wasm.closeContext(index);
    this.#free.push(index);
    if (this.#free.length < this.wasm.CONTEXT_COUNT.value) return;
    this.wasm.wipeSlots();
    this.ivs.erase();
  }

  sequence(index: number): number {
    const at = this.#context(index) + SEQUENCE;
    return this.#view.getUint32(at + 4, true) * 2 ** 32 + this.#view.getUint32(at, true);
  }

  octets(index: number): number {
    return this.#view.getFloat64(this.#context(index) + OCTETS, true);
  }

  /** Copies the cursors of a run into the module's; throws `RangeError` on slots that do not exist. */
  enter(first: number, count: number): void {
    if (!Number.isInteger(first) || first < 0 || first > SLOT_COUNT) {
      throw new RangeError(`first: ${first}`);
    }
    if (!Number.isInteger(count) || count < 0 || count > SLOT_COUNT - first) {
      throw new RangeError(`count: ${count}`);
    }
    for (let i = first; i < first + count; i++) {
      const { start, end } = this.slots[i]!;
      if (!(start >= 0 && start <= end && end <= SLOT_SIZE)) throw new RangeError('slots: cursor');
      this.#cursors[2 * i] = start;
      this.#cursors[2 * i + 1] = end;
    }
  }

  /** Copies the module's cursors of a run back. */
  leave(first: number, count: number): void {
    for (let i = first; i < first + count; i++) {
      const slot = this.slots[i]!;
      slot.start = this.#cursors[2 * i]!;
      slot.end = this.#cursors[2 * i + 1]!;
    }
  }

  #context(index: number): number {
    return this.wasm.CONTEXTS.value + index * this.wasm.CONTEXT_SIZE.value;
  }
}

class WasmSealer implements EspSealer {
  readonly spi: number;
  readonly #pool: Pool;
  readonly #shape: SaShape;
  #context: number | undefined;
  #sequence = 0;
  #octets = 0;

  constructor(pool: Pool, parameters: EspSaParameters) {
    this.spi = parameters.spi;
    this.#pool = pool;
    this.#shape = saShape(parameters);
    this.#context = pool.acquire(parameters, this.#shape, false);
    if (this.#shape.randomIv) pool.ivs.seed();
  }

  get sequence(): number {
    return this.#sequence;
  }

  get octets(): number {
    return this.#octets;
  }

  get overhead(): number {
    return overhead(this.#shape);
  }

  payloadRoom(size: number): number {
    return payloadRoom(this.#shape, size);
  }

  seal(first: number, count: number, nextHeader: number, channel: number): number {
    const context = this.#context;
    if (context === undefined) throw new TypeError('sealer: closed');
    const pool = this.#pool;
    pool.enter(first, count);
    for (let i = first; i < first + count; i++) this.#checkRoom(pool.slots[i]!);
    if (this.#shape.randomIv) pool.ivs.reserve(count);
    const sealed = pool.wasm.seal(context, first, count, nextHeader, channel);
    pool.leave(first, sealed);
    this.#sequence = pool.sequence(context);
    this.#octets = pool.octets(context);
    return sealed;
  }

  close(): void {
    if (this.#context === undefined) return;
    this.#pool.release(this.#context);
    this.#context = undefined;
  }

  #checkRoom({ start, end }: Packet): void {
    if (
      start < SEALED_HEADER + this.#shape.head ||
      end + tailLength(this.#shape, end - start) > SLOT_SIZE
    ) {
      throw new RangeError('slots: no room to seal');
    }
  }
}

class WasmInbound implements EspInbound {
  readonly spi: number;
  readonly #pool: Pool;
  #context: number | undefined;
  #octets = 0;

  constructor(pool: Pool, parameters: EspSaParameters) {
    const { spi } = parameters;
    const shape = saShape(parameters);
    if (pool.inbound.has(spi)) throw new RangeError('spi: another inbound SA has it');
    this.spi = spi;
    this.#pool = pool;
    this.#context = pool.acquire(parameters, shape, true);
    pool.inbound.add(spi);
  }

  get octets(): number {
    if (this.#context !== undefined) this.#octets = this.#pool.octets(this.#context);
    return this.#octets;
  }

  close(): void {
    if (this.#context === undefined) return;
    this.#octets = this.#pool.octets(this.#context);
    this.#pool.release(this.#context);
    this.#pool.inbound.delete(this.spi);
    this.#context = undefined;
  }
}
