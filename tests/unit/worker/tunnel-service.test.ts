/** The service between page and tunnel: every end is told once, leaves nothing behind, and connecting again works. */
import { setImmediate as immediate } from 'node:timers/promises';
import { expose, releaseProxy, wrap } from 'comlink';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { nobleSuite } from '../../../shared/crypto/noble.ts';
import { TunnelError } from '../../../shared/errors.ts';
import { groupIdentity } from '../../../shared/ike/credentials.ts';
import { espTransforms } from '../../../shared/ike/phase2-transforms.ts';
import { concat } from '../../../shared/wire/bytes.ts';
import { connectTcp } from '../../../web/ui/tunnel.ts';
import type {
  ConnectRequest,
  FetchReply,
  TunnelApi,
  TunnelState,
} from '../../../web/worker/api.ts';
import {
  OFFLINE_GRACE,
  type ServiceParts,
  TunnelService,
} from '../../../web/worker/tunnel-service.ts';
import { QUICK_PHASE1 } from '../../sim/failure-cases.ts';
import { type CountedSuite, countedSuite } from '../../support/counted-suite.ts';
import { FakeSocket, GatewaySocket } from '../../support/fake-socket.ts';
import type { GatewayConfig } from '../../support/gateway.ts';
import { SeededRandom } from '../../support/random.ts';

const KEY = 'a key that nobody guesses';

const REQUEST: ConnectRequest = {
  relay: 'wss://portal.example/culvert',
  gateway: 'test',
  preSharedKey: KEY,
  userName: 'alice',
  password: 'wonderland',
  esp: { truncatedSha256: false, extendedSequenceNumbers: false },
  allowPap: false,
};

const LOCAL: ConnectRequest = { ...REQUEST, relay: 'ws://127.0.0.1:8443/culvert' };

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function gatewayConfig(overrides: Partial<GatewayConfig> = {}): GatewayConfig {
  return {
    suite: nobleSuite(new SeededRandom(1)),
    random: new SeededRandom(2),
    preSharedKey: new TextEncoder().encode(KEY),
    clientAddress: Uint8Array.of(198, 51, 100, 1),
    clientPorts: { ike: 40_500, natt: 44_500 },
    // The fake relay's port on channel NAT-T.
    innerPort: 44_500,
    accounts: { alice: 'wonderland' },
    methods: ['mschapv2'],
    port: 80,
    content: new Uint8Array(10),
    phase1: [QUICK_PHASE1],
    ...overrides,
  };
}

function stage(parts: Partial<ServiceParts> & { readonly gateway?: Partial<GatewayConfig> } = {}) {
  const { gateway, ...overrides } = parts;
  const states: TunnelState[] = [];
  const sockets: FakeSocket[] = [];
  const suites: CountedSuite[] = [];
  const closedWebs: number[] = [];
  const network = { online: true };
  const service = new TunnelService({
    random: new SeededRandom(3),
    loadSuite: async () => {
      const counted = countedSuite(nobleSuite(new SeededRandom(4)));
      suites.push(counted);
      return counted.suite;
    },
    openSocket: () => {
      const socket = new GatewaySocket(gatewayConfig(gateway));
      sockets.push(socket);
      return socket;
    },
    openWeb: () => ({
      get: (_url, _progress, signal) =>
        new Promise<FetchReply>((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new TunnelError('CANCELLED')));
        }),
      close: () => closedWebs.push(1),
    }),
    online: () => network.online,
    ...overrides,
  });
  service.subscribe((state) => states.push(state));
  const last = () => states.at(-1)!;
  /** Idle with this outcome, and nothing awaited, open or keyed any more. */
  const expectOver = (code: string | undefined): void => {
    const state = last();
    expect(state.kind).toBe('idle');
    expect(state.kind === 'idle' ? state.failure?.code : '').toBe(code);
    expect(sockets.every(({ closed }) => closed)).toBe(true);
    expect(suites.map(({ open }) => open())).toEqual(suites.map(() => 0));
    expect(vi.getTimerCount()).toBe(0);
  };
  const connects = async (request = REQUEST): Promise<void> => {
    service.connect(request);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(last().kind).toBe('connected');
  };
  return { service, sockets, network, states, last, expectOver, connects, closedWebs };
}

