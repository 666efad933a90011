import { readFile } from 'node:fs/promises';
import { buildWasm } from '../../scripts/build-wasm.mjs';
import type { CipherSuite } from '../../shared/crypto/suite.ts';
import type { Random } from '../../shared/wire/bytes.ts';
import { loadWasmSuite } from '../../wasm/index.ts';

/** A suite of its own over the current sources, which are built first where necessary. */
export async function wasmSuite(random: Random): Promise<CipherSuite> {
  return loadWasmSuite(await readFile(await buildWasm()), random);
}
