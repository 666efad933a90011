import { expect, test } from 'vitest';
import { describeSession } from '../../../shared/vpn/session.ts';

const GATEWAY = { id: 'office', name: 'Office', address: '192.0.2.1' };
const ADDRESSES = {
  address: Uint8Array.of(10, 0, 0, 2),
  peerAddress: Uint8Array.of(10, 0, 0, 1),
  nameServers: [Uint8Array.of(10, 0, 0, 3)],
};

test('what was agreed on is named, and what of it is weak', () => {
  const session = describeSession(GATEWAY, ADDRESSES, 1400, {
    ike: { cipher: '3des-cbc', keyBits: 192, hash: 'md5', group: 2 },
    encapsulation: 'udp',
    esp: { cipher: 'aes-cbc', keyBits: 128, integrity: 'hmac-md5-96' },
    authentication: 'chap-md5',
  });
  expect(session).toMatchObject({
    address: '10.0.0.2',
    nameServers: ['10.0.0.3'],
    transport: 'UDP 4500',
    authentication: 'CHAP-MD5',
  });
  const names = `${session.ike}, ${session.esp}, ${session.authentication}`.split(', ');
  expect(session.weak).toHaveLength(5);
  for (const name of session.weak) expect(names).toContain(name);
});

test('modern algorithms are not called weak', () => {
  const session = describeSession(GATEWAY, ADDRESSES, 1400, {
    ike: { cipher: 'aes-cbc', keyBits: 256, hash: 'sha256', group: 14 },
    encapsulation: 'raw',
    esp: { cipher: 'aes-gcm-16', keyBits: 256 },
    authentication: 'mschapv2',
  });
  expect(session.weak).toEqual([]);
  expect(session.transport).toBe('Raw ESP');
});
