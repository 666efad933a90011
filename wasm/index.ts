/**
 * The fast implementation of `CipherSuite`: one WebAssembly instance, for one tunnel, with every cipher, hash and the
 * ESP packet path inside. AES and its key expansion take the same time whatever the key; 3DES does not.
 */
import type { CipherSuite } from '../shared/crypto/suite.ts';
import type { Random } from '../shared/wire/bytes.ts';
import { wasmEspEngine } from './esp.ts';
import { instantiate, type WasmSource } from './module.ts';
import { wasmPrimitives } from './primitives.ts';

export type { WasmSource } from './module.ts';

/**
 * Loads the module that `npm run build:wasm` writes. CBC IVs come from `random`. Rejects with an `Error` where
 * WebAssembly or its SIMD instructions are missing.
 */
export async function loadWasmSuite(source: WasmSource, random: Random): Promise<CipherSuite> {
  const wasm = await instantiate(source);
  return { ...wasmPrimitives(wasm), name: 'wasm', esp: wasmEspEngine(wasm, random) };
}
