import { stat } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { buildWasm } from '../../../scripts/build-wasm.mjs';

it('builds once and then leaves the module alone', async () => {
  const path = await buildWasm();
  const { mtimeMs } = await stat(path);
  expect(await buildWasm()).toBe(path);
  expect((await stat(path)).mtimeMs).toBe(mtimeMs);
});
