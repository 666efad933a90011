/** Rows as a table for the screen and, with bars around its cells, for Markdown. */
import type { Row } from './results.ts';

/** Lines of Markdown, one table per bench, place and unit, columns padded. */
export function tables(rows: readonly Row[]): string {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const title = `${row.bench}, ${row.where}, ${row.unit}`;
    groups.set(title, [...(groups.get(title) ?? []), row]);
  }
  return [...groups].map(([title, group]) => `${title}:\n\n${table(group)}`).join('\n\n');
}

/** A peer's cell is its figure, and in brackets how many times better ours is. */
function table(rows: readonly Row[]): string {
  const peers = [...new Set(rows.flatMap((row) => Object.keys(row.peers)))];
  const lines = [
    ['case', 'ours', ...peers, 'spread'],
    ...rows.map((row) => [
      row.case,
      figure(row.ours),
      ...peers.map((name) => peerCell(row, name)),
      `${Math.round(100 * row.spread)} %`,
    ]),
  ];
  const widths = lines[0]!.map((_, column) =>
    Math.max(...lines.map((cells) => cells[column]!.length)),
  );
  const rule = widths.map((width) => '-'.repeat(width));
  return [lines[0]!, rule, ...lines.slice(1)]
    .map((cells) => `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`)
    .join('\n');
}

function peerCell({ peers, ratios }: Row, name: string): string {
  const theirs = peers[name];
  if (theirs === undefined) return '';
  const ratio = ratios[name];
  return ratio === undefined ? figure(theirs) : `${figure(theirs)} (× ${figure(ratio)})`;
}

/** Three digits, and no more after the point than that. */
export function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}
