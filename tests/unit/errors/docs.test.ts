import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ERRORS } from '../../../shared/errors.ts';
import { REFUSALS, UPGRADE_REFUSALS } from '../../../shared/relay/close-codes.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

test('docs/errors.md has every code', () => {
  const page = readFileSync(`${ROOT}/docs/errors.md`, 'utf8');
  const codes = [
    ...Object.keys(ERRORS),
    ...Object.keys(REFUSALS),
    ...Object.keys(UPGRADE_REFUSALS),
  ];
  expect(codes.filter((code) => !page.includes(code))).toEqual([]);
});

test('the generated documents are current', () => {
  execFileSync(process.execPath, ['--import', 'tsx', 'scripts/docs.ts', '--check'], {
    cwd: ROOT,
    stdio: 'pipe',
  });
});
