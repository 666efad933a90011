import { readFile, stat } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { buildWasm } from '../../../scripts/build-wasm.mjs';
import { kernels } from '../../../wasm/generate/index.ts';
import { WASM_BUILDS } from '../../support/wasm-suite.ts';

/** Bytes that a module may take on its way to the page. */
const MOST_GZIPPED = 40_000;

it('builds once and then leaves the modules alone', async () => {
  const paths = Object.values(await buildWasm());
  const modified = () => Promise.all(paths.map(async (path) => (await stat(path)).mtimeMs));
  const before = await modified();
  expect(Object.values(await buildWasm())).toEqual(paths);
  expect(await modified()).toEqual(before);
});

it.each(WASM_BUILDS)('keeps the module small: %s', async (build) => {
  const module = await readFile((await buildWasm())[build]);
  expect(gzipSync(module, { level: 9 }).length).toBeLessThanOrEqual(MOST_GZIPPED);
});

it('has generated kernels that are what the generator writes', async () => {
  for (const [name, text] of kernels()) {
    const file = new URL(`../../../wasm/assembly/generated/${name}`, import.meta.url);
    // Compared as a boolean: a difference of thousands of lines tells nobody anything.
    expect([name, (await readFile(file, 'utf8')) === text]).toEqual([name, true]);
  }
});
