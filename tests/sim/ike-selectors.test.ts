/** For what Quick Mode's identities say a pair of SAs is: UDP ports, and nothing but UDP. */
import { expect, test } from 'vitest';
import { readUdpPorts } from '../../shared/ike/quick-mode.ts';
import { IdType, NotifyType } from '../../shared/isakmp/numbers.ts';
import type { ReceivedPayload } from '../../shared/isakmp/payload.ts';
import { ProtocolError } from '../../shared/wire/errors.ts';
import { IkePair } from './ike-pair.ts';

function identity(protocolId: number, port: number): ReceivedPayload {
  const data = Uint8Array.of(192, 0, 2, 1);
  const idType = IdType.ipv4Addr;
  return {
    payload: { kind: 'identification', idType, protocolId, port, data },
    body: data,
    end: 0,
  };
}

test('each end knows the other’s port', () => {
  const pair = new IkePair();
  expect(pair.connect()).toBe(true);
  expect(pair.lastChild('client').peerPort).toBe(1701);
  expect(pair.lastChild('server').peerPort).toBe(50_000);
});

test('a pair for another of our ports is refused, and the tunnel takes no harm', () => {
  const pair = new IkePair();
  pair.connect();
  pair.give('server', { kind: 'port-moved', whose: 'peer', port: 50_001 });
  pair.give('server', { kind: 'rekey-child' });
  pair.run(() => pair.all('server', 'rekey-failed').length > 0);
  expect(pair.all('server', 'rekey-failed')[0]?.failure.detail).toContain('INVALID-ID-INFORMATION');
  expect(pair.children('client')).toBe(1);
  expect(pair.closed('client')).toBeUndefined();
});

test('a pair for another port of the peer’s tells which', () => {
  const pair = new IkePair();
  pair.connect();
  pair.give('server', { kind: 'port-moved', whose: 'ours', port: 40_123 });
  pair.give('server', { kind: 'rekey-child' });
  expect(pair.run(() => pair.children('client') === 2)).toBe(true);
  expect(pair.lastChild('client')).toMatchObject({ initiatedBy: 'peer', peerPort: 40_123 });
  pair.give('client', { kind: 'port-moved', whose: 'peer', port: 40_123 });
  pair.give('client', { kind: 'rekey-child' });
  expect(pair.run(() => pair.children('client') === 3)).toBe(true);
  expect(pair.lastChild('client')).toMatchObject({ initiatedBy: 'us', peerPort: 40_123 });
});

test('without identities, or where they name no protocol, it is every port', () => {
  expect(readUdpPorts([])).toEqual({ initiator: 0, responder: 0 });
  expect(readUdpPorts([identity(0, 1701), identity(17, 0)])).toEqual({
    initiator: 0,
    responder: 0,
  });
});

test.each([
  ['TCP', [identity(6, 1701), identity(17, 1701)]],
  ['one identity', [identity(17, 1701)]],
  ['three', [identity(17, 1), identity(17, 2), identity(17, 3)]],
])('%s is refused', (_name, payloads) => {
  expect(() => readUdpPorts(payloads)).toThrow(
    expect.objectContaining({ wireCode: NotifyType['INVALID-ID-INFORMATION'] }),
  );
  expect(() => readUdpPorts(payloads)).toThrow(ProtocolError);
});
