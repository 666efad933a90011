import { decode, encode } from '@leichtgewicht/dns-packet';
import { describe, expect, it } from 'vitest';
import { addressBytes, parseAddress } from '../../../shared/ip/address.ts';
import { ROUNDS } from '../../../shared/ip/dns.ts';
import { DATAGRAM_LIMIT, REASSEMBLY_TIMEOUT } from '../../../shared/ip/fragments.ts';
import { type IpInput, type IpOutput, IpStack } from '../../../shared/ip/stack.ts';
import { type Bytes, concat, fromHex, toHex } from '../../../shared/wire/bytes.ts';
import { asPacket, CopyingSink } from '../../support/ip-pair.ts';
import { nodePrimitives } from '../../support/node-primitives.ts';
import { SeededRandom } from '../../support/random.ts';

const OURS = parseAddress('192.168.0.1')!;
const OTHER = parseAddress('192.168.0.199')!;
const SERVERS = [parseAddress('10.0.0.53')!, parseAddress('10.0.0.54')!];

class Bench {
  readonly sent: Bytes[] = [];
  readonly stack: IpStack;
  now = 0;

  constructor(address: Bytes = OURS, nameServers: Bytes[] = SERVERS) {
    this.stack = new IpStack({
      address,
      nameServers,
      random: new SeededRandom(3),
      sink: new CopyingSink(1400, (bytes) => this.sent.push(bytes)),
      primitives: nodePrimitives,
    });
  }

  tell(input: IpInput): IpOutput[] {
    return [...this.stack.handle(input, this.now)];
  }

  receive(bytes: Bytes): IpOutput[] {
    return this.tell({ kind: 'packet', packet: asPacket(bytes) });
  }

  expire(): IpOutput[] {
    this.now = this.stack.deadline!;
    return this.tell({ kind: 'timeout' });
  }
}

function dropped(detail: string): IpOutput[] {
  return [{ kind: 'trace', layer: 'ip', event: 'dropped', detail }];
}

function sum16(bytes: Bytes): Bytes {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return Uint8Array.of((~sum >> 8) & 0xff, ~sum & 0xff);
}

interface Ip {
  readonly protocol: number;
  readonly from: Bytes;
  readonly to?: Bytes;
  readonly data: Bytes;
  readonly fragment?: number;
  readonly options?: Bytes;
}

/** An IP packet, written the long way. */
function ip({ protocol, from, to = OURS, data, fragment = 0, options = fromHex('') }: Ip): Bytes {
  const length = 20 + options.length + data.length;
  const header = concat(
    Uint8Array.of(0x45 + options.length / 4, 0, length >> 8, length, 0x12, 0x34),
    Uint8Array.of(fragment >> 8, fragment, 64, protocol, 0, 0),
    from,
    to,
    options,
  );
  header.set(sum16(header), 10);
  return concat(header, data);
}

function icmp(head: string, data: Bytes): Bytes {
  const message = concat(fromHex(head), data);
  message.set(sum16(message), 2);
  return message;
}

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
    expect(bad((b) => b.fill(0x60, 0, 1))).toEqual(dropped('not IPv4'));
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
      { kind: 'ping-failed', ping: 6, failure: { code: 'UNREACHABLE', detail: 'ICMP code 1' } },
    ]);
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
        kind: 'udp-failed',
        socket: 9,
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
    ).toMatchObject([{ kind: 'udp-failed', failure: { code: 'UNREACHABLE' } }]);
    expect(bench.tell({ kind: 'udp-open', socket: 2, port: 7 })).toMatchObject([
      { kind: 'udp-failed', socket: 2, failure: { code: 'BAD_INPUT' } },
    ]);
  });
});

type Answers = NonNullable<Parameters<typeof encode>[0]['answers']>;

