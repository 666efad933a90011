/**
 * The fast implementation of `CipherSuite`: one WebAssembly instance, for one tunnel, with every cipher, hash and the
 * ESP packet path inside. There are three builds of it, which do the same at different speeds. AES and its key expansion take
 * the same time whatever the key; 3DES does not.
 */
import type { CipherSuite } from '../shared/crypto/suite.ts';
import type { Random } from '../shared/wire/bytes.ts';
import { wasmEspEngine } from './esp.ts';
import { instantiate, type WasmSource } from './module.ts';
import { wasmPrimitives } from './primitives.ts';

export { BUILDS, type Build, bestBuild, type WasmSource } from './module.ts';

/**
 * Makes a suite of one of the modules that `npm run build:wasm` writes, the one of `bestBuild`. CBC IVs come from
 * `random`. Rejects with a `CompileError` where the engine does not know the module's instructions.
 */
export async function loadWasmSuite(source: WasmSource, random: Random): Promise<CipherSuite> {
  const wasm = await instantiate(source);
  return { ...wasmPrimitives(wasm), name: 'wasm', esp: wasmEspEngine(wasm, random) };
}
