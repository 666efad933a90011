import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { buildWasm } from '../../../scripts/build-wasm.mjs';
import { toHex } from '../../../shared/wire/bytes.ts';
import { bestBuild, loadWasmSuite } from '../../../wasm/index.ts';
import { instantiate } from '../../../wasm/module.ts';
import { SeededRandom } from '../../support/random.ts';
import { WASM_BUILDS, wasmModule } from '../../support/wasm-suite.ts';

const SHA256_OF_NOTHING = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const random = new SeededRandom(40);

async function built() {
  const file = await readFile((await buildWasm()).strict);
  return new Uint8Array(file.buffer.slice(file.byteOffset, file.byteOffset + file.length));
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('loadWasmSuite', () => {
  it('takes bytes, a buffer, a module or a response', async () => {
    const bytes = await built();
    const sources = [
      bytes,
      bytes.buffer,
      new WebAssembly.Module(bytes),
      new Response(bytes),
      new Blob([bytes]),
    ];
    for (const source of sources) {
      const suite = await loadWasmSuite(source, random);
      expect(toHex(suite.hash('sha256'))).toBe(SHA256_OF_NOTHING);
      expect(suite.name).toBe('wasm');
    }
  });

  it('gives each suite a memory of its own', async () => {
    const module = new WebAssembly.Module(await built());
    const one = await loadWasmSuite(module, random);
    const other = await loadWasmSuite(module, random);
    expect(one.esp.slots[0]!.bytes.buffer).not.toBe(other.esp.slots[0]!.bytes.buffer);
  });

  it('rejects what is no module', async () => {
    await expect(loadWasmSuite(new Uint8Array([1, 2, 3]), random)).rejects.toThrow(
      WebAssembly.CompileError,
    );
  });
});

describe('bestBuild', () => {
  const known = (...instructions: readonly number[][]) => {
    vi.spyOn(WebAssembly, 'validate').mockImplementation((module) => {
      const text = new Uint8Array(module as Uint8Array<ArrayBuffer>).join();
      return [[0, 97, 115, 109, 1, 0, 0, 0], ...instructions].some((end) =>
        text.endsWith(end.join()),
      );
    });
  };
  const POPCNT = [253, 98, 11];
  const RELAXED_SWIZZLE = [253, 128, 2, 11];

  it('takes the best that the engine knows', () => {
    known(POPCNT, RELAXED_SWIZZLE);
    expect(bestBuild()).toBe('relaxed');
    known(POPCNT);
    expect(bestBuild()).toBe('strict');
    known();
    expect(bestBuild()).toBe('none');
  });

  it('probes with modules that are valid', () => {
    // wasm-suite.ts has switched relaxed SIMD on.
    expect(bestBuild()).toBe('relaxed');
  });

  it('says so where WebAssembly is missing', () => {
    vi.stubGlobal('WebAssembly', undefined);
    expect(() => bestBuild()).toThrow(/WebAssembly/);
    vi.unstubAllGlobals();
  });
});

describe.each(WASM_BUILDS)('the module, %s', (build) => {
  it('imports nothing and cannot grow', async () => {
    const module = await wasmModule(build);
    expect(WebAssembly.Module.imports(module)).toEqual([]);
    const { memory } = await instantiate(module);
    expect(() => memory.grow(1)).toThrow(RangeError);
  });

  it('exports no other functions than the loader calls', async () => {
    const functions = WebAssembly.Module.exports(await wasmModule(build))
      .filter(({ kind }) => kind === 'function')
      .map(({ name }) => name);
    expect(functions.toSorted()).toEqual([
      ...['cbcDecrypt', 'cbcEncrypt', 'cbcStart', 'closeContext', 'hashFinish', 'hashStart'],
      ...['hashUpdate', 'hmacFinish', 'hmacStart', 'open', 'openContext', 'seal'],
      ...['wipePrimitives', 'wipeSlots'],
    ]);
  });
});
