/**
 * Compiles relay/native to relay/native/build/datagrams.node where that is possible: on Linux, with a C compiler
 * (`cc`, or what CC names). Where it is not, nothing is said and the relay uses Node's own sockets. It runs with
 * every install and before every start; what is built already and current is left alone. Called with `--explain`
 * it shows what stood in the way, and fails. It may import nothing that is not Node's own.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCES = join(ROOT, 'relay', 'native');
const BUILD = join(SOURCES, 'build');
const TARGET = join(BUILD, 'datagrams.node');
/** What the last attempt was made from, whether or not it succeeded. */
const STAMP = join(BUILD, 'stamp');

const HEADERS = [
  join(ROOT, 'node_modules', 'node-api-headers', 'include'),
  join(dirname(process.execPath), '..', 'include', 'node'),
];

const OPTIONS = [
  ...['-std=c11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', '-Wpedantic'],
  ...['-fPIC', '-shared', '-fvisibility=hidden'],
];

/** Builds where it must. Answers what stands in the way, `undefined` when the addon is there. */
export function buildAddon() {
  if (process.platform !== 'linux') return 'The addon is for Linux alone.';
  const headers = HEADERS.find((folder) => existsSync(join(folder, 'node_api.h')));
  if (headers === undefined)
    return 'The headers of Node-API are missing (npm package node-api-headers).';
  const compiler = process.env.CC || 'cc';
  const stamp = fingerprint(compiler, headers);
  if (read(STAMP) === stamp && existsSync(TARGET)) return undefined;
  return compile(compiler, headers, stamp);
}

function compile(compiler, headers, stamp) {
  const unfinished = join(BUILD, `datagrams.${process.pid}.node`);
  try {
    mkdirSync(BUILD, { recursive: true });
    const files = sources().filter((path) => path.endsWith('.c'));
    // An addon of other sources is worse than none.
    rmSync(TARGET, { force: true });
    const { status, error, stderr } = spawnSync(
      compiler,
      [...OPTIONS, '-isystem', headers, ...files, '-o', unfinished],
      { encoding: 'utf8' },
    );
    if (status !== 0) return `${compiler} failed: ${error?.message ?? stderr}`;
    // Another process may do the same, or load what is there.
    renameSync(unfinished, TARGET);
    writeFileSync(STAMP, stamp);
    return undefined;
  } catch (error) {
    return error.message;
  } finally {
    rmSync(unfinished, { force: true });
  }
}

function fingerprint(compiler, headers) {
  const hash = createHash('sha256');
  hash.update([process.arch, compiler, headers, ...OPTIONS].join('\n'));
  for (const path of sources()) hash.update(readFileSync(path));
  return hash.digest('hex');
}

function sources() {
  return readdirSync(SOURCES)
    .filter((name) => /[.][ch]$/.test(name))
    .sort()
    .map((name) => join(SOURCES, name));
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const obstacle = buildAddon();
  if (obstacle !== undefined && process.argv.includes('--explain')) {
    console.error(obstacle);
    process.exitCode = 1;
  }
}
