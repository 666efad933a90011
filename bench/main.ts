/**
 * `npm run bench`: what the fast path costs beside what others would use, all of one figure in the same run. Prints
 * tables, and writes `bench/results.json` and the figures and plots of the docs. Parts that were not run keep their figures.
 *
 *     npm run bench -- [esp] [relay] [frames] [tunnel] [tcp] [--only TEXT] [--rounds N] [--megabytes N] [--seconds N]
 *
 * `--only`: the steps whose titles contain TEXT.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { withFigures } from './figures.ts';
import { prepare } from './harness/needs.ts';
import { runPart } from './harness/part.ts';
import { merged, type Row } from './harness/results.ts';
import { readRows, writeRows } from './harness/results-file.ts';
import { tables } from './harness/table.ts';
import { PARTS } from './parts.ts';
import { plots } from './plots.ts';

const PAGE = fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url));

const USAGE = `npm run bench -- [${PARTS.map(({ name }) => name).join('] [')}] [--only TEXT] [--rounds N] [--megabytes N] [--seconds N]`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '15' },
    megabytes: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '10' },
  },
});
const options = {
  rounds: Number(values.rounds),
  megabytes: Number(values.megabytes),
  seconds: Number(values.seconds),
};
const chosen = PARTS.map((part) => ({
  ...part,
  steps: part.steps.filter(({ title }) => title.includes(values.only)),
})).filter(
  ({ name, steps }) => steps.length > 0 && (positionals.length === 0 || positionals.includes(name)),
);
const unknown = positionals.filter((name) => !PARTS.some((part) => part.name === name));
if (
  unknown.length > 0 ||
  chosen.length === 0 ||
  !(options.rounds >= 1) ||
  !(options.megabytes >= 1) ||
  !(options.seconds >= 4)
) {
  console.error(USAGE);
  process.exit(2);
}

const say = (line: string): void => console.error(`  ${line}`);
for (const { needs, steps } of chosen) {
  for (const step of steps) {
    console.error(step.title);
    const obstacle = await prepare([...needs, ...(step.needs ?? [])], say);
    if (obstacle !== undefined) {
      console.error(`LEFT OUT ${step.title}: ${obstacle}`);
      process.exitCode = 1;
      continue;
    }
    const rows = await runPart(step, options, say);
    if (rows.length === 0) continue;
    console.log(`\n${tables(rows)}\n`);
    keep(rows);
  }
}

function keep(fresh: readonly Row[]): void {
  const rows = merged(readRows(), fresh);
  writeRows(rows);
  for (const [file, picture] of Object.entries(plots(rows))) writeFileSync(file, picture);
  writeFileSync(PAGE, withFigures(readFileSync(PAGE, 'utf8'), rows));
}
