import { describe, expect, test } from 'vitest';
import { decodeMessage, encodeClearMessage } from '../../shared/isakmp/message.ts';
import { ExchangeType } from '../../shared/isakmp/numbers.ts';
import { type Bytes, EMPTY, toHex } from '../../shared/wire/bytes.ts';
import { INNER_GATEWAY, PlaygroundWorld, type Tab } from '../support/playground-world.ts';
import { SeededRandom } from '../support/random.ts';

function settled(world: PlaygroundWorld, tabs: readonly Tab[] = world.tabs): void {
  world.run(
    () => tabs.every(({ session, closed }) => session !== undefined || closed !== undefined),
    90_000,
  );
}

function connected(world: PlaygroundWorld, tab: Tab): Tab {
  settled(world, [tab]);
  expect(tab.closed).toBeUndefined();
  expect(tab.session).toBeDefined();
  return tab;
}

function hangUp(world: PlaygroundWorld, tab: Tab): void {
  world.tell(tab, { kind: 'close' });
  world.run(() => tab.closed !== undefined, 5_000);
  world.run(() => false, 1_000);
}

function pings(world: PlaygroundWorld, tab: Tab, address = INNER_GATEWAY): boolean {
  const ping = tab.network.length + 1;
  const input = { kind: 'ping', ping, address, length: 56, timeout: 2_000 } as const;
  world.tell(tab, { kind: 'network', input });
  const answer = () => tab.network.find((each) => 'ping' in each && each.ping === ping)?.kind;
  world.run(() => answer() !== undefined, 3_000);
  return answer() === 'ping-reply';
}

function beginsMainMode(message: Bytes): boolean {
  const { exchangeType, responderCookie } = decodeMessage(message).header;
  return (
    exchangeType === ExchangeType.identityProtection && responderCookie.every((byte) => byte === 0)
  );
}

const EMPTY_HANDED = { clients: 0, halfOpen: 0, calls: 0 };

describe('one tab', () => {
  test('dials, pings, fetches and hangs up in order', async () => {
    const world = await PlaygroundWorld.make();
    const tab = connected(world, world.dial());
    expect(tab.session).toMatchObject({
      address: '10.99.1.0',
      peerAddress: '10.99.0.1',
      nameServers: ['10.99.0.2'],
      authentication: 'MS-CHAPv2',
      transport: 'UDP 4500',
    });
    expect(pings(world, tab)).toBe(true);
    expect(world.fetches(tab)).toBe(true);
    hangUp(world, tab);
    expect(tab.closed).toEqual({ kind: 'closed' });
    expect(world.gateway.counts).toEqual(EMPTY_HANDED);
    expect(world.gateway.deadline).toBeUndefined();
    expect(world.events.filter(({ kind }) => kind !== 'trace')).toMatchObject([
      { kind: 'client-up', userName: 'visitor' },
      { kind: 'client-down', userName: 'visitor' },
    ]);
  });

  test.each([
    ['chap-md5', 'CHAP-MD5'],
    ['pap', 'PAP'],
  ] as const)('signs in with %s where it has nothing else', async (method, name) => {
    const world = await PlaygroundWorld.make();
    const tab = connected(world, world.dial('visitor', { authMethods: [method] }));
    expect(tab.session?.authentication).toBe(name);
  });

  test.each([
    [
      'another pre-shared key',
      { credentials: { kind: 'pre-shared-key', key: new TextEncoder().encode('another key') } },
      'IKE_AUTHENTICATION_FAILED',
    ],
    ['another password', { password: 'guessed' }, 'PPP_AUTH_FAILED'],
  ] as const)('%s is refused in words, and nothing is left', async (_what, config, code) => {
    const world = await PlaygroundWorld.make();
    const tab = world.dial('visitor', config);
    settled(world);
    expect(tab.closed?.failure?.code).toBe(code);
    world.run(() => false, 60_000);
    expect(world.gateway.counts).toEqual(EMPTY_HANDED);
  });

  test.each(['tab', 'gateway'] as const)(
    'keeps its call, and a download loses no packet, while the %s renews the IKE SA and IPsec SAs are renewed',
    async (who) => {
      const world = await PlaygroundWorld.make();
      const lifetimes = { ikeLifetime: { seconds: 90 }, childLifetime: { seconds: 60 } };
      const tab = connected(world, world.dial('visitor', lifetimes));
      // The tab is first to renew what it began, unless its first messages get lost.
      if (who === 'gateway') world.loses = beginsMainMode;
      world.stream(tab, 1);
      const random = new SeededRandom(21);
      while (world.now < 600_000) {
        const bytes = random.bytes(3_000);
        world.feed(bytes);
        // Less than TCP waits before it sends again.
        world.run(() => false, 150);
        expect(toHex(world.read(tab, 1)), `after ${world.now} ms`).toBe(toHex(bytes));
      }
      const begun = who === 'tab' ? world.messages : world.answers;
      const cookies = begun.filter(beginsMainMode).map((bytes) => toHex(bytes.slice(0, 8)));
      const quickModes = [...world.messages, ...world.answers]
        .map((bytes) => decodeMessage(bytes).header)
        .filter(({ exchangeType }) => exchangeType === ExchangeType.quickMode)
        .map(({ initiatorCookie, messageId }) => `${initiatorCookie} ${messageId}`);
      // At least one in every lifetime.
      expect(new Set(cookies).size).toBeGreaterThanOrEqual(6);
      expect(new Set(quickModes).size).toBeGreaterThanOrEqual(10);
      expect(world.gateway.counts).toEqual({ clients: 1, halfOpen: 0, calls: 1 });
      const unusual = world.events.filter(
        (each) => each.kind !== 'trace' || ['unsent', 'unknown-spi'].includes(each.event),
      );
      expect(unusual).toMatchObject([{ kind: 'client-up' }]);
    },
  );

  test('that calls again over the same keys gets through', async () => {
    const world = await PlaygroundWorld.make({ methods: ['chap-md5'] });
    const tab = connected(world, world.dial());
    expect(tab.session?.authentication).toBe('CHAP-MD5');
  });
});