describe('the relay', () => {
  test('out of reach: told, and connecting again works', async () => {
    const broken = new FakeSocket();
    let first = true;
    const { service, expectOver, last } = stage({
      openSocket: () => {
        if (!first) return new GatewaySocket(gatewayConfig());
        first = false;
        return broken;
      },
    });
    service.connect(REQUEST);
    await vi.advanceTimersByTimeAsync(0);
    broken.breaks();
    await vi.advanceTimersByTimeAsync(10);
    expectOver('RELAY_UNREACHABLE');
    expect(broken.closed).toBe(true);
    service.connect(REQUEST);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(last().kind).toBe('connected');
  });

  test('closing while connected: what is pending fails, and connecting again works', async () => {
    const { service, sockets, connects, expectOver, closedWebs } = stage();
    await connects();
    const ping = service.ping('10.30.0.99');
    const web = service.fetch('a', 'http://10.30.0.254/');
    sockets[0]!.breaks();
    await vi.advanceTimersByTimeAsync(10);
    expectOver('RELAY_CLOSED');
    expect(await ping).toEqual({ ok: false, failure: { code: 'RELAY_CLOSED' } });
    expect(closedWebs).toEqual([1]);
    service.cancelFetch('a');
    expect(await web).toEqual({ ok: false, failure: { code: 'CANCELLED' } });
    expect(await service.ping('10.30.0.254')).toMatchObject({ failure: { code: 'NOT_CONNECTED' } });
    await connects();
  });

  test('whose WebSocket stalls is missed within 43 s', async () => {
    const { sockets, connects, last, expectOver } = stage();
    await connects();
    (sockets[0] as GatewaySocket).stalled = true;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(last().kind).toBe('connected');
    await vi.advanceTimersByTimeAsync(13_000);
    expectOver('IKE_DEAD_PEER');
  });
});

describe('without a network', () => {
  test('connecting is not even tried', () => {
    const { service, network, sockets, expectOver, states } = stage();
    network.online = false;
    service.connect(REQUEST);
    expectOver('TAB_OFFLINE');
    expect(sockets).toEqual([]);
    expect(states.map(({ kind }) => kind)).toEqual(['idle', 'connecting', 'idle']);
  });

  test('connecting ends at once', async () => {
    const { service, network, expectOver, connects } = stage();
    service.connect(REQUEST);
    await vi.advanceTimersByTimeAsync(20);
    network.online = false;
    service.networkLost();
    await vi.advanceTimersByTimeAsync(10);
    expectOver('TAB_OFFLINE');
    network.online = true;
    await connects();
  });

  test('a tunnel ends after a moment', async () => {
    const { service, network, last, connects, expectOver } = stage();
    await connects();
    network.online = false;
    service.networkLost();
    service.networkLost();
    await vi.advanceTimersByTimeAsync(OFFLINE_GRACE - 1);
    expect(last().kind).toBe('connected');
    await vi.advanceTimersByTimeAsync(10);
    expectOver('TAB_OFFLINE');
  });

  test('a tunnel outlives a change of network', async () => {
    const { service, network, last, connects } = stage();
    await connects();
    network.online = false;
    service.networkLost();
    await vi.advanceTimersByTimeAsync(OFFLINE_GRACE / 2);
    network.online = true;
    await vi.advanceTimersByTimeAsync(OFFLINE_GRACE);
    expect(last().kind).toBe('connected');
    await Promise.all([service.disconnect(), vi.advanceTimersByTimeAsync(3_000)]);
  });

  test('a relay on this device is tried all the same; if it fails, the network is named', async () => {
    const { service, network, last, connects, sockets, expectOver } = stage();
    network.online = false;
    await connects(LOCAL);
    service.networkLost();
    await vi.advanceTimersByTimeAsync(2 * OFFLINE_GRACE);
    expect(last().kind).toBe('connected');
    sockets[0]!.breaks();
    await vi.advanceTimersByTimeAsync(10);
    expectOver('TAB_OFFLINE');
  });
});

