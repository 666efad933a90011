/** Our TCP against the kernel's, over a link that delays, loses and reorders. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Algorithm } from '../../shared/ip/tcp/congestion/control.ts';
import { TcpFlag } from '../../shared/ip/tcp/segment.ts';
import type { LinkOptions } from '../support/link.ts';
import { realClock } from '../support/net/clock.ts';
import { OwnHost } from '../support/net/own-host.ts';
import { patternHash } from '../support/net/pattern.ts';
import { PcapWriter, recordingFolder } from '../support/net/pcap-writer.ts';
import { Wire } from '../support/net/wire.ts';
import { exchange, type Outcome, type TcpHost, type Work } from '../support/net/work.ts';
import {
  availableCongestionControls,
  KernelHost,
  type KernelInterface,
} from './support/kernel-host.ts';
import { temporaryFolder } from './support/namespace.ts';
import { type Dissection, dissect, faulty } from './support/tshark.ts';
import { tunObstacle } from './support/tun-device.ts';

const OWN = '10.77.0.1';
const KERNEL = '10.77.0.2';
const MTU = 1400;
/** Where nothing listens. */
const DESERTED_PORT = 4999;
const RECORDING_BUFFER = 1_048_576;
const LARGEST_UNSCALED_WINDOW = 65_535;

type Conditions = Omit<LinkOptions, 'seed'>;

const ALGORITHMS: readonly Algorithm[] = ['cubic', 'bbr'];

const NEAR: Conditions = { latency: 1 };
const CONDITIONS: Readonly<Record<string, Conditions>> = {
  'a clean link': { latency: 10 },
  '1 % loss': { latency: 10, loss: 0.01 },
  reordering: { latency: 10, jitter: 4 },
  'bursts of loss, reordering, duplication': {
    latency: 5,
    jitter: 8,
    loss: 0.01,
    burst: 3,
    duplication: 0.02,
  },
  // 20 Mbit/s.
  'a bottleneck with a short queue': { latency: 10, rate: 2500, buffer: 30_000 },
};

const available = availableCongestionControls();
const obstacle = tunObstacle();
if (obstacle !== undefined) console.error(`SKIPPED TCP against the kernel: ${obstacle}`);
if (!available.includes('bbr'))
  console.error('This kernel has no BBR: it uses CUBIC against ours.');

