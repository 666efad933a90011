import { describe, expect, test } from 'vitest';
import { AcceptedCertificates } from '../../../web/ui/accepted-certificates.ts';
import { Consents } from '../../../web/ui/consents.ts';
import { decodeGateways, GATEWAYS_LIMIT, type GatewayList } from '../../../web/ui/gateways.ts';
import { Portal } from '../../../web/ui/portal.ts';
import type { Tunnel, TunnelEvents } from '../../../web/ui/tunnel.ts';
import type { ConnectRequest } from '../../../web/worker/api.ts';

const form = { gateway: 'demo', preSharedKey: 'sesame', userName: 'alice', password: 'wonderland' };

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
    ...overrides,
  };
  let lists: GatewayList = { kind: 'failed', failure: { code: 'RELAY_UNREACHABLE' } };
  const portal = new Portal({
    relay: 'wss://portal.example/culvert',
    openTunnel: (listener) => {
      events.push(listener);
      return tunnel;
    },
    loadGateways: async () => lists,
    consents: new Consents(undefined),
    certificates: new AcceptedCertificates(undefined),
  });
  const answer = (list: GatewayList): void => {
    lists = list;
  };
  return { portal, calls, requests, answer, worker: events[0]! };
}

describe('the portal', () => {
  test('shows connecting at once and passes the form on, with the relay’s address', () => {
    const { portal, requests } = stage();
    portal.connect(form);
    expect(portal.view.value).toEqual({ kind: 'connecting', stage: 'relay' });
    expect(requests).toEqual([{ relay: 'wss://portal.example/culvert', ...form, allowPap: false }]);
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
