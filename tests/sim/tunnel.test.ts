import { beforeAll, describe, expect, test } from 'vitest';
import { nobleSuite } from '../../shared/crypto/noble.ts';
import type { CipherSuite } from '../../shared/crypto/suite.ts';
import { formatAddress, IpAddress } from '../../shared/ip/address.ts';
import { Channel } from '../../shared/relay/channels.ts';
import { forEachRecord } from '../../shared/relay/frames.ts';
import { concat, fromHex, toHex } from '../../shared/wire/bytes.ts';
import { GATEWAY_INNER, type GatewayConfig } from '../support/gateway.ts';
import { ip } from '../support/ip-pair.ts';
import { icmp6, prefix } from '../support/ip6-packets.ts';
import { Laboratory } from '../support/laboratory.ts';
import { SeededRandom } from '../support/random.ts';
import { WASM_BUILDS, wasmSuite } from '../support/wasm-suite.ts';

const PSK = new TextEncoder().encode('a key that nobody guesses');
const CLIENT = Uint8Array.of(198, 51, 100, 1);

interface Variation {
  readonly seed?: number;
  readonly loss?: number;
  readonly psk?: string;
  readonly password?: string;
  readonly gateway?: Partial<GatewayConfig> | 'silent';
  /** Both sides' cryptography in place of noble's. */
  readonly suite?: (seed: number) => Promise<CipherSuite>;
}

async function laboratory(variation: Variation = {}): Promise<Laboratory> {
  const { seed = 1, loss = 0 } = variation;
  const { suite = async (from: number) => nobleSuite(new SeededRandom(from)) } = variation;
  const gateway: GatewayConfig = {
    suite: await suite(seed + 10),
    random: new SeededRandom(seed + 11),
    preSharedKey: PSK,
    clientAddress: CLIENT,
    clientPorts: { ike: 40_500, natt: 44_500 },
    innerPort: 50_000,
    accounts: { alice: 'wonderland' },
    methods: ['mschapv2'],
    port: 80,
    content: new SeededRandom(99).bytes(100_000),
    ...(variation.gateway !== 'silent' && variation.gateway),
  };
  const lab = new Laboratory({
    tunnel: {
      suite: await suite(seed + 20),
      random: new SeededRandom(seed + 21),
      gateway: 'test',
      credentials: {
        kind: 'pre-shared-key',
        key: variation.psk === undefined ? PSK : new TextEncoder().encode(variation.psk),
      },
      userName: 'alice',
      password: variation.password ?? 'wonderland',
      authMethods: ['mschapv2', 'chap-md5'],
      innerPort: 50_000,
    },
    ...(variation.gateway !== 'silent' && { gateway }),
    link: { seed, latency: 20, jitter: 5, loss },
  });
  // The relay's answer comes in a microtask, as from a real one it would come later.
  await Promise.resolve();
  return lab;
}

async function connected(variation: Variation = {}): Promise<Laboratory> {
  const lab = await laboratory(variation);
  lab.run(() => lab.session !== undefined || lab.closed !== undefined, 120_000);
  expect(lab.closed).toBeUndefined();
  return lab;
}

function download(lab: Laboratory, atMost: number, address = GATEWAY_INNER): void {
  lab.ip({ kind: 'tcp-connect', socket: 1, address, port: 80 });
  const ended = () => {
    for (const output of lab.network) {
      if (output.kind === 'tcp-data' && !consumed.has(output)) {
        consumed.add(output);
        lab.ip({ kind: 'tcp-consumed', socket: 1, length: output.bytes.length });
      }
    }
    return lab.network.some(({ kind }) => kind === 'tcp-end' || kind === 'tcp-closed');
  };
  const consumed = new Set<unknown>();
  lab.run(ended, atMost);
}

function received(lab: Laboratory): Uint8Array {
  return concat(
    ...lab.network.flatMap((output) => (output.kind === 'tcp-data' ? [output.bytes] : [])),
  );
}

