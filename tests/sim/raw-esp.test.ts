/** A tunnel over raw ESP: when it is used, what is claimed for it, and what becomes of it where it does not get through. */
import { describe, expect, test } from 'vitest';
import { Channel } from '../../shared/relay/channels.ts';
import type { ClaimRefusalCode } from '../../shared/relay/close-codes.ts';
import { type ControlFromRelay, encodeControl } from '../../shared/relay/control.ts';
import { forEachRecord } from '../../shared/relay/frames.ts';
import type { TunnelConfig } from '../../shared/vpn/tunnel.ts';
import { concat } from '../../shared/wire/bytes.ts';
import { type CountedSuite, countedSuite } from '../support/counted-suite.ts';
import { GATEWAY_INNER, type GatewayConfig } from '../support/gateway.ts';
import { type EspRelay, Laboratory, type LaboratoryOptions } from '../support/laboratory.ts';
import { nodeSuite } from '../support/node-suite.ts';
import { SeededRandom } from '../support/random.ts';
import { QUICK_PHASE1 } from './failure-cases.ts';

const PSK = new TextEncoder().encode('a key that nobody guesses');
const CONTENT = new SeededRandom(99).bytes(20_000);

interface Variation {
  readonly esp?: EspRelay | 'none';
  readonly gateway?: Partial<GatewayConfig>;
  readonly tunnel?: Partial<TunnelConfig>;
  readonly lab?: Partial<LaboratoryOptions>;
  /** The inner port that the gateway expects, where the tunnel is not told which one to take. */
  readonly ownPort?: number;
}

const suites = new WeakMap<Laboratory, CountedSuite>();

async function laboratory(variation: Variation = {}): Promise<Laboratory> {
  const { esp = {}, gateway, tunnel, lab, ownPort } = variation;
  const counted = countedSuite(nodeSuite(20));
  const world = new Laboratory({
    tunnel: {
      suite: counted.suite,
      random: new SeededRandom(21),
      gateway: 'test',
      credentials: { kind: 'pre-shared-key', key: PSK },
      userName: 'alice',
      password: 'wonderland',
      authMethods: ['mschapv2'],
      ...(ownPort === undefined && { innerPort: 50_000 }),
      ...tunnel,
    },
    gateway: {
      suite: nodeSuite(10),
      random: new SeededRandom(11),
      preSharedKey: PSK,
      clientAddress: Uint8Array.of(198, 51, 100, 1),
      clientPorts: { ike: 40_500, natt: 44_500 },
      innerPort: ownPort ?? 50_000,
      accounts: { alice: 'wonderland' },
      methods: ['mschapv2'],
      port: 80,
      content: CONTENT,
      phase1: [QUICK_PHASE1],
      phase2: [{ cipher: 'aes-cbc', keyBits: 128, integrity: 'hmac-sha1-96' }],
      ...gateway,
    },
    link: { seed: 1, latency: 20, jitter: 5 },
    ...(esp !== 'none' && { esp }),
    ...lab,
  });
  suites.set(world, counted);
  await Promise.resolve();
  return world;
}

async function connected(variation?: Variation): Promise<Laboratory> {
  const lab = await laboratory(variation);
  lab.run(() => lab.session !== undefined || lab.closed !== undefined, 60_000);
  expect(lab.closed).toBeUndefined();
  expect(lab.session).toBeDefined();
  return lab;
}

/** How many records left the tab on each channel that carries any. */
function channels(lab: Laboratory): Partial<Record<keyof typeof Channel, number>> {
  const counts: Partial<Record<keyof typeof Channel, number>> = {};
  const names = Object.keys(Channel) as (keyof typeof Channel)[];
  for (const frame of lab.sent) {
    forEachRecord(frame, (number) => {
      const name = names.find((each) => Channel[each] === number)!;
      counts[name] = (counts[name] ?? 0) + 1;
    });
  }
  return counts;
}

let sockets = 0;

function download(lab: Laboratory): Uint8Array {
  lab.network.length = 0;
  const socket = ++sockets;
  lab.ip({ kind: 'tcp-connect', socket, address: GATEWAY_INNER, port: 80 });
  lab.run(() => lab.network.some(({ kind }) => kind === 'tcp-end'), 30_000);
  return concat(...lab.network.flatMap((each) => (each.kind === 'tcp-data' ? [each.bytes] : [])));
}

function close(lab: Laboratory): void {
  lab.input({ kind: 'close' });
  lab.run(() => lab.closed !== undefined, 10_000);
  expect(lab.closed).toEqual({ kind: 'closed' });
  expectNothingLeft(lab);
}

