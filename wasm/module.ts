/** The compiled module: what it exports, and how it comes into being. Its sources are in assembly/. */

/** Bytes of the module, the module, or whatever the bytes can be read from: a `Response`, a `Blob`. */
export type WasmSource =
  | ArrayBuffer
  | ArrayBufferView<ArrayBuffer>
  | WebAssembly.Module
  | { arrayBuffer(): Promise<ArrayBuffer> };

/** Functions and constants by the names that assembly/index.ts exports, and views of the whole memory. */
export interface Wasm {
  openContext(
    index: number,
    spi: number,
    inbound: number,
    cipher: number,
    cipherKeyLength: number,
    integrity: number,
    integrityKeyLength: number,
    icvLength: number,
    extended: number,
  ): void;
  closeContext(index: number): void;
  wipeSlots(): void;
  seal(index: number, first: number, count: number, nextHeader: number, channel: number): number;
  open(first: number, count: number): void;
  hashStart(hash: number): void;
  hmacStart(hash: number, keyLength: number): void;
  hashUpdate(length: number): void;
  hashFinish(length: number): void;
  hmacFinish(length: number): void;
  cbcStart(cipher: number, keyLength: number): void;
  cbcEncrypt(length: number): void;
  cbcDecrypt(length: number): void;
  modExp(length: number, exponentLength: number): void;
  wipePrimitives(length: number): void;
  eraseIvs(): void;
  seedIvs(): void;
  readonly memory: WebAssembly.Memory;
  readonly CONTEXTS: WebAssembly.Global<'i32'>;
  readonly CONTEXT_COUNT: WebAssembly.Global<'i32'>;
  readonly CONTEXT_SIZE: WebAssembly.Global<'i32'>;
  readonly CURSORS: WebAssembly.Global<'i32'>;
  readonly INTEGRITY_KEY: WebAssembly.Global<'i32'>;
  readonly IO: WebAssembly.Global<'i32'>;
  readonly IO_SIZE: WebAssembly.Global<'i32'>;
  readonly NEXT_HEADERS: WebAssembly.Global<'i32'>;
  readonly RESULTS: WebAssembly.Global<'i32'>;
  readonly SLOT_STRIDE: WebAssembly.Global<'i32'>;
  readonly SLOTS: WebAssembly.Global<'i32'>;
}

/** The builds of the module, best first: with relaxed SIMD instructions, with SIMD, and without. */
export const BUILDS = ['relaxed', 'strict', 'none'] as const;
export type Build = (typeof BUILDS)[number];

/** The smallest modules that need what a build needs: a function that answers a vector. */
const PROBES: Readonly<Record<Build, readonly number[]>> = {
  // i8x16.relaxed_swizzle
  relaxed: [
    ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0],
    ...[65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11],
  ],
  // i8x16.popcnt
  strict: [
    ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0],
    ...[65, 0, 253, 15, 253, 98, 11],
  ],
  none: [0, 97, 115, 109, 1, 0, 0, 0],
};

/** The best build that this engine runs. Throws an `Error` where there is no WebAssembly. */
export function bestBuild(): Build {
  if (typeof WebAssembly === 'undefined') throw new Error('WebAssembly is not available here');
  return BUILDS.find((build) => WebAssembly.validate(Uint8Array.from(PROBES[build]))) ?? 'none';
}

/** A fresh instance with its own memory. */
export async function instantiate(source: WasmSource): Promise<Wasm> {
  const module = await compiled(source);
  const { exports } = await WebAssembly.instantiate(module, {});
  return exports as unknown as Wasm;
}

async function compiled(source: WasmSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  const bytes = 'arrayBuffer' in source ? await source.arrayBuffer() : source;
  return WebAssembly.compile(bytes as ArrayBuffer);
}