test.each(WASM_BUILDS)('a tunnel over WebAssembly, %s, carries a page', async (build) => {
  for (const esp of [
    { cipher: 'aes-cbc', keyBits: 128, integrity: 'hmac-sha1-96' },
    { cipher: 'aes-gcm-16', keyBits: 256 },
  ] as const) {
    const lab = await connected({
      suite: (seed) => wasmSuite(new SeededRandom(seed), build),
      gateway: {
        // Quick to compute.
        phase1: [{ cipher: 'aes-cbc', keyBits: 256, hash: 'sha1', group: 2 }],
        phase2: [esp],
      },
    });
    download(lab, 60_000);
    expect(received(lab)).toEqual(new SeededRandom(99).bytes(100_000));
  }
});

describe('a tunnel', () => {
  let lab: Laboratory;
  beforeAll(async () => {
    lab = await connected();
  });

  test('walks through its stages in order', () => {
    expect(lab.stages).toEqual([
      'relay',
      'ike-phase-1',
      'ike-phase-2',
      'l2tp',
      'ppp-link',
      'ppp-authentication',
      'ppp-address',
    ]);
  });

  test('tells what was agreed on', () => {
    expect(lab.session).toMatchObject({
      address: '10.30.0.10',
      peerAddress: '10.30.0.254',
      nameServers: ['10.30.0.1'],
      ike: 'AES-CBC-256, SHA2-384, ECP-384, pre-shared key',
      esp: 'AES-GCM-16-256',
      authentication: 'MS-CHAPv2',
      weak: [],
    });
  });

  test('carries pings and a download', () => {
    lab.ip({ kind: 'ping', ping: 7, address: GATEWAY_INNER, length: 56, timeout: 5_000 });
    lab.run(() => lab.network.some(({ kind }) => kind === 'ping-reply'), 5_000);
    expect(lab.network).toContainEqual(
      expect.objectContaining({ kind: 'ping-reply', ping: 7, length: 56 }),
    );
    download(lab, 60_000);
    expect(toHex(received(lab))).toBe(toHex(new SeededRandom(99).bytes(100_000)));
  });

  test('shows the relay nothing in clear', () => {
    const sent = toHex(concat(...lab.sent));
    const clear = [PSK, new TextEncoder().encode('wonderland'), new TextEncoder().encode('alice')];
    for (const secret of clear) expect(sent).not.toContain(toHex(secret));
  });

  test('gives the gateway a moment to install its SAs before ESP follows Quick Mode', () => {
    const kinds = lab.sent.map((frame) => {
      const found = new Set<string>();
      forEachRecord(frame, (channel, start) => {
        const isIke =
          channel === Channel.ike || toHex(frame.slice(start, start + 4)) === '00000000';
        found.add(isIke ? 'ike' : 'esp');
      });
      return [...found].join(' ');
    });
    const firstEsp = kinds.findIndex((kind) => kind.includes('esp'));
    expect(kinds.slice(firstEsp - 1, firstEsp + 1)).toEqual(['ike', 'esp']);
  });

  test('ends in order, from the top down', () => {
    lab.input({ kind: 'close' });
    lab.run(() => lab.closed !== undefined, 5_000);
    lab.run(() => false, 200);
    expect(lab.closed).toEqual({ kind: 'closed' });
    expect(lab.gateway?.ended.slice(0, 2)).toEqual(['l2tp', 'ike']);
    expect(lab.tunnel.deadline).toBeUndefined();
  });
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'comes up and carries a download where one packet in twenty is lost (seed %i)',
  async (seed) => {
    const lab = await connected({ seed, loss: 0.05 });
    download(lab, 300_000);
    expect(received(lab)).toEqual(new SeededRandom(99).bytes(100_000));
  },
);

test('the same seed gives the same bytes', async () => {
  const [one, two] = [await connected({ seed: 5 }), await connected({ seed: 5 })];
  expect(one.sent).toEqual(two.sent);
});

test.each([
  ['wrong pre-shared key', { psk: 'another key' }, 'IKE_AUTHENTICATION_FAILED'],
  ['wrong password', { password: 'looking glass' }, 'PPP_AUTH_FAILED'],
  ['silent gateway', { gateway: 'silent' }, 'IKE_NO_RESPONSE'],
  ['PAP alone', { gateway: { methods: ['pap'] } }, 'PPP_NO_AUTH_PROTOCOL'],
] as const)('%s ends with its code, in a bounded time', async (_name, variation, code) => {
  const lab = await laboratory(variation as Variation);
  lab.run(() => lab.closed !== undefined, 90_000);
  expect(lab.closed?.failure?.code).toBe(code);
  expect(lab.tunnel.deadline).toBeUndefined();
});

test('a gateway that gives up rather than sign in better is called again', async () => {
  const lab = await connected({ gateway: { methods: ['chap-md5'] } });
  expect(lab.session?.authentication).toBe('CHAP-MD5');
  expect(lab.stages.filter((stage) => stage === 'l2tp')).toHaveLength(2);
});

test('a gateway that begins with a lesser method is asked for the best', async () => {
  const lab = await connected({ gateway: { methods: ['chap-md5', 'mschapv2'] } });
  expect(lab.session?.authentication).toBe('MS-CHAPv2');
  expect(lab.stages.filter((stage) => stage === 'l2tp')).toHaveLength(1);
});

test('a gateway that hangs up is told apart from one that fails', async () => {
  const lab = await connected();
  lab.fromGateway(lab.gateway!.hangUp(lab.now));
  lab.run(() => lab.closed !== undefined, 10_000);
  expect(lab.closed?.failure?.code).toBe('L2TP_CLOSED_BY_PEER');
});

test('the relay going away ends the tunnel at once', async () => {
  const lab = await connected();
  lab.input({ kind: 'relay-closed', failure: { code: 'RELAY_CLOSED' } });
  expect(lab.closed?.failure?.code).toBe('RELAY_CLOSED');
});

describe('a gateway whose L2TP moves to another port', () => {
  test('is followed to the one it negotiates SAs for', async () => {
    const lab = await connected({ gateway: { moves: { port: 40_123, negotiates: true } } });
    download(lab, 60_000);
    expect(received(lab)).toEqual(new SeededRandom(99).bytes(100_000));
    expect(lab.gateway!.counters.notOurs).toBe(0);
  });

  test('is not believed without', async () => {
    const lab = await laboratory({ gateway: { moves: { port: 40_123, negotiates: false } } });
    lab.run(() => lab.closed !== undefined, 90_000);
    expect(lab.closed?.failure?.code).toBe('L2TP_NO_RESPONSE');
  });
});

describe('IPv6 in the tunnel', () => {
  test('comes up beside IPv4 and carries a download', async () => {
    const lab = await connected({ gateway: { ipv6: true } });
    lab.run(() => lab.gateway!.linkLocal !== undefined, 1_000);
    lab.run(() => false, 200);
    download(lab, 60_000, lab.gateway!.linkLocal!);
    expect(received(lab)).toEqual(new SeededRandom(99).bytes(100_000));
  });

  test('a router’s prefix becomes an address of the client', async () => {
    const lab = await connected({ gateway: { ipv6: true } });
    lab.run(() => lab.gateway!.linkLocal !== undefined, 1_000);
    lab.run(() => false, 200);
    const data = fromHex(prefix(3600, 1800));
    const from = new IpAddress(lab.gateway!.linkLocal!);
    const advertisement = icmp6('86000000 40000708 00000000 00000000', data, {
      from,
      to: ip('ff02::1'),
      hops: 255,
    });
    lab.fromGateway(lab.gateway!.sendIp(advertisement));
    lab.run(() => false, 200);
    const [told] = lab.network.filter((each) => each.kind === 'ipv6-addresses');
    expect(told?.addresses.map(formatAddress)).toEqual([expect.stringMatching(/^2001:db8:1:2:/)]);
  });

  test('where the gateway has none, nothing waits for it, and its addresses lead nowhere', async () => {
    const lab = await connected({ gateway: { ipv6: true } });
    const without = await connected();
    expect(without.now).toBeLessThanOrEqual(lab.now);
    const address = Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
    without.ip({ kind: 'tcp-connect', socket: 1, address, port: 80 });
    expect(without.network.at(-1)).toMatchObject({
      kind: 'tcp-closed',
      failure: { code: 'UNREACHABLE' },
    });
  });
});
