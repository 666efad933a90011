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
    cipher: number,
    cipherKeyLength: number,
    integrity: number,
    integrityKeyLength: number,
  ): void;
  closeContext(index: number): void;
  wipeSlots(): void;
  seal(index: number, first: number, count: number, nextHeader: number): number;
  open(index: number, first: number, count: number): void;
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
  readonly DESCRIPTORS: WebAssembly.Global<'i32'>;
  readonly INTEGRITY_KEY: WebAssembly.Global<'i32'>;
  readonly IO: WebAssembly.Global<'i32'>;
  readonly IO_SIZE: WebAssembly.Global<'i32'>;
  readonly SLOTS: WebAssembly.Global<'i32'>;
}

/** A function that answers one splat vector: the smallest module that needs SIMD. */
const SIMD_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15,
  253, 98, 11,
]);

/** A fresh instance with its own memory. Throws an `Error` where WebAssembly or its SIMD instructions are missing. */
export async function instantiate(source: WasmSource): Promise<Wasm> {
  if (typeof WebAssembly === 'undefined') throw new Error('WebAssembly is not available here');
  if (!WebAssembly.validate(SIMD_PROBE)) {
    throw new Error('WebAssembly here has no SIMD instructions, which the ciphers need');
  }
  const module = await compiled(source);
  const { exports } = await WebAssembly.instantiate(module, {});
  return exports as unknown as Wasm;
}

async function compiled(source: WasmSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  const bytes = 'arrayBuffer' in source ? await source.arrayBuffer() : source;
  return WebAssembly.compile(bytes as ArrayBuffer);
}
