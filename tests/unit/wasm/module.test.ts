import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { buildWasm } from '../../../scripts/build-wasm.mjs';
import { toHex } from '../../../shared/wire/bytes.ts';
import { loadWasmSuite } from '../../../wasm/index.ts';
import { instantiate } from '../../../wasm/module.ts';
import { SeededRandom } from '../../support/random.ts';

const SHA256_OF_NOTHING = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const random = new SeededRandom(40);

async function built() {
  const file = await readFile(await buildWasm());
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

  it('says so where SIMD is missing', async () => {
    vi.spyOn(WebAssembly, 'validate').mockReturnValue(false);
    await expect(loadWasmSuite(await built(), random)).rejects.toThrow(/SIMD/);
  });
});

describe('the module', () => {
  it('imports nothing and cannot grow', async () => {
    const module = new WebAssembly.Module(await built());
    expect(WebAssembly.Module.imports(module)).toEqual([]);
    const { memory } = await instantiate(module);
    expect(() => memory.grow(1)).toThrow(RangeError);
  });

  it('exports no other functions than the loader calls', async () => {
    const module = new WebAssembly.Module(await built());
    const functions = WebAssembly.Module.exports(module)
      .filter(({ kind }) => kind === 'function')
      .map(({ name }) => name);
    expect(functions.toSorted()).toEqual([
      ...['cbcDecrypt', 'cbcEncrypt', 'cbcStart', 'closeContext', 'eraseIvs', 'hashFinish'],
      ...['hashStart', 'hashUpdate', 'hmacFinish', 'hmacStart', 'modExp', 'open', 'openContext'],
      ...['seal', 'seedIvs', 'wipePrimitives', 'wipeSlots'],
    ]);
  });
});
