import { readFile } from 'node:fs/promises';
import { buildWasm } from '../../scripts/build-wasm.mjs';
import type { CipherSuite } from '../../shared/crypto/suite.ts';
import type { Random } from '../../shared/wire/bytes.ts';
import { loadWasmSuite } from '../../wasm/index.ts';

let compiled: Promise<WebAssembly.Module> | undefined;

/** A suite of its own over the current sources, which are built first where necessary. */
export async function wasmSuite(random: Random): Promise<CipherSuite> {
  compiled ??= compile();
  return loadWasmSuite(await compiled, random);
}

async function compile(): Promise<WebAssembly.Module> {
  return new WebAssembly.Module(await readFile(await buildWasm()));
}
