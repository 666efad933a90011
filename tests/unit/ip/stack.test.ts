import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../../shared/ip/address.ts';
import { DATAGRAM_LIMIT, REASSEMBLY_TIMEOUT } from '../../../shared/ip/fragments.ts';
import type { IpOutput } from '../../../shared/ip/stack.ts';
import { type Bytes, concat, fromHex, toHex } from '../../../shared/wire/bytes.ts';
import { Bench, dropped, icmp, ip, OTHER, OURS, sum16 } from '../../support/ip-bench.ts';

const echo = icmp('08000000 00010002', fromHex('6162636465666768'));

describe('IPv4', () => {
  // The header checksum example of Wikipedia's article on it, with its UDP payload cut to the header.
  const header = fromHex('45000073000040004011b861c0a80001c0a800c7');

  it('reads a header known from elsewhere', () => {
    const bench = new Bench(OTHER);
    const packet = concat(header, new Uint8Array(0x73 - 20));
    expect(bench.receive(packet)).toEqual(dropped('UDP length'));
  });

  it('says why a packet is dropped', () => {
    const bench = new Bench();
    const good = ip({ protocol: 1, from: OTHER, data: echo });
    const bad = (change: (bytes: Bytes) => void): IpOutput[] => {
      const bytes = good.slice();
      change(bytes);
      return bench.receive(bytes);
    };
    expect(bad((b) => b.fill(0x50, 0, 1))).toEqual(dropped('not IPv4'));
    expect(bad((b) => b.fill(0x44, 0, 1))).toEqual(dropped('IPv4 header length'));
    expect(bad((b) => b.fill(9, 8, 9))).toEqual(dropped('IPv4 checksum'));
    expect(bad((b) => b.fill(0xff, 2, 4))).toEqual(dropped('IPv4 total length'));
    expect(bad((b) => b.fill(0xff, 30, 31))).toEqual(dropped('ICMP checksum'));
    const to = parseAddress('192.168.0.2')!;
    expect(bench.receive(ip({ protocol: 1, from: OTHER, to, data: echo }))).toEqual(
      dropped('not our address'),
    );
    for (const from of ['192.168.0.1', '127.0.0.1', '224.0.0.1', '255.255.255.255', '0.0.0.0']) {
      const packet = ip({ protocol: 1, from: parseAddress(from)!, data: echo });
      expect(bench.receive(packet)).toEqual(dropped('source address'));
    }
    expect(bench.receive(ip({ protocol: 99, from: OTHER, data: echo }))).toEqual(
      dropped('protocol'),
    );
    for (let length = 0; length < 20; length++) {
      expect(bench.receive(good.slice(0, length))).toEqual(dropped('IPv4 header truncated'));
    }
    expect(bench.sent).toEqual([]);
  });

  it('refuses what was source-routed, and options that are none (RFC 7126 §4.3)', () => {
    const bench = new Bench();
    const receive = (options: string) =>
      bench.receive(ip({ protocol: 1, from: OTHER, data: echo, options: fromHex(options) }));
    expect(receive('83070401020304 00')).toEqual(dropped('source route'));
    expect(receive('01 89070401020304')).toEqual(dropped('source route'));
    expect(receive('44010000')).toEqual(dropped('IPv4 option length'));
    expect(receive('44050000')).toEqual(dropped('IPv4 option length'));
    expect(bench.sent).toEqual([]);
    expect(receive('00830704')).toEqual([]);
    expect(bench.sent.length).toBe(1);
  });

  it('answers an echo request, options skipped and link padding ignored; DF is set', () => {
    const bench = new Bench();
    const request = ip({ protocol: 1, from: OTHER, data: echo, options: fromHex('94040000') });
    expect(bench.receive(concat(request, new Uint8Array(7)))).toEqual([]);
    const [reply] = bench.sent;
    expect(toHex(reply!.subarray(0, 4))).toBe('45000024');
    expect(toHex(reply!.subarray(6, 10))).toBe('40004001');
    expect(toHex(reply!.subarray(12))).toBe(
      toHex(concat(OURS, OTHER, icmp('00000000 00010002', fromHex('6162636465666768')))),
    );
  });
});