function expectNothingLeft(lab: Laboratory): void {
  expect(lab.tunnel.deadline).toBeUndefined();
  expect(suites.get(lab)!.open()).toBe(0);
}

describe('without a NAT', () => {
  test('ESP goes by its own channel and IKE stays on port 500', async () => {
    const lab = await connected();
    expect(lab.session?.transport).toBe('Raw ESP');
    expect(download(lab)).toEqual(CONTENT);
    expect(Object.keys(channels(lab)).sort()).toEqual(['esp', 'ike']);
    close(lab);
  });

  test.each([
    ['Raw ESP', {}, 41_701],
    ['UDP 4500', { esp: 'none' }, 44_500],
  ] as const)(
    'over %s the inner port is one of this session’s at the relay',
    async (transport, variation, ownPort) => {
      const lab = await connected({ ...variation, ownPort });
      expect(lab.session?.transport).toBe(transport);
      close(lab);
    },
  );

  test('there is room for the outer UDP header’s bytes', async () => {
    const udp = await connected({ esp: 'none', gateway: { mru: 1500 } });
    const raw = await connected({ gateway: { mru: 1500 } });
    expect(udp.session?.transport).toBe('UDP 4500');
    // A block of the cipher holds them, or begins with them.
    expect([0, 16]).toContain(raw.session!.mtu - udp.session!.mtu);
    expect(raw.session!.mtu).toBeGreaterThanOrEqual(udp.session!.mtu);
    close(udp);
    close(raw);
  });

  test('idle, it sends no NAT keepalives', async () => {
    const lab = await connected();
    lab.run(() => false, 300_000);
    expect(lab.closed).toBeUndefined();
    expect(channels(lab).natt).toBeUndefined();
    close(lab);
  });

  test('a rekey claims its SPI first, and the tunnel goes on', async () => {
    const lab = await connected();
    const hour = () => lab.claims.filter(({ type }) => type === 'claim').length >= 3;
    lab.run(hour, 3_600_000);
    expect(download(lab)).toEqual(CONTENT);
    lab.run(() => lab.claims.some(({ type }) => type === 'release'), 3_600_000);
    expect(lab.claims.find(({ type }) => type === 'release')?.spi).toBe(lab.claims[0]?.spi);
    expect(download(lab)).toEqual(CONTENT);
    close(lab);
  });

  test('a collision at the relay costs another draw', async () => {
    let first = true;
    const claim = (spi: number): ControlFromRelay => {
      const taken = first;
      first = false;
      return taken
        ? { type: 'claim-refused', spi, code: 'RELAY_SPI_TAKEN' }
        : { type: 'claimed', spi };
    };
    const lab = await connected({ esp: { claim } });
    expect(lab.session?.transport).toBe('Raw ESP');
    close(lab);
  });
});

describe('UDP encapsulation is used at once', () => {
  const elsewhere = Uint8Array.of(203, 0, 113, 77);

  test.each<[string, Variation]>([
    ['without the channel', { esp: 'none' }],
    ['behind a NAT', { gateway: { clientAddress: elsewhere } }],
    ['where the user wants it', { tunnel: { forceEncapsulation: true } }],
  ])('%s', async (_why, variation) => {
    const lab = await connected(variation);
    expect(lab.session?.transport).toBe('UDP 4500');
    expect(lab.claims).toEqual([]);
    expect(channels(lab).esp).toBeUndefined();
    expect(lab.stages.filter((stage) => stage === 'ike-phase-1')).toHaveLength(1);
    close(lab);
  });

  test('and is not, for a gateway that claims a NAT, where the relay knows better', async () => {
    const lab = await connected({ esp: { nat: 'none' }, gateway: { clientAddress: elsewhere } });
    expect(lab.session?.transport).toBe('Raw ESP');
    close(lab);
  });

  test('a gateway without NAT traversal is reached by raw ESP alone', async () => {
    const lab = await connected({ gateway: { natTraversal: 'off' } });
    expect(lab.session?.transport).toBe('Raw ESP');
    close(lab);
  });
});

