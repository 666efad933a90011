/**
 * The fast implementation of `CipherSuite`: one WebAssembly instance, for one tunnel, with every cipher, hash, the
 * key exchange's exponentiation and the ESP packet path inside. There are three builds of it, which do the same at different speeds. No
 * secret decides which instructions run or which addresses they touch (tests/unit/wasm/constant-time.test.ts), except in 3DES.
 */
import type { CipherSuite } from '../shared/crypto/suite.ts';
import type { Random } from '../shared/wire/bytes.ts';
import { wasmEspEngine } from './esp.ts';
import { instantiate, type Wasm, type WasmSource } from './module.ts';
import { wasmPrimitives } from './primitives.ts';

export { BUILDS, type Build, bestBuild, type WasmSource } from './module.ts';

/**
 * Makes a suite of one of the modules that `npm run build:wasm` writes, the one of `bestBuild`. `random` seeds the generator of
 * CBC's IVs. Rejects with a `CompileError` where the engine does not know the module's instructions.
 */
export async function loadWasmSuite(source: WasmSource, random: Random): Promise<CipherSuite> {
  return suiteOf(await instantiate(source), random);
}

/** The same of a module that is compiled already, at once: for whoever needs one suite after the other. */
export function wasmSuiteOf(module: WebAssembly.Module, random: Random): CipherSuite {
  return suiteOf(new WebAssembly.Instance(module).exports as unknown as Wasm, random);
}

function suiteOf(wasm: Wasm, random: Random): CipherSuite {
  return { ...wasmPrimitives(wasm), name: 'wasm', esp: wasmEspEngine(wasm, random) };
}
