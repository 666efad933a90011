import { describe, expect, it } from 'vitest';
import type { AuthMethod, PppConfig } from '../../../shared/ppp/config.ts';
import { fromHex } from '../../../shared/wire/bytes.ts';
import { clientConfig, Pair, serverConfig } from './pair.ts';

const METHODS: AuthMethod[] = ['pap', 'chap-md5', 'mschapv2'];
const FAST = { seed: 1, latency: 20 };

function pairFor(
  client: Partial<PppConfig>,
  server: Partial<PppConfig>,
  link: Partial<ConstructorParameters<typeof Pair>[2]> = {},
): Pair {
  const options = { ...FAST, ...link };
  return new Pair(
    clientConfig(options.seed, client),
    serverConfig(options.seed, server),
    options,
  ).start();
}

describe('client against server, over a clean link', () => {
  it.each(METHODS)('signs in with %s and gets its addresses', (method) => {
    const pair = pairFor({}, { methods: [method] }).run(5000);
    expect(pair.of('client', 'stage').map(({ stage }) => stage)).toEqual([
      'link',
      'authentication',
      'network',
    ]);
    expect(pair.of('client', 'authenticated')).toEqual([
      { kind: 'authenticated', method, message: 'Welcome' },
    ]);
    expect(pair.of('client', 'network-up')).toEqual([
      {
        kind: 'network-up',
        address: fromHex('0a1e000a'),
        peerAddress: fromHex('0a1e00fe'),
        nameServers: [fromHex('0a1e0001'), fromHex('0a1e0002')],
        mtu: 1400,
      },
    ]);
    expect(pair.of('server', 'authenticated')).toEqual([{ kind: 'authenticated', method }]);
    expect(pair.of('server', 'network-up')).toMatchObject([
      { address: fromHex('0a1e00fe'), peerAddress: fromHex('0a1e000a'), mtu: 1400 },
    ]);
  });

  it('agrees on IPv6 beside IPv4 where both have it, with an identifier for each', () => {
    const pair = pairFor({ ipv6: true }, { ipv6: true }).run(5000);
    const [client] = pair.of('client', 'ipv6-up');
    const [server] = pair.of('server', 'ipv6-up');
    expect(client?.interfaceId.length).toBe(8);
    expect(server?.interfaceId).not.toEqual(client?.interfaceId);
    expect(pair.bothUp).toBe(true);
    const one = pairFor({ ipv6: true }, {}).run(5000);
    expect(one.of('client', 'ipv6-up')).toEqual([]);
    expect(one.bothUp).toBe(true);
  });

  it('takes an allowed method although a better one is allowed', () => {
    const pair = pairFor({}, { methods: ['chap-md5', 'mschapv2'] }).run(5000);
    expect(pair.of('client', 'authenticated')[0]?.method).toBe('chap-md5');
  });

  it('steps the server down to a method that both allow', () => {
    const server = { methods: ['mschapv2', 'chap-md5', 'pap'] as const };
    const pair = pairFor({ methods: ['pap'] }, server).run(5000);
    expect(pair.of('client', 'authenticated')[0]?.method).toBe('pap');
    expect(pair.bothUp).toBe(true);
  });

  it.each([
    ['CORP\\alice', 'alicepw'],
    ['alice@hub', 'alicepw'],
    ['Zoë', 'pässwörd 🔑'],
  ])('signs in as %s by every method', (userName, password) => {
    for (const method of METHODS) {
      const pair = pairFor({ credentials: { userName, password } }, { methods: [method] });
      expect(pair.run(5000).bothUp, method).toBe(true);
    }
  });

  it('gets two name servers, one, or none', () => {
    for (const nameServers of [[], [fromHex('0a000035')]]) {
      const base = serverConfig(1).server!;
      const pair = pairFor({}, { server: { ...base, nameServers } }).run(5000);
      expect(pair.of('client', 'network-up')[0]?.nameServers).toEqual(nameServers);
    }
  });

  it('needs no sign-in where none is asked for and any method but MS-CHAPv2 is allowed', () => {
    const pair = pairFor({ methods: ['mschapv2', 'pap'] }, { methods: [] }).run(5000);
    expect(pair.bothUp).toBe(true);
    expect(pair.of('client', 'authenticated')).toEqual([]);
  });

  it('refuses a gateway that proves nothing where only proof is allowed', () => {
    const pair = pairFor({ methods: ['mschapv2'] }, { methods: [] }).run(30_000);
    expect(pair.of('client', 'closed')[0]?.failure?.code).toBe('PPP_PEER_NOT_AUTHENTIC');
    expect(pair.of('client', 'network-up')).toEqual([]);
  });
});