describe.skipIf(obstacle !== undefined)("our TCP against the kernel's", () => {
  let folder: string;
  let recording: PcapWriter;
  let host: KernelHost;
  let kernel: KernelInterface;
  let own: OwnHost;
  let wire: Wire;
  let port = DESERTED_PORT;

  beforeAll(async () => {
    folder = temporaryFolder();
    // One recording of all tests, which the last ones look at.
    recording = new PcapWriter(
      join(recordingFolder() ?? folder, 'tcp-kernel.pcap'),
      RECORDING_BUFFER,
    );
    // It asks for ECN, and gets it; ours asks where a test wants that.
    host = new KernelHost({ tcp_ecn: '1' });
    kernel = await host.attach({ address: KERNEL, peer: OWN, mtu: MTU });
  });

  afterEach(({ task }) => {
    wire.cut();
    own.close();
    if (task.result?.state === 'fail') console.error(host.log);
  });

  afterAll(() => {
    host?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A stack of ours, and a link between it and the kernel. */
  function start(conditions: Conditions, algorithm: Algorithm = 'cubic', ecn = false): void {
    const seed = port;
    const limits = { congestion: algorithm, ecn };
    own = new OwnHost({ clock: realClock, address: OWN, mtu: MTU, seed, limits });
    kernel.use(available.includes(algorithm) ? algorithm : 'cubic');
    wire = new Wire({
      clock: realClock,
      ends: [own, kernel.port],
      there: { ...conditions, seed },
      back: { ...conditions, seed: seed + 1 },
      recording,
    });
  }

  /** One connection from `opener` to the other host, on a port of its own. */
  function from(opener: TcpHost, opens: Work, accepts: Work): Promise<[Outcome, Outcome]> {
    return exchange(opener, opener === own ? kernel : own, ++port, opens, accepts);
  }

  describe.each(ALGORITHMS)('with %s, the kernel too if it can', (algorithm) => {
    it.each(Object.entries(CONDITIONS))('over %s: every byte both ways', async (_, conditions) => {
      start(conditions, algorithm);
      const work = { bytes: 800_000 };
      const ends = await Promise.all([from(own, work, work), from(kernel, work, work)]);
      for (const end of ends.flat()) expectWhole(end, 800_000);
      const isLossy = 'loss' in conditions || 'buffer' in conditions;
      expect(wire.there.dropped > 0 && wire.back.dropped > 0).toBe(isLossy);
    });
  });

  it.each(['own', 'kernel'] as const)('over IPv6, opened by %s', async (opener) => {
    start({ latency: 5, loss: 0.01 });
    const [opens, accepts] = opener === 'own' ? [own, kernel] : [kernel, own];
    const work = { bytes: 800_000 };
    const ends = await exchange(opens, accepts, ++port, work, work, accepts.linkLocal);
    for (const end of ends) expectWhole(end, 800_000);
  });

  it('a queue that marks packets loses none', async () => {
    start({ latency: 10, rate: 2500, buffer: 250_000, mark: 5 }, 'cubic', true);
    const work = { bytes: 2_000_000 };
    for (const end of await from(own, work, work)) expectWhole(end, 2_000_000);
    expect(wire.there.dropped + wire.back.dropped).toBe(0);
  });

  it.each(['own', 'kernel'] as const)(
    'the reader at the end of %s stops for a while: the window closes and opens again',
    async (reader) => {
      start(NEAR);
      const slow = { bytes: 0, readAfter: 1_500 };
      const fast = { bytes: 6_000_000 };
      const ends = reader === 'own' ? await from(own, slow, fast) : await from(own, fast, slow);
      const [reading, writing] = reader === 'own' ? ends : ends.toReversed();
      expectWhole(reading!, 6_000_000);
      expectWhole(writing!, 0);
    },
  );

  it('one side ends first and goes on reading', async () => {
    start(NEAR);
    const [ours, theirs] = await from(own, { bytes: 0 }, { bytes: 500_000 });
    expectWhole(ours, 500_000);
    expectWhole(theirs, 0);
    const [fromKernel, toUs] = await from(kernel, { bytes: 0 }, { bytes: 500_000 });
    expectWhole(fromKernel, 500_000);
    expectWhole(toUs, 0);
  });

  it('a reset is told to the other side', async () => {
    start(NEAR);
    const [, theirs] = await from(own, { seconds: 60, reset: true }, { seconds: 60 });
    expect(theirs.error).toBe('ECONNRESET');
    const [ours] = await from(own, { seconds: 60 }, { seconds: 60, reset: true });
    expect(ours.error).toBe('ECONNRESET');
  });

  it('a port where nothing listens refuses', async () => {
    start(NEAR);
    expect((await own.connect(KERNEL, DESERTED_PORT, {})).error).toBe('ECONNREFUSED');
    expect((await kernel.connect(OWN, DESERTED_PORT, {})).error).toBe('ECONNREFUSED');
  });

  it.each(['own', 'kernel'] as const)('a hundred connections from %s at once', async (opener) => {
    start({ latency: 5, loss: 0.01 });
    const [opens, accepts] = opener === 'own' ? [own, kernel] : [kernel, own];
    await accepts.listen(++port, { echo: true }, () => undefined);
    const all = await Promise.all(
      Array.from({ length: 100 }, () => opens.connect(accepts.address, port, { bytes: 20_000 })),
    );
    for (const each of all) expectWhole(each, 20_000);
  });

  describe('what was recorded of all this', () => {
    let packets: Dissection[];

    beforeAll(async () => {
      recording.flush();
      packets = await dissect(recording.file);
    });

    it('has nothing malformed in it', () => {
      expect(packets.length).toBeGreaterThan(10_000);
      expect(faulty(packets)).toEqual([]);
    });

    it.each([OWN, KERNEL])(
      '%s offers window scaling, timestamps, SACK and ECN, and uses them',
      (host) => {
        const sent = packets.filter(({ source, flags }) => source === host && flags !== '');
        const syn = sent.filter(({ flags }) => Number(flags) & TcpFlag.syn);
        expect(syn.length).toBeGreaterThan(100);
        for (const { scale, timestamp, sackPermitted } of syn) {
          expect([scale, timestamp, sackPermitted]).not.toContain('');
        }
        const rest = sent.filter(({ flags }) => !(Number(flags) & (TcpFlag.syn | TcpFlag.rst)));
        expect(rest.filter(({ timestamp }) => timestamp === '')).toEqual([]);
        expect(rest.filter(({ sack }) => sack !== '').length).toBeGreaterThan(10);
        const windows = rest.map(({ window }) => Number(window));
        expect(Math.max(...windows)).toBeGreaterThan(LARGEST_UNSCALED_WINDOW);
        expect(windows, 'a reader stopped').toContain(0);
        for (const flag of [TcpFlag.ece, TcpFlag.cwr]) {
          expect(rest.filter(({ flags }) => Number(flags) & flag).length).toBeGreaterThan(0);
        }
      },
    );
  });
});

function expectWhole(outcome: Outcome, bytes: number): void {
  const { received, hash, error } = outcome;
  expect({ received, hash, error }).toEqual({ received: bytes, hash: patternHash(bytes) });
}