describe('giving up', () => {
  test('while the tunnel’s program loads opens nothing afterwards', async () => {
    const loads: (() => void)[] = [];
    const { service, sockets, network, last } = stage({
      loadSuite: () =>
        new Promise((resolve) => {
          loads.push(() => resolve(nobleSuite(new SeededRandom(5))));
        }),
    });
    service.connect(REQUEST);
    network.online = false;
    service.networkLost();
    expect(last()).toEqual({ kind: 'idle', failure: { code: 'TAB_OFFLINE' } });
    network.online = true;
    service.connect(REQUEST);
    for (const load of loads) load();
    await vi.advanceTimersByTimeAsync(0);
    expect(sockets).toHaveLength(1);
    await Promise.all([service.disconnect(), vi.advanceTimersByTimeAsync(3_000)]);
  });

  test('while connecting is no failure', async () => {
    const { service, expectOver } = stage();
    service.connect(REQUEST);
    await vi.advanceTimersByTimeAsync(20);
    await Promise.all([service.disconnect(), vi.advanceTimersByTimeAsync(3_000)]);
    expectOver(undefined);
  });

  test('a program that does not load is told, and loaded again the next time', async () => {
    let loads = 0;
    const { service, last } = stage({
      loadSuite: async () => {
        loads += 1;
        if (loads === 1) throw new TunnelError('RELAY_UNREACHABLE', 'did not load');
        return nobleSuite(new SeededRandom(5));
      },
    });
    service.connect(REQUEST);
    await vi.advanceTimersByTimeAsync(0);
    expect(last()).toMatchObject({
      failure: { code: 'RELAY_UNREACHABLE', detail: 'did not load' },
    });
    service.connect(REQUEST);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(last().kind).toBe('connected');
    await Promise.all([service.disconnect(), vi.advanceTimersByTimeAsync(3_000)]);
  });
});

describe('consent', () => {
  test('PAP is refused without it, whatever the gateway says', async () => {
    const { service, last } = stage({ gateway: { methods: ['pap'] } });
    service.connect(REQUEST);
    await vi.advanceTimersByTimeAsync(15_000);
    expect(last()).toMatchObject({ failure: { code: 'PPP_NO_AUTH_PROTOCOL', wants: 'pap' } });
  });

  test('PAP is used with it', async () => {
    const { service, connects, last } = stage({ gateway: { methods: ['pap'] } });
    await connects({ ...REQUEST, allowPap: true });
    expect(last()).toMatchObject({
      session: { authentication: 'PAP', weak: ['MODP-1024', 'PAP'] },
    });
    await Promise.all([service.disconnect(), vi.advanceTimersByTimeAsync(3_000)]);
  });
});

describe('a group name', () => {
  const aggressive = { name: 'staff', group: 2 } as const;
  const gateway = { aggressive: { identity: groupIdentity('gateway'), group: 2 } } as const;

  test('has the exchange use aggressive mode', async () => {
    const { service, connects, last } = stage({ gateway });
    await connects({ ...REQUEST, weak: { aggressive } });
    expect(last()).toMatchObject({
      session: { weak: expect.arrayContaining(['aggressive mode']) },
    });
    await Promise.all([service.disconnect(), vi.advanceTimersByTimeAsync(3_000)]);
  });

  test('is what it takes: without one a gateway that knows aggressive mode is met in main mode', async () => {
    const { service, connects, last } = stage({ gateway });
    await connects({ ...REQUEST, weak: {} });
    expect(last()).toMatchObject({
      session: { weak: expect.not.arrayContaining(['aggressive mode']) },
    });
    await Promise.all([service.disconnect(), vi.advanceTimersByTimeAsync(3_000)]);
  });

  test('that cannot be used ends the attempt before anything is dialled', async () => {
    const { service, sockets, last } = stage({ gateway });
    service.connect({ ...REQUEST, weak: { aggressive: { ...aggressive, name: ' ' } } });
    await vi.advanceTimersByTimeAsync(0);
    expect(last()).toMatchObject({ kind: 'idle', failure: { code: 'BAD_INPUT' } });
    expect(sockets).toEqual([]);
  });
});

