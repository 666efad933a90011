/**
 * Compiles wasm/assembly to wasm/build/culvert.wasm, when a source, this script or the compiler is newer than it. Run as
 * a script or call `buildWasm`. Others may read the module, or build it, at the same time: it appears by a rename.
 */
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCES = join(ROOT, 'wasm', 'assembly');
const COMPILER = join(ROOT, 'node_modules', 'assemblyscript', 'package.json');
const TARGET = join(ROOT, 'wasm', 'build', 'culvert.wasm');

/** 64 KiB each; the compiler refuses the number when wasm/assembly/layout.ts outgrows it. */
const MEMORY_PAGES = '18';

const OPTIONS = [
  ...['--runtime', 'stub'],
  '-O3',
  '--noAssert',
  ...['--enable', 'simd'],
  ...['--use', 'abort='],
  ...['--initialMemory', MEMORY_PAGES],
  ...['--maximumMemory', MEMORY_PAGES],
  // "Exchange of 'v128' values is not supported by all embeddings": none leaves the module.
  ...['--disableWarning', '112'],
];

/** The module's path, after building it where it is missing or stale. Throws with the compiler's messages. */
export async function buildWasm() {
  if (await isCurrent()) return TARGET;
  const { default: asc } = await import('assemblyscript/asc');
  const directory = join(ROOT, 'wasm', 'build');
  await mkdir(directory, { recursive: true });
  const unfinished = join(directory, `culvert.${process.pid}.${Date.now()}.wasm`);
  const entry = join(SOURCES, 'index.ts');
  try {
    const { error, stderr } = await asc.main([
      relative(ROOT, entry),
      ...['--outFile', relative(ROOT, unfinished)],
      ...['--baseDir', ROOT],
      ...OPTIONS,
    ]);
    if (error !== null) throw new Error(`wasm/assembly does not compile\n${stderr.toString()}`);
    await rename(unfinished, TARGET);
  } finally {
    await rm(unfinished, { force: true });
  }
  return TARGET;
}

async function isCurrent() {
  const built = await modified(TARGET);
  const names = await readdir(SOURCES, { recursive: true });
  const inputs = [fileURLToPath(import.meta.url), COMPILER];
  for (const name of names) inputs.push(join(SOURCES, name));
  for (const input of inputs) if ((await modified(input)) > built) return false;
  return true;
}

/** Milliseconds since the epoch; 0 for a file that does not exist. */
async function modified(path) {
  try {
    return (await stat(path)).mtimeMs;
  } catch {
    return 0;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildWasm();