describe('client against server, failing', () => {
  it.each(METHODS)('refuses a wrong password with %s', (method) => {
    const credentials = { userName: 'alice', password: 'wrong' };
    const pair = pairFor({ credentials }, { methods: [method] }).run(30_000);
    expect(pair.of('client', 'closed')).toEqual([
      { kind: 'closed', failure: { code: 'PPP_AUTH_FAILED', detail: 'Authentication failed' } },
    ]);
    expect(pair.of('server', 'closed')[0]?.failure?.code).toBe('PPP_AUTH_FAILED');
    expect(pair.client.failure?.code).toBe('PPP_AUTH_FAILED');
  });

  it.each(METHODS)('refuses an unknown user with %s', (method) => {
    const credentials = { userName: 'mallory', password: '' };
    const pair = pairFor({ credentials }, { methods: [method] }).run(30_000);
    expect(pair.of('client', 'closed')[0]?.failure?.code).toBe('PPP_AUTH_FAILED');
  });

  it.each<[AuthMethod[], AuthMethod[]]>([
    [['mschapv2'], ['pap', 'chap-md5']],
    [['pap'], ['mschapv2']],
  ])('finds nothing in common between %j and %j', (ours, theirs) => {
    const pair = pairFor({ methods: ours }, { methods: theirs }).run(30_000);
    expect(pair.of('client', 'closed')[0]?.failure?.code).toBe('PPP_NO_AUTH_PROTOCOL');
    expect(pair.of('server', 'closed')[0]?.failure?.code).toBe('PPP_NO_AUTH_PROTOCOL');
  });

  it('does not sign in without credentials', () => {
    const { credentials: _, ...config } = clientConfig(1);
    const pair = new Pair(config, serverConfig(1), FAST).start().run(30_000);
    expect(pair.of('client', 'closed')[0]?.failure?.code).toBe('PPP_NO_AUTH_PROTOCOL');
  });

  it('gives up on a gateway that never answers', () => {
    const pair = pairFor({}, {}, { loss: 1 }).run(60_000);
    expect(pair.now).toBe(24_500);
    expect(pair.of('client', 'transmit')).toHaveLength(10);
    expect(pair.of('client', 'closed')).toEqual([
      {
        kind: 'closed',
        failure: { code: 'PPP_NEGOTIATION_FAILED', detail: 'the peer does not answer (LCP)' },
      },
    ]);
  });

  it('asks four times for a sign of life, then gives a dead gateway up', () => {
    const pair = pairFor({}, {}).run(5000);
    pair.cut = true;
    pair.run(200_000);
    const echoes = pair
      .sent('client')
      .filter(({ protocol, code }) => protocol === 0xc021 && code === 9);
    expect(echoes).toHaveLength(4);
    expect(pair.of('client', 'closed')).toEqual([
      { kind: 'closed', failure: { code: 'PPP_DEAD_PEER' } },
    ]);
    expect(pair.client.deadline).toBeUndefined();
  });

  it('stays up for hours where both ends answer', () => {
    const pair = pairFor({}, {}).run(4 * 3_600_000);
    expect(pair.bothUp).toBe(true);
    expect(pair.of('client', 'network-up')).toHaveLength(1);
  });

  it.each(['client', 'server'] as const)('is taken down in order by the %s', (end) => {
    const pair = pairFor({}, {}).run(5000);
    pair.input(end, { kind: 'close' });
    pair.run(20_000);
    const other = end === 'client' ? 'server' : 'client';
    expect(pair.of(end, 'closed')).toEqual([{ kind: 'closed' }]);
    expect(pair.of(other, 'closed')).toEqual([
      { kind: 'closed', failure: { code: 'PPP_CLOSED_BY_PEER' } },
    ]);
    expect([pair.client.deadline, pair.server.deadline]).toEqual([undefined, undefined]);
  });

  it('can be closed before it is up, and at every moment on the way', () => {
    const early = new Pair(clientConfig(1), serverConfig(1), FAST);
    early.input('client', { kind: 'close' });
    expect(early.outputs.client).toEqual([{ kind: 'closed' }]);
    for (let at = 0; at <= 400; at += 10) {
      const pair = pairFor({}, {}).run(at);
      pair.input('client', { kind: 'close' });
      pair.run(60_000);
      expect(pair.of('client', 'closed'), `at ${at}`).toEqual([{ kind: 'closed' }]);
      expect(pair.of('server', 'closed'), `at ${at}`).toHaveLength(1);
    }
  });
});