describe('many tabs behind one address', () => {
  test('each have their own tunnel, and reach hosts but not one another', async () => {
    const world = await PlaygroundWorld.make();
    const tabs = Array.from({ length: 12 }, (_, i) => world.dial(`visitor ${i}`));
    settled(world);
    const addresses = tabs.map(({ session }) => session?.address);
    expect(new Set(addresses).size).toBe(tabs.length);
    for (const tab of tabs) expect(world.fetches(tab)).toBe(true);
    const [first, second] = tabs as [Tab, Tab];
    const theirs = Uint8Array.from(second.session!.address.split('.'), Number);
    expect(pings(world, first, theirs)).toBe(false);
    hangUp(world, second);
    expect(world.gateway.counts.calls).toBe(tabs.length - 1);
    expect(pings(world, first)).toBe(true);
  });

  test('a full address pool is said in words, and the next address that is free is lent', async () => {
    const world = await PlaygroundWorld.make({ poolSize: 2 });
    const [first, second] = [world.dial(), world.dial()] as [Tab, Tab];
    settled(world);
    const third = world.dial();
    settled(world);
    expect(third.closed?.failure?.code).toBe('PPP_NO_ADDRESS');
    expect(pings(world, second)).toBe(true);
    hangUp(world, first);
    expect(connected(world, world.dial()).session?.address).toBe(first.session?.address);
  });

  test('one user name has so many calls and no more', async () => {
    const world = await PlaygroundWorld.make({ limits: { calls: 2 } });
    for (const _ of [1, 2, 3]) world.dial('visitor a');
    world.dial('visitor b');
    world.run(() => false, 10_000);
    expect(world.tabs.map(({ closed }) => closed?.failure?.code)).toEqual([
      undefined,
      undefined,
      'PPP_CLOSED_BY_PEER',
      undefined,
    ]);
  });
});

describe('calls end', () => {
  test('when nothing of the client’s has come for long', async () => {
    const world = await PlaygroundWorld.make({ limits: { idleMillis: 100_000 } });
    const tab = connected(world, world.dial());
    world.run(() => false, 80_000);
    expect(pings(world, tab)).toBe(true);
    world.run(() => false, 80_000);
    expect(tab.closed).toBeUndefined();
    world.run(() => tab.closed !== undefined, 30_000);
    expect(tab.closed?.failure?.code).toBe('PPP_CLOSED_BY_PEER');
    world.run(() => false, 1_000);
    expect(world.gateway.counts).toEqual(EMPTY_HANDED);
  });

  test('when the client has had its share', async () => {
    const world = await PlaygroundWorld.make({ limits: { octets: 30_000 } });
    const tab = connected(world, world.dial());
    expect(world.fetches(tab)).toBe(true);
    expect(world.fetches(tab, 20_000, 2)).toBe(false);
    world.run(() => tab.closed !== undefined, 10_000);
    expect(tab.closed?.failure?.code).toBe('PPP_CLOSED_BY_PEER');
  });

  test('when the client is gone without a word', async () => {
    const world = await PlaygroundWorld.make();
    const tab = connected(world, world.dial());
    tab.unplugged = true;
    world.run(() => world.gateway.counts.clients === 0, 60_000);
    expect(world.gateway.counts).toEqual(EMPTY_HANDED);
  });

  test('in order, when the playground stops', async () => {
    const world = await PlaygroundWorld.make();
    const tab = connected(world, world.dial());
    world.input({ kind: 'close' });
    world.run(() => tab.closed !== undefined, 5_000);
    expect(tab.closed?.failure?.code).toBe('PPP_CLOSED_BY_PEER');
    world.run(() => false, 1_000);
    expect(world.gateway.counts).toEqual(EMPTY_HANDED);
  });
});

