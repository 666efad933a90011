import { buildWasm } from '../../scripts/build-wasm.mjs';

/** Before the first test: builds what is stale, so that no test has to wait for the compiler. */
export async function setup(): Promise<void> {
  await buildWasm();
}
