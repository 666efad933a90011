/** A download through a tunnel whose IKE SAs and ESP SAs live for seconds: nothing of it is sent by an SA that the other side does not know. */
import { expect, test } from 'vitest';
import { nobleSuite } from '../../shared/crypto/noble.ts';
import { decodeMessage } from '../../shared/isakmp/message.ts';
import { ExchangeType } from '../../shared/isakmp/numbers.ts';
import { Channel } from '../../shared/relay/channels.ts';
import { type Bytes, concat } from '../../shared/wire/bytes.ts';
import { GATEWAY_INNER, type Misbehaviour } from '../support/gateway.ts';
import { Laboratory } from '../support/laboratory.ts';
import { SeededRandom } from '../support/random.ts';
import { QUICK_PHASE1 } from './failure-cases.ts';
import { QUICK_PHASE2 } from './ike-pair.ts';

const KEY = new TextEncoder().encode('a key that nobody guesses');
const CONTENT = new SeededRandom(99).bytes(800_000);

/** Seconds of an IKE SA and of a child SA, and bytes that may wait at a bottleneck of 10 in a millisecond. */
interface Circumstances {
  readonly ike: number;
  readonly child: number;
  readonly buffer: number;
}

const EASY: Circumstances = { ike: 25, child: 15, buffer: 6_000 };

async function begin(
  who: 'client' | 'gateway',
  misbehaviour: Misbehaviour = {},
  { ike, child, buffer } = EASY,
) {
  const short = { ikeLifetime: { seconds: ike }, childLifetime: { seconds: child } };
  const lab = new Laboratory({
    tunnel: {
      suite: nobleSuite(new SeededRandom(1)),
      random: new SeededRandom(2),
      gateway: 'test',
      credentials: { kind: 'pre-shared-key', key: KEY },
      userName: 'alice',
      password: 'wonderland',
      authMethods: ['mschapv2'],
      innerPort: 50_000,
      ...(who === 'client' && short),
    },
    gateway: {
      suite: nobleSuite(new SeededRandom(3)),
      random: new SeededRandom(4),
      preSharedKey: KEY,
      clientAddress: Uint8Array.of(198, 51, 100, 1),
      clientPorts: { ike: 40_500, natt: 44_500 },
      innerPort: 50_000,
      accounts: { alice: 'wonderland' },
      methods: ['mschapv2'],
      port: 80,
      content: CONTENT,
      phase1: [QUICK_PHASE1],
      phase2: [QUICK_PHASE2],
      renews: true,
      misbehaviour,
      ...(who === 'gateway' && short),
    },
    // 80 s for the content.
    link: { seed: 5, latency: 20, jitter: 5, rate: 10, buffer },
  });
  await Promise.resolve();
  lab.run(() => lab.session !== undefined || lab.closed !== undefined, 60_000);
  expect(lab.closed).toBeUndefined();
  return lab;
}

function download(lab: Laboratory): Bytes {
  lab.ip({ kind: 'tcp-connect', socket: 1, address: GATEWAY_INNER, port: 80 });
  const pieces: Bytes[] = [];
  let ended = false;
  lab.run(() => {
    for (const output of lab.network.splice(0)) {
      if (output.kind === 'tcp-end' || output.kind === 'tcp-closed') ended = true;
      if (output.kind !== 'tcp-data') continue;
      pieces.push(output.bytes);
      lab.ip({ kind: 'tcp-consumed', socket: 1, length: output.bytes.length });
    }
    return ended || lab.closed !== undefined;
  }, 400_000);
  return concat(...pieces);
}

test.each(['client', 'gateway'] as const)('lifetimes of the %s', async (who) => {
  const lab = await begin(who);
  const since = lab.now;
  expect(Buffer.compare(download(lab), CONTENT)).toBe(0);
  expect(lab.closed).toBeUndefined();
  expect(lab.gateway!.renewals.ike).toBeGreaterThanOrEqual((lab.now - since) / 25_000 - 1);
  expect(lab.gateway!.renewals.esp).toBeGreaterThanOrEqual((lab.now - since) / 15_000 - 1);
  expect(lab.gateway!.renewals.ike).toBeGreaterThanOrEqual(3);
  expect(lab.gateway!.counters).toMatchObject({ unknownSpi: 0, unsent: 0, replayed: 0 });
});

test.each([
  ['client', 6_000],
  ['gateway', 6_000],
  ['client', 20_000],
  ['gateway', 20_000],
  ['client', 60_000],
  ['gateway', 60_000],
] as const)(
  'lifetimes of the %s, of 9 and 12 s, while %i bytes of data wait before each message',
  async (who, buffer) => {
    const lab = await begin(who, {}, { ike: 12, child: 9, buffer });
    expect(Buffer.compare(download(lab), CONTENT)).toBe(0);
    expect(lab.closed).toBeUndefined();
    expect(lab.gateway!.renewals.ike).toBeGreaterThanOrEqual(5);
    expect(lab.gateway!.counters).toMatchObject({ unknownSpi: 0, unsent: 0, replayed: 0 });
  },
);

test.each(['client', 'gateway'] as const)(
  'lifetimes of the %s that end while nothing passes: the tunnel is made anew once something does',
  async (who) => {
    const lab = await begin(who, {}, { ike: 12, child: 9, buffer: 20_000 });
    // Both have begun to renew when it begins, and every SA is over before it ends.
    lab.run(() => false, 6_000);
    lab.unplugged = true;
    lab.run(() => lab.closed !== undefined, 14_000);
    expect(lab.closed).toBeUndefined();
    lab.unplugged = false;
    expect(Buffer.compare(download(lab), CONTENT)).toBe(0);
    expect(lab.closed).toBeUndefined();
  },
);

test('the last message of our Quick Modes comes late: the old SA is used until the gateway has the new one', async () => {
  let held = 0;
  const third = new Set<string>();
  const lab = await begin('client', {
    datagram: (channel, bytes) => {
      const isIke = channel === Channel.natt && bytes.subarray(0, 4).every((byte) => byte === 0);
      if (!isIke || bytes.length < 32) return undefined;
      const { header, body } = decodeMessage(bytes.slice(4));
      // HASH alone. Each is heard when it comes again, as the gateway repeats its own message.
      if (header.exchangeType !== ExchangeType.quickMode || body.length > 64) return undefined;
      const key = String(header.messageId);
      if (third.has(key)) return undefined;
      third.add(key);
      held++;
      return [];
    },
  });
  expect(Buffer.compare(download(lab), CONTENT)).toBe(0);
  expect(held).toBeGreaterThanOrEqual(4);
  // Of the first one alone: there was no older SA to use.
  expect(lab.gateway!.counters.unknownSpi).toBeLessThanOrEqual(2);
});