const SEEDS = Array.from({ length: 40 }, (_, i) => i + 1);
const WEATHER = { latency: 40, jitter: 60, loss: 0.15, duplication: 0.15 };

describe('client against server, in bad weather', () => {
  it.each(METHODS)('comes up with %s and goes down', (method) => {
    for (const seed of SEEDS) {
      const pair = pairFor({}, { methods: [method] }, { ...WEATHER, seed });
      pair.run(120_000, () => pair.bothUp);
      expect(pair.bothUp, `seed ${seed}`).toBe(true);
      expect(pair.of('client', 'network-up').at(-1)?.address).toEqual(fromHex('0a1e000a'));
      pair.input('client', { kind: 'close' });
      pair.run(pair.now + 60_000, () => pair.of('client', 'closed').length > 0);
      expect(pair.of('client', 'closed'), `seed ${seed}`).toEqual([{ kind: 'closed' }]);
    }
  });

  it.each(METHODS)('blames the password, whatever gets lost, with %s', (method) => {
    const credentials = { userName: 'alice', password: 'wrong' };
    for (const seed of SEEDS) {
      const pair = pairFor({ credentials }, { methods: [method] }, { ...WEATHER, seed });
      pair.run(200_000, () => pair.of('client', 'closed').length > 0);
      expect(pair.of('client', 'closed')[0]?.failure?.code, `seed ${seed}`).toBe('PPP_AUTH_FAILED');
    }
  });

  it('is not shaken by copies of what it has seen', () => {
    for (const seed of SEEDS) {
      const pair = pairFor({}, {}, { latency: 40, jitter: 100, duplication: 0.9, seed });
      pair.run(60_000);
      expect(pair.bothUp, `seed ${seed}`).toBe(true);
      expect(pair.of('client', 'network-up'), `seed ${seed}`).toHaveLength(1);
    }
  });

  it('survives corrupted frames', () => {
    for (const seed of SEEDS) {
      const pair = pairFor({}, {}, { ...WEATHER, corruption: 0.2, seed });
      pair.run(300_000, () => pair.bothUp || pair.bothClosed);
      const ends = [pair.of('client', 'closed'), pair.of('server', 'closed')].flat();
      for (const { failure } of ends) expect(failure?.code, `seed ${seed}`).toMatch(/^PPP_/);
    }
  });

  it('does the same for the same seed', () => {
    const logs = [1, 1, 2].map((seed) => pairFor({}, {}, { ...WEATHER, seed }).run(20_000).log);
    expect(logs[0]).toEqual(logs[1]);
    expect(logs[0]).not.toEqual(logs[2]);
  });
});
