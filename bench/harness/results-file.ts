/** `bench/results.json`: a row per line, so that a change of one figure is a change of one line. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Row } from './results.ts';

const FILE = fileURLToPath(new URL('../results.json', import.meta.url));

/** None before the first run. */
export function readRows(): Row[] {
  return existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : [];
}

export function writeRows(rows: readonly Row[]): void {
  const lines = rows.map((row) => `  ${JSON.stringify(row)}`).join(',\n');
  writeFileSync(`${FILE}.new`, `[\n${lines}\n]\n`);
  renameSync(`${FILE}.new`, FILE);
}
