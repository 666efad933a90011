/**
 * Compiles wasm/assembly to wasm/build/culvert.{relaxed,strict,none}.wasm, when a source, this script or the compiler is
 * newer than one of them. Run as a script or call `buildWasm`. Others may read a module, or build it, at the same time:
 * it appears by a rename.
 */
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCES = join(ROOT, 'wasm', 'assembly');
const COMPILER = join(ROOT, 'node_modules', 'assemblyscript', 'package.json');
const DIRECTORY = join(ROOT, 'wasm', 'build');

/** 64 KiB each; the compiler refuses the number when wasm/assembly/layout.ts outgrows it. */
const MEMORY_PAGES = '27';

const OPTIONS = [
  ...['--runtime', 'stub'],
  '-O3',
  '--noAssert',
  ...['--use', 'abort='],
  ...['--initialMemory', MEMORY_PAGES],
  ...['--maximumMemory', MEMORY_PAGES],
  // "Exchange of 'v128' values is not supported by all embeddings": none leaves the module.
  ...['--disableWarning', '112'],
];

/** What each build may use; wasm/module.ts chooses among them. */
const BUILDS = {
  relaxed: ['--enable', 'simd', '--enable', 'relaxed-simd'],
  strict: ['--enable', 'simd'],
  none: [],
};

/** The modules' paths by build, after building those that are missing or stale. Throws with the compiler's messages. */
export async function buildWasm() {
  const changed = await lastChange();
  await mkdir(DIRECTORY, { recursive: true });
  const paths = {};
  for (const [build, features] of Object.entries(BUILDS)) {
    paths[build] = join(DIRECTORY, `culvert.${build}.wasm`);
    if ((await modified(paths[build])) < changed) await compile(paths[build], features);
  }
  return paths;
}

async function compile(target, features) {
  const { default: asc } = await import('assemblyscript/asc');
  const unfinished = `${target}.${process.pid}.${Date.now()}`;
  const entry = join(SOURCES, 'index.ts');
  try {
    const { error, stderr } = await asc.main([
      relative(ROOT, entry),
      ...['--outFile', relative(ROOT, unfinished)],
      ...['--baseDir', ROOT],
      ...OPTIONS,
      ...features,
    ]);
    if (error !== null) throw new Error(`wasm/assembly does not compile\n${stderr.toString()}`);
    await rename(unfinished, target);
  } finally {
    await rm(unfinished, { force: true });
  }
}

/** When anything changed that the modules are made from. */
async function lastChange() {
  const names = await readdir(SOURCES, { recursive: true });
  const inputs = [fileURLToPath(import.meta.url), COMPILER];
  for (const name of names) inputs.push(join(SOURCES, name));
  return Math.max(...(await Promise.all(inputs.map(modified))));
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