test('what is known of the gateway’s ESP comes to the exchange', async () => {
  const phase2 = espTransforms({ truncatedSha256: true, extendedSequenceNumbers: true });
  const { service, connects, last } = stage({ gateway: { phase2: phase2.slice(2) } });
  await connects({
    ...REQUEST,
    esp: { truncatedSha256: true, extendedSequenceNumbers: true },
  });
  expect(last()).toMatchObject({ session: { esp: 'AES-CBC-256, HMAC-SHA2-256-96, ESN' } });
  await Promise.all([service.disconnect(), vi.advanceTimersByTimeAsync(3_000)]);
});

test('a request can be cancelled, and only that one', async () => {
  const { service, connects } = stage();
  await connects();
  const [one, two] = [service.fetch('1', 'http://a/'), service.fetch('2', 'http://b/')];
  service.cancelFetch('1');
  service.cancelFetch('3');
  expect(await one).toEqual({ ok: false, failure: { code: 'CANCELLED' } });
  service.cancelFetch('2');
  expect(await two).toEqual({ ok: false, failure: { code: 'CANCELLED' } });
  await Promise.all([service.disconnect(), vi.advanceTimersByTimeAsync(3_000)]);
});

describe('connections', () => {
  const CONTENT = Uint8Array.from({ length: 300_000 }, (_, i) => i % 251);

  /** Lets time and messages between threads pass until `promise` settles. */
  async function settle<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const mark = () => {
      settled = true;
    };
    promise.then(mark, mark);
    for (let i = 0; i < 2_000 && !settled; i++) {
      await vi.advanceTimersByTimeAsync(5);
      await immediate();
    }
    return promise;
  }

  /** The page's end of a port to a service that is connected. */
  async function page() {
    const staged = stage({ gateway: { content: CONTENT } });
    await staged.connects();
    const { port1, port2 } = new MessageChannel();
    expose(staged.service, port1);
    const remote = wrap<TunnelApi>(port2);
    const done = () => {
      remote[releaseProxy]();
      port1.close();
    };
    return { ...staged, remote, done };
  }

  test('are transferred to the page with their streams, read there, and end in order', async () => {
    const { remote, service, done } = await page();
    const outcome = await settle(connectTcp(remote, '10.30.0.254', 80));
    if (!outcome.ok) throw new Error(outcome.failure.code);
    const { readable, writable, opened, closed } = outcome.value;
    expect(await opened).toMatchObject({ remoteAddress: '10.30.0.254', remotePort: 80 });
    const table = await settle(service.connections());
    expect(table).toMatchObject({ ok: true, value: [{ remote: '10.30.0.254:80' }] });
    const read = (async () => {
      const parts: Uint8Array<ArrayBuffer>[] = [];
      for await (const part of readable) parts.push(part);
      return concat(...parts);
    })();
    expect(await settle(read)).toEqual(CONTENT);
    await settle(writable.close());
    await settle(closed);
    expect(await service.connections()).toEqual({ ok: true, value: [] });
    done();
  });

  test('end at once when the page wants it, and with a code when the tunnel goes', async () => {
    const { remote, sockets, service, done } = await page();
    const first = await settle(connectTcp(remote, '10.30.0.254', 80));
    if (!first.ok) throw new Error(first.failure.code);
    await settle(first.value.close());
    await settle(first.value.closed);
    expect(await service.connections()).toEqual({ ok: true, value: [] });
    const second = await settle(connectTcp(remote, '10.30.0.254', 80));
    if (!second.ok) throw new Error(second.failure.code);
    sockets[0]!.breaks();
    await expect(settle(second.value.closed)).rejects.toMatchObject({ code: 'RELAY_CLOSED' });
    const third = await settle(connectTcp(remote, '10.30.0.254', 80));
    expect(third).toEqual({ ok: false, failure: { code: 'NOT_CONNECTED' } });
    done();
  });

  test('that cannot be made say why', async () => {
    const { remote, done } = await page();
    expect(await settle(connectTcp(remote, '10.30.0.254', 81))).toMatchObject({
      ok: false,
      failure: { code: 'CONNECTION_REFUSED' },
    });
    expect(await settle(connectTcp(remote, '10.30.0.254', 0))).toMatchObject({
      failure: { code: 'BAD_INPUT' },
    });
    done();
  });
});