describe('DNS', () => {
  interface Question {
    readonly server: Bytes;
    readonly port: number;
    readonly id: number;
    readonly name: string;
  }

  function question(bytes: Bytes): Question {
    const message = decode(bytes.subarray(28));
    return {
      server: bytes.slice(16, 20),
      port: (bytes[20]! << 8) | bytes[21]!,
      id: message.id!,
      name: message.questions![0]!.name,
    };
  }

  function answer(
    { server, port, id, name }: Question,
    answers: Answers,
    rcode = 0,
    change: { id?: number; from?: Bytes; authorities?: Answers } = {},
  ): Bytes {
    const message = encode({
      type: 'response',
      id: change.id ?? id,
      flags: 0x180 | rcode,
      questions: [{ type: 'A', name }],
      answers,
      authorities: change.authorities ?? [],
    });
    const length = 8 + message.length;
    const head = Uint8Array.of(0, 53, port >> 8, port, length >> 8, length, 0, 0);
    const data = concat(head, message);
    return ip({ protocol: 17, from: change.from ?? server, data });
  }

  const a = (name: string, data: string, ttl = 60) => ({ type: 'A' as const, name, ttl, data });
  const cname = (name: string, data: string) => ({ type: 'CNAME' as const, name, ttl: 60, data });

  it('asks, answers, and remembers for as long as the TTL says', () => {
    const bench = new Bench();
    expect(bench.tell({ kind: 'resolve', query: 1, name: 'Wiki.Corp.' })).toEqual([]);
    expect(bench.tell({ kind: 'resolve', query: 2, name: 'wiki.corp' })).toEqual([]);
    expect(bench.sent.length).toBe(1);
    const asked = question(bench.sent[0]!);
    expect([asked.server, asked.name]).toEqual([SERVERS[0], 'wiki.corp']);
    const addresses = [parseAddress('10.1.1.1')!, parseAddress('10.1.1.2')!];
    const reply = answer(asked, [a('wiki.corp', '10.1.1.1'), a('WIKI.corp', '10.1.1.2')]);
    expect(bench.receive(reply)).toEqual([
      { kind: 'resolved', query: 1, addresses },
      { kind: 'resolved', query: 2, addresses },
    ]);
    expect(bench.stack.deadline).toBeUndefined();
    bench.now = 59_000;
    expect(bench.tell({ kind: 'resolve', query: 3, name: 'wiki.corp' })).toEqual([
      { kind: 'resolved', query: 3, addresses },
    ]);
    bench.now = 60_001;
    expect(bench.tell({ kind: 'resolve', query: 4, name: 'wiki.corp' })).toEqual([]);
    expect(bench.sent.length).toBe(2);
    const again = question(bench.sent[1]!);
    expect(again.port === asked.port && again.id === asked.id).toBe(false);
  });

  it('follows aliases, in one answer or by asking again', () => {
    const bench = new Bench();
    bench.tell({ kind: 'resolve', query: 1, name: 'www.corp' });
    const first = question(bench.sent[0]!);
    bench.receive(answer(first, [cname('www.corp', 'a.corp'), cname('a.corp', 'b.corp')]));
    const second = question(bench.sent[1]!);
    expect(second.name).toBe('b.corp');
    expect(
      bench.receive(answer(second, [cname('b.corp', 'c.corp'), a('c.corp', '10.2.2.2')])),
    ).toEqual([{ kind: 'resolved', query: 1, addresses: [parseAddress('10.2.2.2')] }]);
  });

  it('aliases in a circle end', () => {
    const bench = new Bench();
    let outputs = bench.tell({ kind: 'resolve', query: 1, name: 'x.corp' });
    for (let i = 0; i < 20 && outputs.length === 0; i++) {
      const asked = question(bench.sent.at(-1)!);
      const next = asked.name === 'x.corp' ? 'y.corp' : 'x.corp';
      outputs = bench.receive(answer(asked, [cname(asked.name, next)]));
    }
    expect(outputs).toMatchObject([
      { kind: 'resolve-failed', failure: { code: 'NAME_NOT_FOUND' } },
    ]);
  });

  it('no such name: remembered too, for as long as the SOA says (RFC 2308 §5)', () => {
    const bench = new Bench();
    bench.tell({ kind: 'resolve', query: 1, name: 'nix.corp' });
    const soa = { mname: 'ns', rname: 'x', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 9 };
    const authorities = [{ type: 'SOA' as const, name: 'corp', ttl: 100, data: soa }];
    const gone = { code: 'NAME_NOT_FOUND' } as const;
    expect(bench.receive(answer(question(bench.sent[0]!), [], 3, { authorities }))).toEqual([
      { kind: 'resolve-failed', query: 1, failure: gone },
    ]);
    bench.now = 8999;
    expect(bench.tell({ kind: 'resolve', query: 2, name: 'nix.corp' })).toEqual([
      { kind: 'resolve-failed', query: 2, failure: gone },
    ]);
    bench.now = 9001;
    expect(bench.tell({ kind: 'resolve', query: 3, name: 'nix.corp' })).toEqual([]);
  });

  it('forged answers are dropped and the true one still counts (RFC 5452 §9)', () => {
    const bench = new Bench();
    bench.tell({ kind: 'resolve', query: 1, name: 'a.corp' });
    const asked = question(bench.sent[0]!);
    const evil = [a('a.corp', '6.6.6.6')];
    for (const forged of [
      answer(asked, evil, 0, { id: asked.id ^ 1 }),
      answer(asked, evil, 0, { from: OTHER }),
      answer({ ...asked, name: 'b.corp' }, evil),
    ]) {
      expect(bench.receive(forged)).toMatchObject([{ kind: 'trace', event: 'dropped' }]);
    }
    expect(
      bench.receive(answer(asked, [a('a.corp', '10.1.1.1'), a('evil.corp', '6.6.6.6')])),
    ).toEqual([{ kind: 'resolved', query: 1, addresses: [parseAddress('10.1.1.1')] }]);
  });

  it('asks every server, round after round, then says they are silent', () => {
    const bench = new Bench();
    bench.tell({ kind: 'resolve', query: 1, name: 'a.corp' });
    let outputs: IpOutput[] = [];
    while (outputs.length === 0) outputs = bench.expire();
    expect(outputs).toEqual([
      { kind: 'resolve-failed', query: 1, failure: { code: 'NAME_SERVER_SILENT' } },
    ]);
    const asked = bench.sent.map(question);
    expect(asked.map((each) => each.server[3])).toEqual([53, 54, 53, 54, 53, 54]);
    expect(new Set(asked.map((each) => each.id)).size).toBe(6);
    expect(bench.now).toBe(2 * ROUNDS.reduce((sum, each) => sum + each, 0));
  });

  it('a server that fails, or a closed port, means the next one at once', () => {
    const bench = new Bench();
    bench.tell({ kind: 'resolve', query: 1, name: 'a.corp' });
    bench.receive(answer(question(bench.sent[0]!), [], 2));
    expect(question(bench.sent[1]!).server).toEqual(SERVERS[1]);
    const error = icmp('03030000 00000000', bench.sent[1]!.slice(0, 28));
    expect(bench.receive(ip({ protocol: 1, from: SERVERS[1]!, data: error }))).toEqual([
      {
        kind: 'resolve-failed',
        query: 1,
        failure: { code: 'NAME_NOT_FOUND', detail: 'SERVFAIL' },
      },
    ]);
  });

  it('addresses need no server; what is no name, and no server at all, fail at once', () => {
    const bench = new Bench(OURS, []);
    expect(bench.tell({ kind: 'resolve', query: 1, name: '10.9.8.7' })).toEqual([
      { kind: 'resolved', query: 1, addresses: [addressBytes(0x0a090807)] },
    ]);
    for (const name of ['', 'a b', '-a', `${'a'.repeat(64)}.b`, 'ü.de', '.']) {
      expect(bench.tell({ kind: 'resolve', query: 2, name })).toMatchObject([
        { kind: 'resolve-failed', failure: { code: 'NAME_NOT_FOUND' } },
      ]);
    }
    expect(bench.tell({ kind: 'resolve', query: 3, name: 'a.corp' })).toMatchObject([
      { kind: 'resolve-failed', failure: { code: 'NAME_SERVER_SILENT' } },
    ]);
  });
});