describe('fragments', () => {
  const data = icmp('08000000 00010002', new Uint8Array(64).fill(7));
  const piece = (at: number, length: number, more: boolean, id = 0x12): Bytes => {
    const bytes = ip({
      protocol: 1,
      from: OTHER,
      data: data.slice(at, at + length),
      fragment: (more ? 0x2000 : 0) | (at / 8),
    });
    bytes[4] = id;
    bytes.fill(0, 10, 12);
    bytes.set(sum16(bytes.slice(0, 20)), 10);
    return bytes;
  };

  it('are put together in any order, also when one comes twice', () => {
    const bench = new Bench();
    for (const bytes of [piece(48, 24, false), piece(0, 24, true), piece(0, 24, true)]) {
      expect(bench.receive(bytes)).toEqual([]);
    }
    expect(bench.sent).toEqual([]);
    bench.receive(piece(24, 24, true));
    expect(bench.sent.length).toBe(1);
    expect(bench.stack.deadline).toBeUndefined();
  });

  it('that overlap end the datagram (RFC 5722)', () => {
    const bench = new Bench();
    bench.receive(piece(0, 24, true));
    bench.receive(piece(16, 24, true));
    expect(bench.stack.deadline).toBeUndefined();
  });

  it('that stay incomplete are forgotten; too many push the oldest out', () => {
    const bench = new Bench();
    for (let id = 0; id < 3 * DATAGRAM_LIMIT; id++) bench.receive(piece(0, 24, true, id));
    bench.receive(piece(24, 48, false, 0));
    expect(bench.sent).toEqual([]);
    bench.receive(piece(24, 48, false, 3 * DATAGRAM_LIMIT - 1));
    expect(bench.sent.length).toBe(1);
    expect(bench.stack.deadline).toBe(REASSEMBLY_TIMEOUT);
    bench.expire();
    expect(bench.stack.deadline).toBeUndefined();
  });
});

describe('ping', () => {
  const ping = {
    kind: 'ping',
    ping: 5,
    address: OTHER,
    length: 32,
    timeout: 1000,
  } as const;

  function reply(request: Bytes): Bytes {
    return ip({
      protocol: 1,
      from: OTHER,
      data: icmp(`00000000 ${toHex(request.subarray(24, 28))}`, request.slice(28)),
    });
  }

  it('measures the round trip', () => {
    const bench = new Bench();
    expect(bench.tell(ping)).toEqual([]);
    expect(toHex(bench.sent[0]!.subarray(28, 32))).toBe('00010203');
    bench.now = 12.5;
    const answer = reply(bench.sent[0]!);
    expect(bench.receive(answer)).toEqual([
      { kind: 'ping-reply', ping: 5, address: OTHER, roundTrip: 12.5, length: 32, ttl: 64 },
    ]);
    expect(bench.receive(answer)).toEqual([]);
    expect(bench.stack.deadline).toBeUndefined();
  });

  it('fails when nobody answers, or a router says so', () => {
    const bench = new Bench();
    bench.tell(ping);
    expect(bench.stack.deadline).toBe(1000);
    expect(bench.expire()).toEqual([
      { kind: 'ping-failed', ping: 5, failure: { code: 'TIMED_OUT' } },
    ]);
    bench.tell({ ...ping, ping: 6 });
    const error = icmp('03010000 00000000', bench.sent.at(-1)!.slice(0, 28));
    const router = parseAddress('10.3.3.3')!;
    expect(bench.receive(ip({ protocol: 1, from: router, data: error }))).toEqual([
      {
        kind: 'ping-failed',
        ping: 6,
        address: router,
        roundTrip: 0,
        failure: { code: 'UNREACHABLE', detail: 'ICMP code 1' },
      },
    ]);
  });

  it('that may not go so far: the router that says so; its TTL on the wire', () => {
    const bench = new Bench();
    bench.tell({ ...ping, ttl: 3 });
    const [request] = bench.sent;
    expect(request![8]).toBe(3);
    bench.now = 7;
    const router = parseAddress('10.3.3.3')!;
    const error = icmp('0b000000 00000000', request!.slice(0, 28));
    expect(bench.receive(ip({ protocol: 1, from: router, data: error }))).toEqual([
      { kind: 'ping-expired', ping: 5, address: router, roundTrip: 7 },
    ]);
    expect(bench.stack.deadline).toBeUndefined();
  });

  it('larger than a packet is refused', () => {
    const outputs = new Bench().tell({ ...ping, length: 1373 });
    expect(outputs).toMatchObject([{ kind: 'ping-failed', failure: { code: 'UNREACHABLE' } }]);
  });
});

