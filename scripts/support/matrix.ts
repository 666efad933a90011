/** The table at the end of the interop tests: which gateway, cipher, transport and way to sign in was tried, and how it went. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

export interface Cell {
  readonly gateway: string;
  readonly cipher: string;
  readonly transport: string;
  readonly signIn: string;
  readonly outcome: 'passed' | 'refused as expected' | 'skipped' | 'failed';
  /** The code of a refusal, or the reason of a skip. */
  readonly note?: string;
  readonly seconds: number;
}

/** Names the file in which the cells of a run gather, one JSON document per line. */
export const MATRIX_VARIABLE = 'CULVERT_MATRIX';

/** Adds a cell; does nothing in a run that shows no table. */
export function recordCell(cell: Cell): void {
  const file = process.env[MATRIX_VARIABLE];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(cell)}\n`);
}

/** The cells in a file, in the order in which they came; none when there is no file. */
export function readCells(file: string): Cell[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line));
}

const HEAD = ['gateway', 'cipher', 'transport', 'sign-in', 'seconds', 'result'] as const;

/** The table as text; empty without cells. */
export function renderMatrix(cells: readonly Cell[]): string {
  if (cells.length === 0) return '';
  const rows = cells.map(({ gateway, cipher, transport, signIn, outcome, note, seconds }) => {
    const result = note === undefined ? outcome : `${outcome}: ${note}`;
    return [gateway, cipher, transport, signIn, seconds.toFixed(1), result];
  });
  const widths = HEAD.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]!.length)));
  const line = (row: readonly string[]) =>
    row
      .map((text, i) => text.padEnd(widths[i]!))
      .join('  ')
      .trimEnd();
  return [line(HEAD), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
