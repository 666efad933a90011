/** Sees to it that the portal is built before the relay serves it. */
import { spawn } from 'node:child_process';
import { readdirSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Millis } from '../shared/wire/bytes.ts';

/** The project's folder. */
const PROJECT: string = fileURLToPath(new URL('..', import.meta.url));

const BUILT = 'dist/portal';

/** What the portal is built from; tests and documents are not among it. */
const SOURCES = ['web', 'shared', 'wasm', 'package-lock.json', 'vite.config.ts'];

/** A result itself, which test runs renew as well. */
const COMPILED = join('wasm', 'build');

/** The build failed; its output has been shown. */
export class PortalBuildError extends Error {
  override readonly name = 'PortalBuildError';
}

/** How the built portal compares with its sources. */
export function portalState(project: string): 'missing' | 'stale' | 'fresh' {
  const built = status(join(project, BUILT, 'index.html'));
  if (built === undefined) return 'missing';
  const newest = Math.max(...SOURCES.map((source) => newestChange(project, source)));
  return newest > built.mtimeMs ? 'stale' : 'fresh';
}

/**
 * The folder of the built portal, after building it where it is missing, or stale when `rebuild` is set.
 * `say` gets plain words for whoever waits. Rejects with `PortalBuildError`.
 */
export async function ensurePortal(
  rebuild: boolean,
  say: (line: string) => void,
  project: string = PROJECT,
): Promise<string> {
  const state = portalState(project);
  if (state === 'missing' || (state === 'stale' && rebuild)) {
    say(
      state === 'missing'
        ? 'Building the portal; this happens once and takes a moment …'
        : 'The portal’s sources have changed; building it again …',
    );
    await build(project);
    if (portalState(project) === 'missing') {
      throw new PortalBuildError(`The build left no ${BUILT}/index.html.`);
    }
  }
  return join(project, BUILT);
}

/** Runs the build with its output on standard error, and takes it along when the relay is told to stop. */
function build(project: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('npm', ['run', '-s', 'build'], {
      cwd: project,
      stdio: ['ignore', 2, 2],
      shell: process.platform === 'win32',
    });
    const stop = (): void => {
      child.kill();
    };
    process.once('SIGTERM', stop);
    child.once('error', (error) => {
      process.off('SIGTERM', stop);
      reject(new PortalBuildError(`The portal could not be built: ${error.message}.`));
    });
    child.once('exit', (code, signal) => {
      process.off('SIGTERM', stop);
      if (code === 0) resolve();
      else reject(new PortalBuildError(`The portal could not be built (${signal ?? code}).`));
    });
  });
}

/** The latest modification of a source, or of anything in it; 0 where there is nothing. */
function newestChange(project: string, source: string): Millis {
  const path = join(project, source);
  const found = status(path);
  if (found === undefined) return 0;
  if (!found.isDirectory()) return found.mtimeMs;
  let newest = 0;
  for (const entry of readdirSync(path, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || entry.parentPath.startsWith(join(project, COMPILED))) continue;
    newest = Math.max(newest, status(join(entry.parentPath, entry.name))?.mtimeMs ?? 0);
  }
  return newest;
}

function status(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}
