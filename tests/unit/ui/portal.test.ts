import { describe, expect, test } from 'vitest';
import { AcceptedCertificates } from '../../../web/ui/accepted-certificates.ts';
import { Consents } from '../../../web/ui/consents.ts';
import { EspSettingsList, PLAIN_ESP } from '../../../web/ui/esp-settings.ts';
import { decodeGateways, GATEWAYS_LIMIT, type GatewayList } from '../../../web/ui/gateways.ts';
import type { Visit } from '../../../web/ui/playground.ts';
import { Portal } from '../../../web/ui/portal.ts';
import type { Tunnel, TunnelEvents } from '../../../web/ui/tunnel.ts';
import type { ConnectRequest, Session } from '../../../web/worker/api.ts';

const form = { gateway: 'demo', preSharedKey: 'sesame', userName: 'alice', password: 'wonderland' };

/** Nobody records anything here. */
const silentInspector: Tunnel['inspector'] = {
  record: async () => {},
  clear: async () => {},
  look: async () => undefined,
  details: async () => undefined,
  capture: async () => new Uint8Array(0),
  keyTables: async () => '',
};

const ACCOUNT: Visit = {
  preSharedKey: 'playground',
  userName: 'visitor',
  password: 'ticket',
  bookmarks: [{ title: 'Wiki', url: 'http://wiki.intranet.test/', description: '' }],
};

function stage(overrides: Partial<Tunnel> = {}) {
  const calls: string[] = [];
  const requests: ConnectRequest[] = [];
  const events: TunnelEvents[] = [];
  const tunnel: Tunnel = {
    connect: async (request) => {
      requests.push(request);
    },
    disconnect: async () => {
      calls.push('disconnect');
    },
    ping: async () => ({ ok: false, failure: { code: 'TIMED_OUT' } }),
    connections: async () => ({ ok: true, value: [] }),
    makeKey: async () => ({ ok: false, failure: { code: 'TIMED_OUT' } }),
    publicHalf: async () => ({ ok: false, failure: { code: 'TIMED_OUT' } }),
    connectTcp: async () => ({ ok: false, failure: { code: 'TIMED_OUT' } }),
    fetch: async () => ({ ok: false, failure: { code: 'TIMED_OUT' } }),
    inspector: silentInspector,
    ...overrides,
  };
  let visits = 0;
  let givesAccounts = true;
  let lists: GatewayList = { kind: 'failed', failure: { code: 'RELAY_UNREACHABLE' } };
  const portal = new Portal({
    relay: 'wss://portal.example/culvert',
    openTunnel: (listener) => {
      events.push(listener);
      return tunnel;
    },
    loadGateways: async () => lists,
    loadVisit: async () =>
      givesAccounts ? { ...ACCOUNT, userName: `visitor ${++visits}` } : undefined,
    consents: new Consents(undefined),
    hidden: () => false,
    certificates: new AcceptedCertificates(undefined),
    espSettings: new EspSettingsList(undefined),
  });
  const answer = (list: GatewayList): void => {
    lists = list;
  };
  const withhold = (): void => {
    givesAccounts = false;
  };
  return { portal, calls, requests, answer, withhold, worker: events[0]! };
}

