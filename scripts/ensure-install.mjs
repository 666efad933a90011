/**
 * Installs the packages when they are not the ones the lock file names, builds the relay's addon where that is
 * possible and due, and says nothing otherwise.
 * Runs before `npm start`, `npm test` and the rest, so it may import nothing that is not Node's own.
 * Everything it says goes to standard error: the standard output of `npm run -s dial` is the body.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildAddon } from './build-addon.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const LOCK_FILE = join(ROOT, 'package-lock.json');
/** Inside node_modules: `npm ci` deletes it first, so a failed install leaves none. */
const STAMP = join(ROOT, 'node_modules', '.culvert-install');
/** npm's own record of what it installed, written when an install has succeeded. */
const NPM_RECORD = join(ROOT, 'node_modules', '.package-lock.json');
const RUNTIME = `${process.version} ${process.platform} ${process.arch}\n`;
const MUTEX = join(ROOT, '.cache', 'install.pid');
const MUTEX_WAIT_MS = 600_000;
const MUTEX_POLL_MS = 200;

if (!isComplete()) {
  acquireMutex();
  try {
    // Another process may have installed while this one waited.
    if (!isComplete()) install();
  } finally {
    rmSync(MUTEX, { force: true });
  }
}
buildAddon();

function isComplete() {
  const stamp = read(STAMP);
  if (stamp === fingerprint()) return true;
  // Packages with native code belong to one Node version and platform.
  if (stamp !== undefined && !stamp.startsWith(RUNTIME)) return false;
  // Installed by hand (`npm install`, `npm ci`): npm's record says the same, so adopt it.
  if (!npmRecordMatches()) return false;
  writeFileSync(STAMP, fingerprint());
  return true;
}

function fingerprint() {
  return RUNTIME + createHash('sha256').update(readFileSync(LOCK_FILE)).digest('hex');
}

/** Whether npm's record holds every package of the lock file, in the same version. */
function npmRecordMatches() {
  const record = read(NPM_RECORD);
  if (record === undefined) return false;
  const installed = JSON.parse(record).packages;
  const wanted = JSON.parse(readFileSync(LOCK_FILE, 'utf8')).packages;
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    if (path === '') return true;
    const found = installed[path];
    // An optional package for another platform is not installed.
    if (found === undefined) return optional === true;
    return found.version === version && found.integrity === integrity;
  });
}

function install() {
  console.error('Culvert: installing the packages of package-lock.json (npm ci) …');
  rmSync(STAMP, { force: true });
  const started = performance.now();
  const npm = process.env.npm_execpath;
  // `npm run -s` hands its silence down; the reason of a failure must be seen.
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const options = { cwd: ROOT, stdio: ['ignore', 2, 2] };
  const { status, error } = npm?.endsWith('.js')
    ? spawnSync(process.execPath, [npm, ...args], options)
    : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
  if (status !== 0) {
    const reason = error?.message ?? `npm ci ended with status ${status}`;
    console.error(`Culvert: the packages could not be installed: ${reason}.`);
    console.error('Culvert: check the network and the output above, then run the command again.');
    rmSync(MUTEX, { force: true });
    process.exit(1);
  }
  writeFileSync(STAMP, fingerprint());
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.error(`Culvert: packages installed in ${seconds} s.`);
}

/** One install at a time: two `npm ci` in one folder delete each other's files. */
function acquireMutex() {
  mkdirSync(dirname(MUTEX), { recursive: true });
  const giveUpAt = Date.now() + MUTEX_WAIT_MS;
  let told = false;
  while (!createMutex()) {
    const holder = Number(read(MUTEX));
    if (holder > 0 && !isRunning(holder)) rmSync(MUTEX, { force: true });
    if (Date.now() > giveUpAt) {
      console.error(`Culvert: process ${holder} has been installing for too long; see ${MUTEX}.`);
      process.exit(1);
    }
    if (!told) console.error('Culvert: waiting for another install to finish …');
    told = true;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, MUTEX_POLL_MS);
  }
}

function createMutex() {
  try {
    const file = openSync(MUTEX, 'wx');
    writeFileSync(file, String(process.pid));
    closeSync(file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
