import { describe, expect, test } from 'vitest';
import { Dissection } from '../../../shared/inspect/dissection.ts';
import { dissectNatTraversal } from '../../../shared/inspect/esp.ts';
import { dissectIp } from '../../../shared/inspect/ip.ts';
import { dissectIsakmp } from '../../../shared/inspect/isakmp.ts';
import { dissectL2tp } from '../../../shared/inspect/l2tp.ts';
import { dissectPpp } from '../../../shared/inspect/ppp.ts';
import { type Bytes, concat, fromHex, toHex } from '../../../shared/wire/bytes.ts';
import { everyField } from '../../support/recording.ts';

const IP4 = '45000000000100004001 0000 0a1e000a 0a1e0001';

function dissected(
  bytes: Bytes,
  dissect: (into: Dissection, place: { buffer: number; start: number; end: number }) => void,
): Dissection {
  const into = new Dissection('out');
  dissect(into, { buffer: into.addBuffer('test', bytes), start: 0, end: bytes.length });
  return into;
}

/** An IPv4 packet with its length in place; `fragment` has the flags and the offset. */
function ip4(protocol: number, payload: string, fragment = 0): Bytes {
  const bytes = fromHex(IP4 + payload);
  bytes[3] = bytes.length;
  bytes[6] = fragment >>> 8;
  bytes[7] = fragment;
  bytes[9] = protocol;
  return bytes;
}

/** A DNS message of a server, in UDP and IPv4. */
function dns(message: string): Bytes {
  const length = 8 + fromHex(message).length;
  return ip4(17, `0035c000 ${length.toString(16).padStart(4, '0')} 0000 ${message}`);
}

const isakmp = (into: Dissection, place: Parameters<typeof dissectIsakmp>[1]): void =>
  dissectIsakmp(into, place, () => undefined);

describe('a packet in words', () => {
  test.each([
    [
      'ICMP error',
      ip4(1, `0301 0000 0000 0000 ${toHex(ip4(6, '0050c000 00000000'))}`),
      dissectIp,
      'Says that the destination',
    ],
    ['IPv4 fragment', ip4(17, '00', 0x2001), dissectIp, 'Fragment 10.30.0.10'],
    ['unknown protocol', ip4(132, '00'), dissectIp, 'Protocol 132 10.30.0.10'],
    [
      'reset',
      ip4(6, '0050c000 00000000 00000000 50140000 00000000'),
      dissectIp,
      '10.30.0.10:80 → 10.30.0.1:49152 resets the connection',
    ],
    [
      'name that is not there',
      dns('0102 8183 0001 0000 0000 0000 01610178 00 0001 0001'),
      dissectIp,
      'Answers a.x (A): no such name',
    ],
    [
      'call that ends',
      fromHex('c8020014 00010002 00030004 8008 0000 0000 000e'),
      dissectL2tp,
      'CDN: closes the session',
    ],
    ['PAP that is refused', fromHex('c023 0301 0008 03 6e6f21'), dissectPpp, 'PAP: refuses: “no!”'],
    ['protocol nobody knows', fromHex('ff03 4021 00'), dissectPpp, 'Frame of protocol 0x4021'],
    [
      'peer that is asked whether it lives',
      fromHex(
        `${'11'.repeat(16)} 0b100500 00000001 0000003c 00000020 00000001 01 10 8d28 ${'11'.repeat(16)} 00000007`,
      ),
      isakmp,
      'Asks whether the other side lives (not authenticated)',
    ],
  ])('%s', (_, bytes, dissect, words) => {
    const { meaning, layers } = dissected(bytes, dissect);
    expect(meaning).toContain(words);
    const names = [...everyField(layers)].map(({ name }) => name);
    expect(names).not.toContain('Malformed');
  });

  test.each([
    ['a signature', '09', 'Main mode 5: proves who it is with a signature'],
    ['a hash', '08', 'Main mode 5: proves that it knows the pre-shared key'],
    ['what was not decrypted', undefined, 'Main mode 5: proves who it is'],
  ])('IKE’s proof by %s', (_, second, words) => {
    const header = fromHex(`${'11'.repeat(16)} 05100201 00000000 0000002c ${'00'.repeat(16)}`);
    const plaintext = second && fromHex(`${second}00000c 01000000 0a000001 00000008 aabbccdd`);
    const { meaning } = dissected(header, (into, place) =>
      dissectIsakmp(into, place, () => plaintext || undefined),
    );
    expect(meaning).toBe(words);
  });

  test('a keepalive, and ESP that nobody opened', () => {
    const natt = (bytes: Bytes) =>
      dissected(bytes, (into, place) => dissectNatTraversal(into, place, () => undefined));
    expect(natt(fromHex('ff')).meaning).toBe('Keeps the way through a NAT open');
    expect(natt(fromHex('01020304 00000001 aabb')).meaning).toContain('SPI 0x01020304');
  });
});

describe('what is cut short', () => {
  test('is shown as far as it goes', () => {
    const { layers, meaning } = dissected(ip4(6, '0050c000 0000'), dissectIp);
    expect(meaning).toContain('Malformed segment');
    const [, tcp] = layers;
    expect(tcp!.fields.map(({ name }) => name)).toEqual([
      'Source Port',
      'Destination Port',
      'Malformed',
    ]);
    expect(tcp!.value).toBe('malformed: truncated');
  });

  test('does not hide what follows a structure', () => {
    // A Host Name AVP whose neighbour has a length below its header.
    const bytes = fromHex('c8020016 00010002 00030004 8008 0000 0007 6162 8002');
    const { layers } = dissected(bytes, dissectL2tp);
    const names = layers[0]!.fields.map(({ name }) => name);
    expect(names).toContain('Host Name');
    expect(names.at(-1)).toBe('Malformed');
  });
});

describe('what a peer may send to use up time and memory', () => {
  test('fields are bounded', () => {
    // 16,000 empty options of LCP.
    const options = new Uint8Array(32_000).map((_, index) => (index % 2 === 0 ? 9 : 2));
    const bytes = concat(fromHex('c021 0101 7d04'), options);
    const { layers } = dissected(bytes, dissectPpp);
    expect([...everyField(layers)].length).toBeLessThan(2_100);
  });

  test('a name that points in circles ends', () => {
    const circle = dns('0102 8180 0001 0000 0000 0000 0161 c00c 0001 0001');
    const { meaning } = dissected(circle, dissectIp);
    expect(meaning).toContain('Malformed DNS message');
  });

  test('text is one line of bounded length', () => {
    const name = concat(fromHex('0a0a1b'), new Uint8Array(900).fill(0x41));
    const avp = concat(
      Uint8Array.of(0x80 | ((name.length + 6) >>> 8), name.length + 6, 0, 0, 0, 7),
      name,
    );
    const { layers } = dissected(concat(fromHex('c8020399 00010002 00030004'), avp), dissectL2tp);
    const host = layers[0]!.fields.find((field) => field.name === 'Host Name')!;
    expect(host.value.length).toBeLessThan(130);
    expect(host.value).toMatch(/^“A+…”$/);
  });
});
