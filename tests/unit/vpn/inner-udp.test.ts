import { expect, test } from 'vitest';
import { prependUdp, stripUdp } from '../../../shared/vpn/inner-udp.ts';
import { type Bytes, fromHex, toHex } from '../../../shared/wire/bytes.ts';
import type { Packet } from '../../../shared/wire/packet.ts';

function packet(bytes: Bytes, start = 0): Packet {
  return { bytes, start, end: bytes.length };
}

test('the header goes in front of the payload, without a checksum', () => {
  const sent = packet(fromHex('00000000 00000000 aabbcc'), 8);
  prependUdp(sent, 50_000, 1701);
  expect(sent.start).toBe(0);
  expect(toHex(sent.bytes)).toBe('c35006a5000b0000aabbcc');
});

test('it comes off again, with the padding behind it', () => {
  const arrived = packet(fromHex('06a5c350000b1234aabbccffff'));
  expect(stripUdp(arrived, 50_000)).toBe(1701);
  expect([arrived.start, arrived.end]).toEqual([8, 11]);
});

test.each([
  ['another port', '06a5c351000b0000aabbcc'],
  ['a length beyond the packet', '06a5c350000c0000aabbcc'],
  ['a length below the header', '06a5c35000070000aabbcc'],
  ['a truncated header', '06a5c350000b00'],
])('%s is not for us', (_name, hex) => {
  const arrived = packet(fromHex(hex));
  expect(stripUdp(arrived, 50_000)).toBe(0);
  expect(arrived.start).toBe(0);
});
