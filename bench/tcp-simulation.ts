/**
 * Two of our stacks over a simulated link, in virtual time: what each congestion control makes of it.
 *
 *     node --import tsx bench/tcp-simulation.ts [--seconds 20] [--seeds 5] [--only WORD] [--algorithm NAME] [--wakes MS]
 *
 * Prints one line for each link and algorithm, medians over the seeds. Virtual time: the machine's speed does not
 * count. Goodput is what the reader got after the first 3 s. `--wakes`: the sender's thread sees timers and packets only every so
 * many milliseconds, as where something else keeps it busy.
 */
import { parseArgs } from 'node:util';
import type { Algorithm } from '../shared/ip/tcp/congestion/control.ts';
import { DEFAULT_TCP_LIMITS } from '../shared/ip/tcp/environment.ts';
import type { Millis } from '../shared/wire/bytes.ts';
import type { LinkOptions } from '../tests/support/link.ts';
import { Upload } from '../tests/support/upload.ts';

interface Outcome {
  /** Mbit/s. */
  readonly goodput: number;
  /** Mean wait at the bottleneck after the first 3 s. */
  readonly queue: Millis;
  /** Longest time in which nothing new reached the reader. */
  readonly stall: Millis;
  readonly dropped: number;
}

const MEGABIT = 125;
const WARM_UP: Millis = 3000;

const links: Record<string, Omit<LinkOptions, 'seed'>> = {
  '50 ms, no loss': { latency: 25 },
  '50 ms, 0.1 % loss': { latency: 25, loss: 0.001 },
  '50 ms, 1 % loss': { latency: 25, loss: 0.01 },
  '50 ms, 100 Mbit/s, no loss': { latency: 25, rate: 100 * MEGABIT, buffer: 625_000 },
  '50 ms, 100 Mbit/s, 1 % loss': {
    latency: 25,
    rate: 100 * MEGABIT,
    buffer: 625_000,
    loss: 0.01,
  },
  '50 ms, 50 Mbit/s, 100 ms buffer': { latency: 25, rate: 50 * MEGABIT, buffer: 625_000 },
  '50 ms, 50 Mbit/s, 10 ms buffer': { latency: 25, rate: 50 * MEGABIT, buffer: 62_500 },
  '20 ms, 10 Mbit/s, 500 ms buffer': { latency: 10, rate: 10 * MEGABIT, buffer: 625_000 },
};

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    seeds: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    algorithm: { type: 'string', default: '' },
    wakes: { type: 'string', default: '0' },
  },
});

const seeds = Number(values.seeds);
const until = 1000 * Number(values.seconds);

console.log('link                              algorithm  Mbit/s  queue ms  stall ms  dropped');
for (const [name, link] of Object.entries(links)) {
  if (!name.includes(values.only)) continue;
  for (const congestion of ['cubic', 'bbr'] as const) {
    if (!congestion.includes(values.algorithm)) continue;
    const outcomes: Outcome[] = [];
    for (let seed = 1; seed <= seeds; seed++) {
      // Without chance in the link every seed would be the same run.
      outcomes.push(run({ ...link, seed }, congestion));
      if (link.loss === undefined && congestion === 'cubic') break;
    }
    const figures = [
      median(outcomes.map((each) => each.goodput))
        .toFixed(1)
        .padStart(6),
      median(outcomes.map((each) => each.queue))
        .toFixed(1)
        .padStart(9),
      Math.max(...outcomes.map((each) => each.stall))
        .toFixed(0)
        .padStart(9),
      median(outcomes.map((each) => each.dropped))
        .toFixed(0)
        .padStart(8),
    ];
    console.log(`${name.padEnd(34)}${congestion.padEnd(10)} ${figures.join(' ')}`);
  }
}

/** One upload for the whole time. */
function run(link: LinkOptions, congestion: Algorithm): Outcome {
  const wakes = Number(values.wakes);
  const upload = new Upload(link, { ...DEFAULT_TCP_LIMITS, congestion }, 1400, wakes);
  upload.run(WARM_UP);
  const { up } = upload.pair;
  const { waited, passed } = up;
  const goodput = upload.run(until - WARM_UP);
  return {
    goodput,
    queue: up.passed > passed ? (up.waited - waited) / (up.passed - passed) : 0,
    stall: upload.stall,
    dropped: up.dropped,
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
