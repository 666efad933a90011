/**
 * The stack against a peer that does what the rules allow and nobody does: nothing goes beyond a window, nothing arrives
 * changed, and once the peer has calmed down both streams end in order. `TCP_RUNS=5000` for more of them.
 */
import { describe, expect, it } from 'vitest';
import type { TcpLimits } from '../../shared/ip/tcp/environment.ts';
import type { Millis } from '../../shared/wire/bytes.ts';
import { earliest } from '../../shared/wire/machine.ts';
import { asPacket, CLIENT, Host, SERVER } from '../support/ip-pair.ts';
import { Link, type LinkOptions } from '../support/link.ts';
import { drawHabits, OddPeer } from '../support/odd-peer.ts';
import { SeededRandom } from '../support/random.ts';
import { Transfer } from '../support/transfer.ts';

const RUNS = Number(process.env.TCP_RUNS ?? 120);
const GROUPS = 4;
const CALM_AT: Millis = 30_000;
const PATIENCE: Millis = 600_000;

function run(seed: number): void {
  const random = new SeededRandom(seed);
  const below = (limit: number) => Math.floor(random.next() * limit);
  const habits = drawHabits(random);
  const link: LinkOptions = {
    seed,
    latency: 1 + below(60),
    jitter: below(2) * below(30),
    loss: below(2) * random.next() * 0.05,
  };
  const tiny = below(3) === 0;
  const limits: TcpLimits = {
    sendBuffer: tiny ? 3000 + below(20_000) : 8_388_608,
    receiveBuffer: tiny ? 2000 + below(20_000) : 4_194_304,
    congestion: below(2) === 0 ? 'bbr' : 'cubic',
  };
  // A segment for each byte or few takes its time.
  const slow = habits.buffer <= 100 || (habits.segmentSize > 0 && habits.segmentSize <= 64);
  const gets = below(habits.buffer === 1 ? 40 : slow ? 4000 : 60_000);
  const lengths = { sends: below(60_000), gets };
  const clock = { now: 1000 };
  const up = new Link(link);
  const down = new Link({ ...link, seed: seed + 1 });
  const host = new Host(CLIENT, { link, limits }, clock, up);
  const transfer = new Transfer(host, lengths.gets, 1, 2);
  const peer = new OddPeer(habits, seed + 2, CALM_AT, lengths, (bytes) =>
    down.send(bytes, clock.now),
  );
  host.tell({ kind: 'tcp-connect', socket: 1, address: SERVER.bytes, port: 80 });
  while (!(transfer.finished && peer.finished) && clock.now < PATIENCE) {
    const next = earliest(up.deadline, down.deadline, host.stack.deadline, peer.deadline)!;
    clock.now = Math.max(clock.now, next);
    const { now } = clock;
    for (const bytes of up.arrived(now)) peer.arrived(bytes, now);
    const packets = down.arrived(now).map(asPacket);
    if (packets.length > 0) host.tell({ kind: 'packets', packets });
    if ((host.stack.deadline ?? Number.POSITIVE_INFINITY) <= now) host.tell({ kind: 'timeout' });
    if (peer.deadline <= now) peer.timeout(now);
  }
  const { received, corrupt, closed } = transfer;
  expect([seed, habits, peer.problems.slice(0, 3), received, corrupt, closed?.failure]).toEqual([
    seed,
    habits,
    [],
    lengths.sends,
    false,
    undefined,
  ]);
  expect([seed, peer.finished, closed?.kind]).toEqual([seed, true, 'tcp-closed']);
}

describe('a peer with odd habits', () => {
  for (let group = 0; group < GROUPS; group++) {
    it(`group ${group + 1} of ${GROUPS}`, { timeout: 20_000 + 200 * RUNS }, () => {
      for (let seed = 1 + group; seed <= RUNS; seed += GROUPS) run(seed);
    });
  }
});
