import { readFile } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { buildWasm } from '../../scripts/build-wasm.mjs';
import type { CipherSuite } from '../../shared/crypto/suite.ts';
import type { Random } from '../../shared/wire/bytes.ts';
import { BUILDS, type Build, loadWasmSuite } from '../../wasm/index.ts';

// Node 20 knows the relaxed SIMD instructions, but not unless it is told to.
setFlagsFromString('--experimental-wasm-relaxed-simd');

const compiled = new Map<Build, Promise<WebAssembly.Module>>();

/** A suite of its own over the current sources, which are built first where necessary. */
export async function wasmSuite(random: Random, build: Build = 'strict'): Promise<CipherSuite> {
  return loadWasmSuite(await wasmModule(build), random);
}

/** The module of one build. */
export function wasmModule(build: Build): Promise<WebAssembly.Module> {
  const known = compiled.get(build) ?? compile(build);
  compiled.set(build, known);
  return known;
}

export const WASM_BUILDS: readonly Build[] = BUILDS;

async function compile(build: Build): Promise<WebAssembly.Module> {
  return new WebAssembly.Module(await readFile((await buildWasm())[build]));
}
