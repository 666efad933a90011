/**
 * Our TCP and the kernel's on the same links with the same seeds, in real time: ours to the kernel, the kernel to ours
 * and, for comparison, the kernel to itself. The contestants of a seed run side by side, each on a link of its own, so
 * that what disturbs one disturbs all.
 *
 *     kernel.ts NAME   one of `KERNEL_CASES`
 */
import { KernelHost } from '../../tests/interop/support/kernel-host.ts';
import { sweep } from '../../tests/interop/support/namespace.ts';
import { realClock } from '../../tests/support/net/clock.ts';
import { OwnHost } from '../../tests/support/net/own-host.ts';
import type { TcpHost } from '../../tests/support/net/work.ts';
import { answer } from '../harness/part.ts';
import { type Row, rowOf } from '../harness/results.ts';
import { KERNEL_CASES, type KernelCase } from './kernel-cases.ts';
import { MTU } from './shape.ts';
import { type Reading, transfer } from './trial.ts';

const SEEDS = 5;

type End = 'own' | 'kernel';

/** Two kernels, and as many links with a host at either end as are wanted. */
class Laboratory {
  readonly #kernels: readonly [KernelHost, KernelHost] = [new KernelHost(), new KernelHost()];
  #links = 0;
  #port = 5000;

  async transfer(
    ends: readonly [End, End],
    { algorithm, conditions }: KernelCase,
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
  const each = KERNEL_CASES.find(({ name }) => name === process.argv[2]);
  if (each === undefined) throw new RangeError('which of the cases?');
  say(`${SEEDS} seeds of ${seconds} s`);
  const laboratory = new Laboratory();
  try {
    const bySeed = (seed: number) => readings(laboratory, each, seed, seconds);
    const seeds = Array.from({ length: SEEDS }, (_, i) => i + 1);
    const all = each.allSeedsAtOnce ? await Promise.all(seeds.map(bySeed)) : [];
    if (!each.allSeedsAtOnce) for (const seed of seeds) all.push(await bySeed(seed));
    return rowsOf(each, all);
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
  each: KernelCase,
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

function rowsOf({ name, queue }: KernelCase, contests: readonly Contest[]): Row[] {
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
      { ...head, case: `${name}, upload`, unit: 'Mbit/s' },
      contests.map(({ up }) => rate(up)),
      peers(rate),
    ),
  ];
  if (downs.length > 0) {
    const row = { ...head, case: `${name}, download`, unit: 'Mbit/s' } as const;
    rows.push(rowOf(row, downs.map(rate), peers(rate)));
  }
  if (queue) {
    const row = { ...head, case: `${name}, waiting in it`, unit: 'ms' } as const;
    const ups = contests.map(({ up }) => delay(up));
    rows.push(rowOf(row, ups, peers(delay)));
  }
  return rows;
}
