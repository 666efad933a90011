/** `npm run kernels`: writes wasm/assembly/generated. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kernels } from '../wasm/generate/index.ts';
import { ROOT } from './support/vitest.ts';

const directory = join(ROOT, 'wasm', 'assembly', 'generated');
await mkdir(directory, { recursive: true });
for (const [name, text] of kernels()) await writeFile(join(directory, name), text);