describe('the portal', () => {
  test('shows connecting at once and passes the form on, with the relay’s address', () => {
    const { portal, requests } = stage();
    portal.connect(form);
    expect(portal.view.value).toEqual({ kind: 'connecting', stage: 'relay' });
    expect(requests).toEqual([
      { relay: 'wss://portal.example/culvert', ...form, esp: PLAIN_ESP, allowPap: false },
    ]);
  });

  test('passes consent on for the one gateway it was given for, until it is taken back', () => {
    const { portal, requests, worker } = stage();
    worker.state({ kind: 'idle' });
    const end = () =>
      worker.state({ kind: 'idle', failure: { code: 'PPP_NO_AUTH_PROTOCOL', wants: 'pap' } });
    const consents = (gateway: string): boolean => {
      portal.connect({ ...form, gateway });
      end();
      return requests.at(-1)!.allowPap;
    };
    expect(consents('demo')).toBe(false);
    const wanted = portal.wanted!;
    expect(wanted).toEqual({ relay: 'wss://portal.example', gateway: 'demo' });
    portal.consents.put(wanted);
    expect(consents('demo')).toBe(true);
    expect(consents('other')).toBe(false);
    portal.consents.remove(wanted);
    expect(consents('demo')).toBe(false);
  });

  test('passes on a group name and XAUTH only where they are ticked', () => {
    const { portal, requests, worker } = stage();
    worker.state({ kind: 'idle' });
    const typed = { groupName: 'staff', group: 5, xauthName: 'bob', xauthPassword: 'b' } as const;
    for (const groupConsent of [false, true]) {
      portal.connect({ ...form, weak: { ...typed, groupConsent, xauthConsent: false } });
      worker.state({ kind: 'idle' });
    }
    expect(requests.map(({ weak }) => weak)).toEqual([
      {},
      { aggressive: { name: 'staff', group: 5 } },
    ]);
    expect(JSON.stringify(requests)).not.toContain('bob');
  });

  test('passes on what was set for the gateway’s ESP, and for no other', () => {
    const { portal, requests, worker } = stage();
    worker.state({ kind: 'idle' });
    portal.espSettings.change(portal.keyOf('demo'), { truncatedSha256: true });
    for (const gateway of ['demo', 'other']) {
      portal.connect({ ...form, gateway });
      worker.state({ kind: 'idle' });
    }
    expect(requests.map(({ esp }) => esp)).toEqual([
      { truncatedSha256: true, extendedSequenceNumbers: false },
      PLAIN_ESP,
    ]);
  });

  test('asks for consent only after a failure that wants it', () => {
    const { portal, worker } = stage();
    expect(portal.wanted).toBeUndefined();
    portal.connect(form);
    worker.state({ kind: 'idle', failure: { code: 'PPP_NO_AUTH_PROTOCOL', detail: 'EAP' } });
    expect(portal.wanted).toBeUndefined();
  });

  test('names the gateway of a consent, or its id and relay where it is not listed', async () => {
    const { portal, answer } = stage();
    answer({ kind: 'loaded', gateways: [{ id: 'demo', name: 'Head office' }] });
    await portal.reloadGateways();
    const here = 'wss://portal.example';
    expect(portal.nameOf({ relay: here, gateway: 'demo' })).toBe('Head office');
    expect(portal.nameOf({ relay: here, gateway: 'gone' })).toBe(`gone at ${here}`);
    expect(portal.nameOf({ relay: 'wss://x\u202e', gateway: 'demo' })).toBe('demo at wss://x');
  });

  test('does not connect twice', () => {
    const { portal, requests } = stage();
    portal.connect(form);
    portal.connect(form);
    expect(requests).toHaveLength(1);
  });

  test('is not thrown back by the first `idle` of a worker that starts late', () => {
    const { portal, worker } = stage();
    portal.connect(form);
    worker.state({ kind: 'idle' });
    expect(portal.view.value.kind).toBe('connecting');
    worker.state({ kind: 'idle', failure: { code: 'IKE_NO_RESPONSE' } });
    expect(portal.view.value.kind).toBe('ready');
  });

  test('says when the worker breaks, and ends what may be left of the tunnel', () => {
    const { portal, worker, calls } = stage();
    worker.fault('boom\u202e');
    expect(portal.view.value).toEqual({
      kind: 'ready',
      failure: { code: 'INTERNAL', detail: 'boom' },
      where: 'worker',
    });
    expect(calls).toEqual(['disconnect']);
  });

  test('turns a rejected call into a failure', async () => {
    const { portal } = stage({ ping: () => Promise.reject(new Error('port closed')) });
    expect(await portal.ping('host')).toEqual({
      ok: false,
      failure: { code: 'INTERNAL', detail: 'port closed' },
    });
  });

  test('asks for the gateways again', async () => {
    const { portal, answer } = stage();
    answer({ kind: 'loaded', gateways: [{ id: 'a', name: 'A' }] });
    const asked = portal.reloadGateways();
    expect(portal.gateways.value.kind).toBe('loading');
    await asked;
    expect(portal.gateways.value).toEqual({
      kind: 'loaded',
      gateways: [{ id: 'a', name: 'A' }],
    });
  });
});

