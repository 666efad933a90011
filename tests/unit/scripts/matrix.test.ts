import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type Cell,
  MATRIX_VARIABLE,
  readCells,
  recordCell,
  renderMatrix,
} from '../../../scripts/support/matrix.ts';

const PASSED: Cell = {
  gateway: 'Linux',
  cipher: 'AES-GCM-16-256',
  transport: 'UDP 4500',
  signIn: 'MS-CHAPv2',
  outcome: 'passed',
  seconds: 1.26,
};
const SKIPPED: Cell = {
  ...PASSED,
  cipher: '-',
  outcome: 'skipped',
  note: 'no kernel for it',
  seconds: 0,
};

describe('the table of gateways', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'culvert-matrix-'));
  });

  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });

  it('gathers cells in a file, in order', () => {
    const file = join(folder, 'cells');
    vi.stubEnv(MATRIX_VARIABLE, file);
    expect(readCells(file)).toEqual([]);
    recordCell(PASSED);
    recordCell(SKIPPED);
    expect(readCells(file)).toEqual([PASSED, SKIPPED]);
  });

  it('needs nobody who reads it', () => {
    vi.stubEnv(MATRIX_VARIABLE, undefined);
    expect(() => recordCell(PASSED)).not.toThrow();
  });

  it('lines up its columns, and tells why something was skipped', () => {
    expect(renderMatrix([PASSED, SKIPPED])).toBe(
      [
        'gateway  cipher          transport  sign-in    seconds  result',
        '-------  --------------  ---------  ---------  -------  -------------------------',
        'Linux    AES-GCM-16-256  UDP 4500   MS-CHAPv2  1.3      passed',
        'Linux    -               UDP 4500   MS-CHAPv2  0.0      skipped: no kernel for it',
      ].join('\n'),
    );
  });

  it('is nothing without cells', () => {
    expect(renderMatrix([])).toBe('');
  });
});
