/**
 * Two stacks over links drawn by a seed: whatever the link does, both streams arrive whole, nobody waits too long,
 * and nothing is left behind. `TCP_RUNS=5000 npx vitest run tests/sim/tcp-random.test.ts` for more of them.
 */
import { describe, expect, it } from 'vitest';
import type { TcpLimits } from '../../shared/ip/tcp/environment.ts';
import type { Millis } from '../../shared/wire/bytes.ts';
import { type Host, Pair, SERVER } from '../support/ip-pair.ts';
import type { LinkOptions } from '../support/link.ts';
import { SeededRandom } from '../support/random.ts';
import { Transfer } from '../support/transfer.ts';

const RUNS = Number(process.env.TCP_RUNS ?? 200);
const GROUPS = 6;
const PORT = 80;

/** Time-outs double, and a link this bad can lose several in a row. */
const PATIENCE: Millis = 130_000;

interface Drawn {
  readonly up: LinkOptions;
  readonly down: LinkOptions;
  readonly limits: TcpLimits;
  readonly lengths: readonly [number, number];
}

function draw(seed: number): Drawn {
  const random = new SeededRandom(seed);
  const below = (limit: number) => Math.floor(random.next() * limit);
  const chance = (probability: number) => random.next() < probability;
  const bottleneck = chance(0.4);
  // Windows of hundreds of segments need a path that lets them grow.
  const long = !bottleneck && chance(0.05);
  const bursts = chance(0.3);
  const link = (): LinkOptions => ({
    seed: seed + below(1000),
    latency: chance(0.1) ? 0 : below(100),
    jitter: chance(0.4) && !long ? below(40) : 0,
    loss: chance(0.6) ? random.next() * (long ? 0.001 : bursts ? 0.02 : 0.1) : 0,
    burst: bursts ? below(200) : 0,
    duplication: chance(0.3) ? random.next() * 0.1 : 0,
    corruption: chance(0.3) && !long ? random.next() * 0.05 : 0,
    ...(bottleneck ? { rate: 50 + below(5000), buffer: 3000 + below(200_000), mark: 5 } : {}),
  });
  const tiny = chance(0.2);
  return {
    up: link(),
    down: link(),
    limits: {
      sendBuffer: tiny ? 500 + below(5000) : 8_388_608,
      receiveBuffer: tiny ? 700 + below(5000) : 4_194_304,
      congestion: chance(0.5) ? 'bbr' : 'cubic',
      ecn: chance(0.5),
    },
    lengths: tiny
      ? [below(8000), below(8000)]
      : long
        ? [1_500_000 + below(1_500_000), below(1_500_000)]
        : [below(150_000), below(150_000)],
  };
}

function connections(host: Host): number {
  let count = -1;
  for (const output of host.stack.handle({ kind: 'inspect' }, 0)) {
    if (output.kind === 'connections') count = output.connections.length;
  }
  return count;
}

function run(seed: number): void {
  const { up, down, limits, lengths } = draw(seed);
  const pair = new Pair({ link: up, down, limits });
  const client = new Transfer(pair.client, lengths[0], 1, 2);
  const server = new Transfer(pair.server, lengths[1], 2, 1);
  pair.server.tell({ kind: 'tcp-listen', listener: 1, port: PORT });
  pair.client.tell({ kind: 'tcp-connect', socket: 1, address: SERVER.bytes, port: PORT });
  let seen = -1;
  let over = false;
  while (!over && client.received + server.received > seen) {
    seen = client.received + server.received;
    over = pair.run(() => client.finished && server.finished, pair.clock.now + PATIENCE);
  }
  expect([seed, client.received, client.corrupt, client.closed?.failure]).toEqual([
    seed,
    lengths[1],
    false,
    undefined,
  ]);
  expect([seed, server.received, server.corrupt]).toEqual([seed, lengths[0], false]);
  pair.run(() => false, pair.clock.now + 400_000);
  const left = [pair.client, pair.server].map((host) => [host.stack.deadline, connections(host)]);
  expect([seed, left]).toEqual([
    seed,
    [
      [undefined, 0],
      [undefined, 0],
    ],
  ]);
}

describe('two stacks over links drawn by a seed', () => {
  for (let group = 0; group < GROUPS; group++) {
    it(`group ${group + 1} of ${GROUPS}`, { timeout: 20_000 + 200 * RUNS }, () => {
      for (let seed = 1 + group; seed <= RUNS; seed += GROUPS) run(seed);
    });
  }
});