describe('ICMP errors reach the socket they quote', () => {
  it('TCP that is opening: refused, unreachable; a quote with another sequence number is ignored', () => {
    const bench = new Bench();
    bench.tell({ kind: 'tcp-connect', socket: 1, address: OTHER, port: 80 });
    const quote = bench.sent[0]!.slice(0, 28);
    const forged = quote.slice();
    forged[27] = forged[27]! ^ 1;
    const error = (code: number, quoted: Bytes) =>
      bench.receive(
        ip({ protocol: 1, from: OTHER, data: icmp(`030${code}0000 00000000`, quoted) }),
      );
    expect(error(1, forged)).toEqual([]);
    expect(error(1, quote.slice(0, 24))).toEqual(dropped('ICMP quote truncated'));
    expect(error(1, quote)).toEqual([
      {
        kind: 'tcp-closed',
        socket: 1,
        failure: { code: 'UNREACHABLE', detail: 'ICMP code 1' },
      },
    ]);
  });

  it('UDP', () => {
    const bench = new Bench();
    expect(bench.tell({ kind: 'udp-open', socket: 9, port: 5000 })).toEqual([
      { kind: 'udp-opened', socket: 9, port: 5000 },
    ]);
    bench.tell({ kind: 'udp-send', socket: 9, address: OTHER, port: 53, bytes: Uint8Array.of(1) });
    const error = icmp('03030000 00000000', bench.sent[0]!.slice(0, 28));
    expect(bench.receive(ip({ protocol: 1, from: OTHER, data: error }))).toEqual([
      {
        kind: 'udp-undelivered',
        sent: true,
        socket: 9,
        address: OTHER,
        port: 53,
        failure: { code: 'CONNECTION_REFUSED', detail: 'ICMP port' },
      },
    ]);
  });
});

describe('UDP', () => {
  it('the bytes of a datagram, checksum and all', () => {
    const bench = new Bench();
    bench.tell({ kind: 'udp-open', socket: 1, port: 0x1234 });
    bench.tell({
      kind: 'udp-send',
      socket: 1,
      address: OTHER,
      port: 0x5678,
      bytes: new Uint8Array(Buffer.from('abc')),
    });
    // Pseudo-header c0a8 0001 c0a8 00c7 0011 000b, header 1234 5678 000b, data 6162 6300.
    expect(toHex(bench.sent[0]!.subarray(20))).toBe('12345678000b50b0616263');
  });

  it('arrives with and without a checksum, not with a wrong one', () => {
    const bench = new Bench();
    bench.tell({ kind: 'udp-open', socket: 1, port: 7 });
    const datagram = (checksum: string) =>
      bench.receive(
        ip({ protocol: 17, from: OTHER, data: fromHex(`00090007 000a ${checksum} 6869`) }),
      );
    const data = [{ kind: 'udp-data', socket: 1, address: OTHER, port: 9, bytes: fromHex('6869') }];
    expect(datagram('0000')).toEqual(data);
    expect(datagram('1548')).toEqual(data);
    expect(datagram('1549')).toEqual(dropped('UDP checksum'));
    bench.tell({ kind: 'udp-close', socket: 1 });
    expect(datagram('0000')).toEqual(dropped('UDP port closed'));
  });

  it('too large, or a port in use: said', () => {
    const bench = new Bench();
    bench.tell({ kind: 'udp-open', socket: 1, port: 7 });
    const bytes = new Uint8Array(1373);
    expect(
      bench.tell({ kind: 'udp-send', socket: 1, address: OTHER, port: 7, bytes }),
    ).toMatchObject([{ kind: 'udp-undelivered', sent: false, failure: { code: 'UNREACHABLE' } }]);
    expect(bench.tell({ kind: 'udp-open', socket: 2, port: 7 })).toMatchObject([
      { kind: 'udp-failed', socket: 2, failure: { code: 'BAD_INPUT' } },
    ]);
  });
});