describe('the playground', () => {
  const LIST: GatewayList = {
    kind: 'loaded',
    gateways: [
      { id: 'demo', name: 'Head office' },
      { id: 'play', name: 'Playground', playground: true },
    ],
  };

  async function atPlayground() {
    const staged = stage();
    staged.answer(LIST);
    await staged.portal.reloadGateways();
    staged.worker.state({ kind: 'idle' });
    return staged;
  }

  test('has an account for the page, and another after every call there', async () => {
    const { portal, worker } = await atPlayground();
    expect(portal.playground).toBe('play');
    expect(portal.visit.value?.userName).toBe('visitor 1');
    const call = async (gateway: string) => {
      portal.connect({ ...form, gateway });
      worker.state({ kind: 'idle', failure: { code: 'PPP_AUTH_FAILED' } });
      await Promise.resolve();
      return portal.visit.value?.userName;
    };
    expect(await call('play')).toBe('visitor 2');
    expect(await call('demo')).toBe('visitor 2');
  });

  test('the account stays where no other is to be had', async () => {
    const { portal, worker, withhold } = await atPlayground();
    withhold();
    portal.connect({ ...form, gateway: 'play' });
    worker.state({ kind: 'idle', failure: { code: 'TAB_OFFLINE' } });
    await expect.poll(() => portal.visitPending).toBe(false);
    expect(portal.visit.value?.userName).toBe('visitor 1');
  });

  test('shows what is behind it to who is connected to it', async () => {
    const { portal, worker } = await atPlayground();
    const session = {} as Session;
    expect(portal.bookmarks).toEqual([]);
    portal.connect({ ...form, gateway: 'play' });
    worker.state({ kind: 'connected', session });
    expect(portal.bookmarks).toEqual(ACCOUNT.bookmarks);
    worker.state({ kind: 'idle' });
    portal.connect(form);
    worker.state({ kind: 'connected', session });
    expect(portal.bookmarks).toEqual([]);
  });

  test('without one there is no account', async () => {
    const { portal, answer } = stage();
    answer({ kind: 'loaded', gateways: [{ id: 'demo', name: 'Head office' }] });
    await portal.reloadGateways();
    expect([portal.playground, portal.visit.value]).toEqual([undefined, undefined]);
  });

  test('a link fills the address in, a bookmark has it fetched', () => {
    const { portal, requests } = stage();
    portal.follow({ gateway: 'play', open: 'http://wiki.intranet.test/' });
    const url = 'http://wiki.intranet.test/';
    expect(portal.destination.value).toEqual({ url, atOnce: false });
    portal.open(url);
    expect(portal.destination.value).toEqual({ url, atOnce: true });
    expect(requests).toEqual([]);
  });
});

describe('the relay’s list', () => {
  test('is taken over with names fit for a screen', () => {
    const answer = {
      gateways: [
        { id: 'a', name: 'A\u0007', more: 1 },
        { id: 'b', name: '' },
      ],
    };
    expect(decodeGateways(answer)).toEqual([
      { id: 'a', name: 'A' },
      { id: 'b', name: 'b' },
    ]);
    expect(decodeGateways({ gateways: [] })).toEqual([]);
  });

  test.each([null, 1, [], {}, { gateways: {} }, { gateways: [1] }, { gateways: [{ id: 'a' }] }])(
    'is refused as %j',
    (answer) => {
      expect(decodeGateways(answer)).toBeUndefined();
    },
  );

  test('is bounded', () => {
    const gateways = Array.from({ length: GATEWAYS_LIMIT + 1 }, (_, id) => ({
      id: String(id),
      name: 'x',
    }));
    expect(decodeGateways({ gateways })).toHaveLength(GATEWAYS_LIMIT);
  });
});