test('a NAT that moves a client is followed, but only for what is authentic', async () => {
  const world = await PlaygroundWorld.make();
  const tab = connected(world, world.dial());
  tab.at.natt += 10_000;
  expect(pings(world, tab)).toBe(true);
  const forged = new SeededRandom(5).bytes(100);
  forged.set(world.lastEsp!.subarray(0, 8));
  world.send('natt', { address: '203.0.113.9', port: 4500 }, forged);
  expect(pings(world, tab)).toBe(true);
  expect(world.strays).toEqual([]);
});

describe('the others keep being served', () => {
  test('among thousands of half-open handshakes, which are bounded', async () => {
    const world = await PlaygroundWorld.make();
    const tab = connected(world, world.dial());
    const first = world.firstMessage!;
    const random = new SeededRandom(9);
    let most = 0;
    for (let i = 0; i < 3_000; i++) {
      const bytes = first.slice();
      bytes.set(random.bytes(8));
      const [a, b, c] = random.bytes(3);
      world.send('ike', { address: `100.${a}.${b}.${c}`, port: 500 }, bytes);
      if (i === 2_500) world.dial();
      if (i % 500 === 0) world.run(() => false, 10);
      most = Math.max(most, world.gateway.counts.halfOpen);
    }
    settled(world);
    expect(world.tabs[1]?.session).toBeDefined();
    expect(world.fetches(tab)).toBe(true);
    expect(most).toBeGreaterThan(1000);
    expect(most).toBeLessThanOrEqual(2048);
    world.run(() => false, 60_000);
    expect(world.gateway.counts).toEqual({ clients: 2, halfOpen: 0, calls: 2 });
  });

  test('while a crowd at one address never finishes', async () => {
    const world = await PlaygroundWorld.make({ limits: { unfinished: 8 } });
    const crowd = Array.from({ length: 20 }, () => world.dial('visitor', {}, '203.0.113.7'));
    for (const tab of crowd) world.stopBeforeEsp(tab);
    world.run(() => false, 3_000);
    const tab = connected(world, world.dial());
    expect(world.gateway.counts.clients).toBeLessThanOrEqual(20);
    expect(world.fetches(tab)).toBe(true);
    world.run(() => false, 120_000);
    expect(world.gateway.counts).toEqual({ clients: 1, halfOpen: 0, calls: 1 });
  });

  test('whatever arrives', async () => {
    const world = await PlaygroundWorld.make();
    const tab = connected(world, world.dial());
    const random = new SeededRandom(11);
    const from = { address: '203.0.113.9', port: 500 };
    const samples = [world.firstMessage!, world.lastEsp!, ...world.messages];
    for (let i = 0; i < 3_000; i++) {
      const sample = samples[i % samples.length]!;
      const bytes =
        i % 3 === 0 ? random.bytes(i % 90) : sample.slice(0, i % 2 ? undefined : i % 97);
      for (let flips = i % 4; flips > 0 && bytes.length > 0; flips--) {
        bytes[Math.floor(random.next() * bytes.length)]! ^= 1 << (i % 8);
      }
      world.send(i % 2 === 0 ? 'ike' : 'natt', from, bytes);
      if (i % 5 === 0) world.send('natt', { ...from, address: tab.at.address }, bytes);
    }
    world.run(() => false, 100);
    expect(pings(world, tab)).toBe(true);
    world.run(() => false, 60_000);
    expect(world.gateway.counts).toEqual({ clients: 1, halfOpen: 0, calls: 1 });
  });

  test('and nobody is remembered who is refused, or whom another exchange would suit', async () => {
    const world = await PlaygroundWorld.make();
    const random = new SeededRandom(13);
    const from = { address: '203.0.113.9', port: 500 };
    for (const exchangeType of [ExchangeType.identityProtection, ExchangeType.aggressive]) {
      const header = {
        initiatorCookie: random.bytes(8),
        responderCookie: new Uint8Array(8),
        exchangeType,
        flags: 0,
        messageId: 0,
      };
      const payload = { kind: 'security-association', proposals: [] } as const;
      world.send('ike', from, encodeClearMessage(header, [payload]));
      world.send('ike', from, encodeClearMessage(header, [{ kind: 'nonce', data: EMPTY }]));
    }
    world.run(() => false, 50);
    expect(world.gateway.counts).toEqual(EMPTY_HANDED);
  });
});
