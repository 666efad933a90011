/** The figures in `docs/benchmarks.md`: tables between two marks, the same that the run has printed. */
import type { Row } from './harness/results.ts';
import { tables } from './harness/table.ts';

const BEGIN = '<!-- figures -->\n';
const END = '<!-- end of figures -->\n';

/** The page with the rows in the place of the figures it had. Throws where it has no place for them. */
export function withFigures(page: string, rows: readonly Row[]): string {
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from < 0 || to < from) throw new Error(`no place between ${BEGIN} and ${END}`);
  return `${page.slice(0, from + BEGIN.length)}\n${tables(rows)}\n\n${page.slice(to)}`;
}
