/** Cryptography for the gateway: one compiled module, and an instance of it for every client. */
import { webcrypto } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { buildWasm } from '../scripts/build-wasm.mjs';
import type { CipherSuite } from '../shared/crypto/suite.ts';
import type { EspEngine } from '../shared/esp/engine.ts';
import type { Random } from '../shared/wire/bytes.ts';
import { bestBuild, wasmSuiteOf } from '../wasm/index.ts';

/** Most engines that wait for their next client: an instance has 2 MB. */
const SPARE_ENGINES = 16;

export const random: Random = {
  bytes: (length) => webcrypto.getRandomValues(new Uint8Array(length)),
};

export interface Suites {
  readonly primitives: CipherSuite;
  engine(): EspEngine;
  released(engine: EspEngine): void;
}

/** Compiles the module, after building it where it is missing or stale. */
export async function loadSuites(): Promise<Suites> {
  const paths = await buildWasm();
  const module = await WebAssembly.compile(await readFile(paths[bestBuild()]));
  const spare: EspEngine[] = [];
  return {
    primitives: wasmSuiteOf(module, random),
    engine: () => spare.pop() ?? wasmSuiteOf(module, random).esp,
    released: (engine) => {
      if (spare.length < SPARE_ENGINES) spare.push(engine);
    },
  };
}
