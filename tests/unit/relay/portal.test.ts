import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ensurePortal, PortalBuildError, portalState } from '../../../relay/portal.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-portal-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const BUILD_OK = 'mkdir -p dist/portal && echo built > dist/portal/index.html';

function project(build: string): string {
  mkdirSync(join(folder, 'web/ui'), { recursive: true });
  writeFileSync(join(folder, 'web/ui/view.ts'), '');
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ scripts: { build } }));
  return folder;
}

/** Makes the source `seconds` newer than now. */
function touch(file: string, seconds: number): void {
  const time = Date.now() / 1000 + seconds;
  utimesSync(join(folder, file), time, time);
}

test('is run when missing, and again only when stale and asked for', async () => {
  const at = project(BUILD_OK);
  const said: string[] = [];
  const say = (line: string): void => {
    said.push(line);
  };
  expect(portalState(at)).toBe('missing');
  expect(await ensurePortal(false, say, at)).toBe(join(at, 'dist/portal'));
  expect(portalState(at)).toBe('fresh');
  await ensurePortal(true, say, at);
  expect(said).toHaveLength(1);

  touch('dist/portal/index.html', -60);
  expect(portalState(at)).toBe('stale');
  await ensurePortal(false, say, at);
  expect(said).toHaveLength(1);
  await ensurePortal(true, say, at);
  expect(said).toHaveLength(2);
  expect(portalState(at)).toBe('fresh');
});

test('a module that a test run compiled does not make it stale', async () => {
  const at = project(BUILD_OK);
  await ensurePortal(false, () => {}, at);
  mkdirSync(join(at, 'wasm/build'), { recursive: true });
  writeFileSync(join(at, 'wasm/build/culvert.strict.wasm'), '');
  touch('wasm/build/culvert.strict.wasm', 60);
  expect(portalState(at)).toBe('fresh');
});

test('a new lock file makes it stale', async () => {
  const at = project(BUILD_OK);
  await ensurePortal(false, () => {}, at);
  writeFileSync(join(at, 'package-lock.json'), '{}');
  touch('package-lock.json', 60);
  expect(portalState(at)).toBe('stale');
});

test.each([
  ['fails', 'exit 3', /\(3\)/],
  ['leaves nothing', 'true', /left no/],
])('stops the start when it %s', async (_what, build, words) => {
  const started = ensurePortal(true, () => {}, project(build));
  await expect(started).rejects.toThrow(PortalBuildError);
  await expect(started).rejects.toThrow(words);
});
