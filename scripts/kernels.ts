/** `npm run kernels`: writes wasm/assembly/generated, those files that are not current. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kernels } from '../wasm/generate/index.ts';
import { ROOT } from './support/vitest.ts';

const directory = join(ROOT, 'wasm', 'assembly', 'generated');
await mkdir(directory, { recursive: true });
for (const [name, text] of kernels()) {
  const path = join(directory, name);
  const current = await readFile(path, 'utf8').catch(() => undefined);
  if (current !== text) await writeFile(path, text);
}