describe('where raw ESP does not get through', () => {
  const refusal =
    (code: ClaimRefusalCode) =>
    (spi: number): ControlFromRelay => ({ type: 'claim-refused', spi, code });

  test.each<[string, EspRelay, number]>([
    ['a firewall swallows it', { blocked: true }, 6_000],
    ['the relay refuses the claim', { claim: refusal('RELAY_SPI_LIMIT') }, 1_000],
    ['every SPI is taken', { claim: refusal('RELAY_SPI_TAKEN') }, 1_000],
    ['the relay does not answer the claim', { claim: () => undefined }, 6_000],
    [
      'the relay grants another SPI',
      { claim: (spi) => ({ type: 'claimed', spi: spi ^ 1 }) },
      6_000,
    ],
  ])('the tunnel begins anew in UDP when %s', async (_what, esp, within) => {
    const lab = await laboratory({ esp });
    lab.run(() => lab.stages.filter((each) => each === 'ike-phase-1').length === 2, 60_000);
    expect(lab.now).toBeLessThanOrEqual(within);
    lab.run(() => lab.session !== undefined, 10_000);
    expect(lab.session?.transport).toBe('UDP 4500');
    expect(download(lab)).toEqual(CONTENT);
    expect(lab.claimed).toBe(0);
    close(lab);
  });

  test('and at once when the system says that it is unreachable', async () => {
    const lab = await laboratory({ esp: { blocked: true } });
    lab.run(() => lab.stages.includes('l2tp'), 10_000);
    const since = lab.now;
    const text = encodeControl({ type: 'unreachable', channel: 'esp', reason: 'EHOSTUNREACH' });
    lab.input({ kind: 'control', text });
    lab.input({ kind: 'control', text });
    lab.run(() => lab.session !== undefined, 10_000);
    expect(lab.session?.transport).toBe('UDP 4500');
    expect(lab.now - since).toBeLessThan(2_000);
    close(lab);
  });

  test('once: what fails then is the outcome', async () => {
    const lab = await laboratory({ esp: { blocked: true }, gateway: { natTraversal: 'off' } });
    lab.run(() => lab.closed !== undefined, 60_000);
    expect(lab.closed?.failure).toMatchObject({
      code: 'IKE_REFUSED',
      detail: expect.stringMatching(/NAT traversal/),
    });
    expectNothingLeft(lab);
  });

  test('a wrong password is not tried twice', async () => {
    const lab = await laboratory({ tunnel: { password: 'looking glass' } });
    lab.run(() => lab.closed !== undefined, 60_000);
    expect(lab.closed?.failure?.code).toBe('PPP_AUTH_FAILED');
    expect(lab.stages.filter((stage) => stage === 'ike-phase-1')).toHaveLength(1);
  });

  test('a user who cancels meanwhile is obeyed', async () => {
    const lab = await laboratory({ esp: { blocked: true } });
    lab.run(() => lab.stages.includes('l2tp'), 10_000);
    close(lab);
    expect(lab.stages.filter((stage) => stage === 'ike-phase-1')).toHaveLength(1);
  });

  test('a tunnel that stood is not begun anew', async () => {
    const lab = await connected();
    lab.input({
      kind: 'control',
      text: encodeControl({ type: 'unreachable', channel: 'esp', reason: 'EHOSTUNREACH' }),
    });
    lab.fromGateway(lab.gateway!.hangUp(lab.now, 'ike'));
    lab.run(() => lab.closed !== undefined, 60_000);
    expect(lab.closed?.failure?.code).toBe('IKE_CLOSED_BY_PEER');
    expect(lab.stages.filter((stage) => stage === 'ike-phase-1')).toHaveLength(1);
  });
});

describe('a hostile relay', () => {
  const esp = Uint8Array.of(0, 0, 16, 0, 0, 0, 0, 1, ...new Uint8Array(40));
  const record = (bytes: Uint8Array) =>
    Uint8Array.of(Channel.esp, bytes.length >>> 8, bytes.length, ...bytes);
  const strays: readonly ControlFromRelay[] = [
    { type: 'claimed', spi: 4096 },
    { type: 'claim-refused', spi: 4096, code: 'RELAY_SPI_TAKEN' },
    { type: 'claim-refused', spi: 4096, code: 'RELAY_SPI_LIMIT' },
  ];

  test.each(['none', {}] as const)(
    'that answers what nobody asked changes nothing (%#)',
    async (relay) => {
      const lab = await laboratory({ esp: relay });
      for (let step = 0; lab.session === undefined && step < 500; step++) {
        for (const stray of strays) lab.input({ kind: 'control', text: encodeControl(stray) });
        lab.input({ kind: 'frame', bytes: record(esp) });
        let steps = 0;
        lab.run(() => steps++ > 0, 60_000);
      }
      expect(lab.session?.transport).toBe(relay === 'none' ? 'UDP 4500' : 'Raw ESP');
      expect(lab.stages.filter((stage) => stage === 'ike-phase-1')).toHaveLength(1);
      expect(download(lab)).toEqual(CONTENT);
      close(lab);
    },
  );

  test('that opens nothing and claims all the same is not heard', async () => {
    const lab = await laboratory({ lab: { answer: () => encodeControl(strays[0]!) } });
    lab.run(() => lab.closed !== undefined, 60_000);
    expect(lab.closed?.failure?.code).toBe('RELAY_UNREACHABLE');
  });
});
