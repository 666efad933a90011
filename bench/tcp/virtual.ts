/** Both ends ours, in virtual time: what the algorithms do when nothing costs time but the path. */
import type { Algorithm } from '../../shared/ip/tcp/congestion/control.ts';
import { VirtualClock } from '../../tests/support/net/clock.ts';
import { OwnHost } from '../../tests/support/net/own-host.ts';
import { answer } from '../harness/part.ts';
import { type Row, rowOf } from '../harness/results.ts';
import { CLIENT, MTU, SERVER } from './shape.ts';
import { type Conditions, type Reading, transfer } from './trial.ts';

const PORT = 80;
const ALGORITHMS: readonly Algorithm[] = ['cubic', 'bbr'];
const CLEAN_SEEDS = 5;
const CLEAN_SECONDS = 6;
const STALL_SEEDS = 100;
const STALL_SECONDS = 20;
const STALL = 2000;
/** How much longer than it writes a trial may take. */
const PATIENCE = 600_000;

await answer(async (_, say) => {
  const rows: Row[] = [];
  for (const algorithm of ALGORITHMS) {
    say(`${algorithm} at 50 ms without loss`);
    const clean = await readings(algorithm, {}, CLEAN_SEEDS, CLEAN_SECONDS);
    const head = { bench: 'tcp', where: 'virtual time' };
    rows.push(
      rowOf(
        { ...head, case: `50 ms, after 3 s, ${name(algorithm)}`, unit: 'Mbit/s' },
        clean.map(({ lateRate }) => lateRate),
        {},
      ),
    );
    say(`${algorithm} at 1 % loss, ${STALL_SEEDS} seeds`);
    // 5 Mbit/s: without a bottleneck BBR takes whatever there is, and most of its packets teach nothing new.
    const lossy = { loss: 0.01, rate: 625, buffer: 31_250 };
    const gaps = await readings(algorithm, lossy, STALL_SEEDS, STALL_SECONDS);
    const stalls = gaps.filter(({ longestGap }) => longestGap >= STALL).length;
    rows.push(
      rowOf(
        {
          ...head,
          case: `50 ms, 1 % loss, ${STALL_SEEDS} seeds, over 2 s, ${name(algorithm)}`,
          unit: 'stalls',
        },
        [stalls],
        {},
      ),
    );
    say(`longest time without a byte: ${Math.max(...gaps.map(({ longestGap }) => longestGap))} ms`);
  }
  return rows;
});

async function readings(
  congestion: Algorithm,
  conditions: Conditions,
  seeds: number,
  seconds: number,
): Promise<Reading[]> {
  const all: Reading[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const clock = new VirtualClock();
    const host = (address: string) =>
      new OwnHost({ clock, address, mtu: MTU, seed, limits: { congestion } });
    const sender = host(CLIENT);
    const receiver = host(SERVER);
    const work = transfer({ clock, sender, receiver, port: PORT, conditions, seed, seconds });
    all.push(await clock.until(work, 1000 * seconds + PATIENCE));
  }
  return all;
}

function name(algorithm: Algorithm): string {
  return algorithm.toUpperCase();
}
