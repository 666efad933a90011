/** A gateway that has its clients call at another address. RFC 3193 §4.2.3. */
import { expect, test } from 'vitest';
import type { Avp } from '../../shared/l2tp/avp.ts';
import { decodeControl, encodeControl } from '../../shared/l2tp/message.ts';
import { MessageType } from '../../shared/l2tp/numbers.ts';
import { REFUSALS } from '../../shared/relay/close-codes.ts';
import { encodeControl as encodeRelayControl } from '../../shared/relay/control.ts';
import type { Bytes } from '../../shared/wire/bytes.ts';
import { utf8Encode } from '../../shared/wire/text.ts';
import type { GatewayConfig } from '../support/gateway.ts';
import type { Laboratory, LaboratoryOptions } from '../support/laboratory.ts';
import { quickLaboratory } from '../support/quick-laboratory.ts';

/** StopCCN "Try another" in answer to the first `times` tunnels, naming what `where` says. */
function sendsAway(where: string, times: number): GatewayConfig['misbehaviour'] {
  const sent = new Set<number>();
  return {
    l2tp: (bytes) => {
      const message = decodeControl(bytes);
      if (message.kind === 'zlb') return sent.size > 0 && message.tunnelId === 77 ? [] : undefined;
      const own = message.avps.find(({ kind }) => kind === 'assignedTunnelId');
      if (message.type !== MessageType.SCCRQ || own?.kind !== 'assignedTunnelId') return undefined;
      sent.add(own.value);
      return sent.size > times ? undefined : [stopCcn(own.value, where)];
    },
  };
}

function stopCcn(tunnelId: number, where: string): Bytes {
  const avps: Avp[] = [
    { kind: 'assignedTunnelId', value: 77 },
    { kind: 'resultCode', value: { result: 2, error: 7, message: utf8Encode(where) } },
  ];
  const { StopCCN: type } = MessageType;
  const header = { tunnelId, sessionId: 0, ns: 0, nr: 1 };
  return encodeControl({ kind: 'message', ...header, type, mandatory: true, avps });
}

async function laboratory(
  where: string,
  times: number,
  options: Partial<LaboratoryOptions> = {},
  gateway: Partial<GatewayConfig> = {},
): Promise<Laboratory> {
  const misbehaviour = sendsAway(where, times)!;
  const lab = quickLaboratory({ misbehaviour, ...gateway }, options);
  // The relay answers in microtasks.
  for (let i = 0; i < 20 && lab.session === undefined && lab.closed === undefined; i++) {
    await Promise.resolve();
    lab.run(() => lab.session !== undefined || lab.closed !== undefined, 10_000);
  }
  return lab;
}

test.each([1, 3])('is called there, with SAs made anew (%i times)', async (times) => {
  const lab = await laboratory('192.0.2.9', times);
  expect(lab.moves).toEqual(Array(times).fill('192.0.2.9'));
  expect(lab.session?.gateway.address).toBe('192.0.2.9');
  // Its SAs were ended in order before.
  expect(lab.gateway?.ended.filter((layer) => layer === 'ike')).toHaveLength(times);
  expect(lab.stages.filter((stage) => stage === 'ike-phase-1')).toHaveLength(times + 1);
});

test('the word counts with raw ESP, too, where nothing else has come by it yet', async () => {
  const gateway: Partial<GatewayConfig> = { natTraversal: 'off' };
  const lab = await laboratory('192.0.2.9', 1, { esp: { nat: 'none' } }, gateway);
  expect(lab.moves).toEqual(['192.0.2.9']);
  expect(lab.session?.transport).toBe('Raw ESP');
});

test('a refusal as the first thing that comes by raw ESP is no reason to try without', async () => {
  const gateway: Partial<GatewayConfig> = { natTraversal: 'off' };
  const lab = await laboratory('elsewhere', 1, { esp: { nat: 'none' } }, gateway);
  expect(lab.closed?.failure?.code).toBe('L2TP_REFUSED');
  expect(lab.stages.filter((stage) => stage === 'ike-phase-1')).toHaveLength(1);
});

test('not for ever', async () => {
  const lab = await laboratory('192.0.2.9', 100);
  expect(lab.moves).toHaveLength(3);
  expect(lab.closed?.failure).toEqual({
    code: 'L2TP_TRY_ANOTHER',
    detail: '192.0.2.9, after 3 others',
  });
});

test('where the relay may not reach it, the person is told the address', async () => {
  const { text, outcome } = REFUSALS.RELAY_FOREIGN_ADDRESS;
  const lab = await laboratory('203.0.113.66', 1, {
    moved: () =>
      encodeRelayControl({ type: 'refused', code: 'RELAY_FOREIGN_ADDRESS', message: text }),
  });
  expect(lab.closed?.failure).toEqual({ code: outcome, detail: `203.0.113.66: ${text}` });
});

test('a relay that says nothing to it is given up', async () => {
  const lab = await laboratory('192.0.2.9', 1, { moved: () => undefined });
  expect(lab.closed?.failure?.code).toBe('RELAY_UNREACHABLE');
});

test.each(['', '192.0.2', '192.0.2.256', '192.0.2.09', '192.0.2.9 ', '2001:db8::1', 'vpn.example'])(
  '“%s” is no address that it could be called at',
  async (where) => {
    const lab = await laboratory(where, 1);
    expect(lab.moves).toEqual([]);
    expect(lab.closed?.failure).toMatchObject({ code: 'L2TP_REFUSED' });
    expect(lab.closed?.failure?.detail).toContain('Try another');
  },
);
