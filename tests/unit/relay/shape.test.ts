import { describe, expect, test } from 'vitest';
import { hasShape, l2tpTunnelId } from '../../../relay/shape.ts';
import { Channel, type ChannelName } from '../../../shared/relay/channels.ts';
import { fromHex } from '../../../shared/wire/bytes.ts';

const COOKIES = '0102030405060708 0000000000000000';
const ISAKMP = `${COOKIES} 01 10 02 00 00000000 00000020 deadbeef`;
const IKEV2 = `${COOKIES} 21 20 22 08 00000000 0000001c`;
const ESP = `00000001 00000001 ${'00'.repeat(28)}`;
const SCCRQ = 'c802 000c 0000 0000 0000 0000';
const DATA = '0002 0007 0001 ff03c021';
const DATA_WITH_LENGTH = '4002 000c 0007 0001 ff03c021';

const TABLE: readonly (readonly [ok: boolean, ChannelName, what: string, hex: string])[] = [
  [true, 'ike', 'IKEv1', ISAKMP],
  [true, 'ike', 'version 2.0', IKEV2],
  [false, 'ike', 'one byte short', ISAKMP.slice(0, -2)],
  [false, 'ike', 'one byte long', `${ISAKMP}00`],
  [false, 'ike', 'a header cut off', `${COOKIES} 01 10 02 00 00000000 000000`],
  [false, 'ike', 'version 1.1', ISAKMP.replace('10 02', '11 02')],
  [false, 'ike', 'version 3.0', ISAKMP.replace('10 02', '30 02')],
  [false, 'ike', 'no initiator cookie', ISAKMP.replace('0102030405060708', '0000000000000000')],
  [false, 'ike', 'with the non-ESP marker', `00000000 ${ISAKMP}`],
  [
    false,
    'ike',
    'a DNS query',
    '1234 0100 0001 0000 0000 0000 07 6578616d706c65 03 636f6d 00 0001 0001',
  ],
  [true, 'natt', 'IKE behind the marker', `00000000 ${ISAKMP}`],
  [false, 'natt', 'a marker before noise', `00000000 ${'55'.repeat(32)}`],
  [true, 'natt', 'ESP', ESP],
  [true, 'natt', 'the shortest ESP', ESP.slice(0, 18 + 16)],
  [false, 'natt', 'ESP cut off', '00000001 00000001 0000000000'],
  [true, 'natt', 'a keepalive', 'ff'],
  [false, 'natt', 'another byte', 'fe'],
  [false, 'natt', 'two keepalives', 'ffff'],
  [false, 'natt', 'a marker alone', '00000000'],
  [true, 'esp', 'ESP', ESP],
  [true, 'esp', 'the shortest ESP', ESP.slice(0, 18 + 16)],
  [false, 'esp', 'ESP cut off', '00000001 00000001 0000000000'],
  [false, 'esp', 'SPI 0', ESP.replace('00000001', '00000000')],
  [false, 'esp', 'IKE behind the marker', `00000000 ${ISAKMP}`],
  [false, 'esp', 'a keepalive', 'ff'],
  [true, 'l2tp', 'SCCRQ', SCCRQ],
  [true, 'l2tp', 'data without length', DATA],
  [true, 'l2tp', 'data with length', DATA_WITH_LENGTH],
  [true, 'l2tp', 'control with bytes behind it', `${SCCRQ} 0000`],
  [false, 'l2tp', 'a length past the end', SCCRQ.replace('000c', '000d')],
  [false, 'l2tp', 'a length below the header', SCCRQ.replace('000c', '0004')],
  [false, 'l2tp', 'control without length', SCCRQ.replace('c802', '8802')],
  [false, 'l2tp', 'control without sequence numbers', SCCRQ.replace('c802', 'c002')],
  [false, 'l2tp', 'version 3', SCCRQ.replace('c802', 'c803')],
  [false, 'l2tp', 'L2F', SCCRQ.replace('c802', 'c801')],
  [false, 'l2tp', 'too short', '0002 0001 00'],
];

test.each(TABLE)('%s: %s, %s', (ok, channel, _what, hex) => {
  const bytes = fromHex(hex);
  expect(hasShape(Channel[channel], bytes, 0, bytes.length)).toBe(ok);
});

describe('l2tpTunnelId', () => {
  test.each([
    ['SCCRQ', SCCRQ, 0],
    ['data', DATA, 7],
    ['data with length', DATA_WITH_LENGTH, 7],
  ])('%s', (_what, hex, id) => {
    expect(l2tpTunnelId(fromHex(hex), 0)).toBe(id);
  });
});
