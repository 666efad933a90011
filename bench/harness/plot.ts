/** Rows as a bar chart in SVG that is readable on a light and on a dark page, as an image too: its style is inside. */
import type { Row } from './results.ts';
import { isMoreBetter } from './results.ts';
import { figure } from './table.ts';

/** Pixels; the chart is drawn for this width and scales. */
const WIDTH = 820;
const MARGIN = 16;
const LABELS = 300;
const FIGURES = 60;
const BAR = 12;
const GAP = 3;
const GROUP_GAP = 12;
const TITLE = 24;
const LEGEND = 24;
/** Of the letters in 12 px, for the legend's places. */
const LETTER = 6.6;

/** Ours first. Contrast with both backgrounds is at least 3 to 1. */
const COLOURS = ['#2f81f7', '#8b949e', '#bf8700', '#a371f7', '#3fa266', '#db6d28'] as const;

const OURS = 'Culvert';

/** A group of bars per row, all rows of one unit on one scale. Throws `RangeError` without rows. */
export function barChart(title: string, rows: readonly Row[]): string {
  if (rows.length === 0) throw new RangeError('rows: none');
  const names = [OURS, ...new Set(rows.flatMap(({ peers }) => Object.keys(peers)))];
  let y = MARGIN + TITLE;
  const parts = [text(MARGIN, MARGIN + 14, title, 'title'), legend(names, y)];
  y += LEGEND;
  for (const unit of new Set(rows.map((row) => row.unit))) {
    const group = rows.filter((row) => row.unit === unit);
    const better = isMoreBetter(unit) ? 'more is better' : 'less is better';
    parts.push(text(MARGIN, y + 12, `${unit}, ${better}`, 'unit'));
    y += 24;
    const most = Math.max(...group.flatMap(({ ours, peers }) => [ours, ...Object.values(peers)]));
    for (const row of group) {
      const bars = names.flatMap((name, index) => {
        const value = name === OURS ? row.ours : row.peers[name];
        return value === undefined ? [] : [{ value, colour: COLOURS[index % COLOURS.length]! }];
      });
      const height = bars.length * (BAR + GAP) - GAP;
      parts.push(text(MARGIN, y + height / 2 + 4, row.case, 'case'));
      for (const { value, colour } of bars) {
        const length = ((WIDTH - 2 * MARGIN - LABELS - FIGURES) * value) / most;
        const x = MARGIN + LABELS;
        parts.push(
          `<rect x="${x}" y="${y}" width="${length.toFixed(1)}" height="${BAR}" rx="2" fill="${colour}"/>`,
          text(x + length + 5, y + BAR - 2, figure(value), 'figure'),
        );
        y += BAR + GAP;
      }
      y += GROUP_GAP;
    }
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" role="img" aria-label="${escaped(title)}">
<style>
text { font: 12px system-ui, Arial, Helvetica, sans-serif; fill: #1f2328; }
.title { font-weight: 600; font-size: 14px; }
.unit { fill: #59636e; }
.figure { font-size: 11px; }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .unit { fill: #9198a1; } }
</style>
${parts.join('\n')}
</svg>
`;
}

function legend(names: readonly string[], y: number): string {
  let x = MARGIN;
  return names
    .map((name, index) => {
      const at = x;
      x += 18 + 14 + LETTER * name.length;
      const colour = COLOURS[index % COLOURS.length]!;
      return `<rect x="${at}" y="${y}" width="12" height="12" rx="2" fill="${colour}"/>${text(at + 17, y + 10, name, 'legend')}`;
    })
    .join('\n');
}

function text(x: number, y: number, content: string, name: string): string {
  return `<text class="${name}" x="${x.toFixed(1)}" y="${y}">${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
