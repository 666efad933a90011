/** The plots of the docs: which rows each shows. */
import { fileURLToPath } from 'node:url';
import { barChart } from './harness/plot.ts';
import type { Row } from './harness/results.ts';
import { OURS_ALONE } from './relay/contenders.ts';

interface Plot {
  readonly name: string;
  readonly title: string;
  readonly shows: (row: Row) => boolean;
  /** A peer that is one of its own bars already. */
  readonly leavesOut?: string;
}

/** Cases of the build that is chosen have no name of a build behind them. */
const isBatch = ({ bench, case: name }: Row): boolean =>
  bench === 'esp' && /batch of \d+$/.test(name);

const PLOTS: readonly Plot[] = [
  {
    name: 'esp',
    title: 'ESP packets of 1,400 bytes in a Chromium worker, whole seal and open, batches of 32',
    shows: (row) => isBatch(row) && row.where === 'Chromium',
  },
  {
    name: 'relay',
    title: 'The relay: processor time for each packet of 1,400 bytes',
    shows: ({ bench, case: name }) => bench === 'relay' && /, (1|1,000) sessions?$/.test(name),
    leavesOut: OURS_ALONE,
  },
  {
    name: 'tunnel',
    title: 'A file over HTTP: Chromium, relay, gateway, nginx',
    shows: ({ bench }) => bench === 'tunnel',
  },
];

function without(row: Row, peer: string | undefined): Row {
  const peers = Object.entries(row.peers).filter(([name]) => name !== peer);
  return { ...row, peers: Object.fromEntries(peers) };
}

/** The pictures for which there are rows, by file. */
export function plots(rows: readonly Row[]): Record<string, string> {
  const drawn: Record<string, string> = {};
  for (const { name, title, shows, leavesOut } of PLOTS) {
    const shown = rows.filter(shows).map((row) => without(row, leavesOut));
    const file = fileURLToPath(new URL(`../docs/images/bench-${name}.svg`, import.meta.url));
    if (shown.length > 0) drawn[file] = barChart(title, shown);
  }
  return drawn;
}
