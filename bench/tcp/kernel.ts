/**
 * Our TCP and the kernel's on the same links with the same seeds, in real time: ours to the kernel, the kernel to ours
 * and, for comparison, the kernel to itself. The contestants of a seed run side by side, each on a link of its own, so
 * that what disturbs one disturbs all.
 */
import type { Algorithm } from '../../shared/ip/tcp/congestion/control.ts';
import { KernelHost } from '../../tests/interop/support/kernel-host.ts';
import { sweep } from '../../tests/interop/support/namespace.ts';
import { realClock } from '../../tests/support/net/clock.ts';
import { OwnHost } from '../../tests/support/net/own-host.ts';
import type { TcpHost } from '../../tests/support/net/work.ts';
import { answer } from '../harness/part.ts';
import { type Row, rowOf } from '../harness/results.ts';
import { MTU } from './shape.ts';
import { type Conditions, type Reading, transfer } from './trial.ts';

const SEEDS = 5;

/** A link of `megabits` in front of which packets wait for up to `wait` ms. */
function link(megabits: number, wait: number, loss = 0): Conditions {
  return { rate: 125 * megabits, buffer: 125 * megabits * wait, loss };
}

interface Case {
  readonly title: string;
  readonly algorithm: Algorithm;
  readonly conditions: Conditions;
  /** Contestants at once: all seeds together where a flow is small. */
  readonly allSeedsAtOnce: boolean;
  readonly downloads: boolean;
  readonly queue: boolean;
}

const ALGORITHMS: readonly Algorithm[] = ['cubic', 'bbr'];

const CASES: readonly Case[] = ALGORITHMS.flatMap((algorithm) => {
  const usual = { algorithm, allSeedsAtOnce: false, downloads: true, queue: false };
  const small = { ...usual, allSeedsAtOnce: algorithm === 'cubic' };
  return [
    { ...usual, title: '200 Mbit/s, no loss', conditions: link(200, 50) },
    { ...small, title: '100 Mbit/s, 0.1 % loss', conditions: link(100, 50, 0.001) },
    { ...small, title: '100 Mbit/s, 1 % loss', conditions: link(100, 50, 0.01) },
    {
      ...usual,
      title: '50 Mbit/s, 100 ms of buffer',
      conditions: link(50, 100),
      downloads: false,
      queue: true,
    },
  ];
});

type End = 'own' | 'kernel';

/** Two kernels, and as many links with a host at either end as are wanted. */
class Laboratory {
  readonly #kernels: readonly [KernelHost, KernelHost] = [new KernelHost(), new KernelHost()];
  #links = 0;
  #port = 5000;

  async transfer(
    ends: readonly [End, End],
    { algorithm, conditions }: Case,
    seed: number,
    seconds: number,
  ): Promise<Reading> {
    const network = this.#links++;
    const host = async (side: 0 | 1): Promise<TcpHost> => {
      const address = `10.78.${network}.${1 + side}`;
      const peer = `10.78.${network}.${2 - side}`;
      if (ends[side] === 'own') {
        const limits = { congestion: algorithm };
        return new OwnHost({ clock: realClock, address, mtu: MTU, seed, limits });
      }
      const kernel = await this.#kernels[side].attach({ address, peer, mtu: MTU });
      kernel.use(algorithm);
      return kernel;
    };
    const [sender, receiver] = [await host(0), await host(1)];
    const port = this.#port++;
    return transfer({ clock: realClock, sender, receiver, port, conditions, seed, seconds });
  }

  stop(): void {
    for (const kernel of this.#kernels) kernel.stop();
    sweep();
  }
}

const UPLOAD = ['own', 'kernel'] as const;
const DOWNLOAD = ['kernel', 'own'] as const;
const PEER = ['kernel', 'kernel'] as const;

await answer(async ({ seconds }, say) => {
  const laboratory = new Laboratory();
  try {
    const rows: Row[] = [];
    for (const each of CASES) {
      say(`${each.title}, ${each.algorithm}: ${SEEDS} seeds of ${seconds} s`);
      const bySeed = (seed: number) => readings(laboratory, each, seed, seconds);
      const seeds = Array.from({ length: SEEDS }, (_, i) => i + 1);
      const all = each.allSeedsAtOnce ? await Promise.all(seeds.map(bySeed)) : [];
      if (!each.allSeedsAtOnce) for (const seed of seeds) all.push(await bySeed(seed));
      rows.push(...rowsOf(each, all));
    }
    return rows;
  } finally {
    laboratory.stop();
  }
});

interface Contest {
  readonly up: Reading;
  readonly down: Reading | undefined;
  readonly peer: Reading;
}

async function readings(
  laboratory: Laboratory,
  each: Case,
  seed: number,
  seconds: number,
): Promise<Contest> {
  const run = (ends: readonly [End, End]) => laboratory.transfer(ends, each, seed, seconds);
  const [up, peer, down] = await Promise.all([
    run(UPLOAD),
    run(PEER),
    each.downloads ? run(DOWNLOAD) : undefined,
  ]);
  return { up, down, peer };
}

function rowsOf({ title, algorithm, queue }: Case, contests: readonly Contest[]): Row[] {
  const name = algorithm.toUpperCase();
  const head = { bench: 'tcp', where: 'beside the kernel' };
  const peers = (of: (reading: Reading) => number) => ({
    'kernel to kernel': contests.map(({ peer }) => of(peer)),
  });
  // What a full bottleneck carries is asked once it is full; everything else from the first byte on.
  const rate = queue ? ({ lateRate }: Reading) => lateRate : ({ rate }: Reading) => rate;
  const delay = ({ queueDelay }: Reading) => queueDelay;
  const downs = contests.flatMap(({ down }) => (down === undefined ? [] : [down]));
  const rows = [
    rowOf(
      { ...head, case: `${title}, ${name}, upload`, unit: 'Mbit/s' },
      contests.map(({ up }) => rate(up)),
      peers(rate),
    ),
  ];
  if (downs.length > 0) {
    const row = { ...head, case: `${title}, ${name}, download`, unit: 'Mbit/s' } as const;
    rows.push(rowOf(row, downs.map(rate), peers(rate)));
  }
  if (queue) {
    const row = { ...head, case: `${title}, ${name}, waiting in it`, unit: 'ms' } as const;
    const ups = contests.map(({ up }) => delay(up));
    rows.push(rowOf(row, ups, peers(delay)));
  }
  return rows;
}
