import { decode, encode } from '@leichtgewicht/dns-packet';
import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../../shared/ip/address.ts';
import { ROUNDS } from '../../../shared/ip/dns.ts';
import { type DnsRecord, type RecordType, reverseName } from '../../../shared/ip/dns-message.ts';
import type { IpOutput } from '../../../shared/ip/messages.ts';
import { type Bytes, concat } from '../../../shared/wire/bytes.ts';
import { Bench, icmp, ip, OTHER, OURS, SERVERS } from '../../support/ip-bench.ts';
import { Pair } from '../../support/ip-pair.ts';

type Answers = NonNullable<Parameters<typeof encode>[0]['answers']>;

describe('DNS', () => {
  interface Question {
    readonly server: Bytes;
    readonly port: number;
    readonly id: number;
    readonly name: string;
    readonly type: RecordType;
  }

  function question(bytes: Bytes): Question {
    const message = decode(bytes.subarray(28));
    return {
      server: bytes.slice(16, 20),
      port: (bytes[20]! << 8) | bytes[21]!,
      id: message.id!,
      name: message.questions![0]!.name,
      type: message.questions![0]!.type as RecordType,
    };
  }

  function answer(
    { server, port, id, name, type }: Question,
    answers: Answers,
    rcode = 0,
    change: { id?: number; from?: Bytes; authorities?: Answers } = {},
  ): Bytes {
    const message = encode({
      type: 'response',
      id: change.id ?? id,
      flags: 0x180 | rcode,
      questions: [{ type, name }],
      answers,
      authorities: change.authorities ?? [],
    });
    const length = 8 + message.length;
    const head = Uint8Array.of(0, 53, port >> 8, port, length >> 8, length, 0, 0);
    const data = concat(head, message);
    return ip({ protocol: 17, from: change.from ?? server, data });
  }

  const address = (text: string): DnsRecord => ({ type: 'A', address: parseAddress(text)! });
  const a = (name: string, data: string, ttl = 60) => ({ type: 'A' as const, name, ttl, data });
  const cname = (name: string, data: string) => ({ type: 'CNAME' as const, name, ttl: 60, data });

  it('asks, answers, and remembers for as long as the TTL says', () => {
    const bench = new Bench();
    expect(bench.tell({ kind: 'resolve', query: 1, name: 'Wiki.Corp.', type: 'A' })).toEqual([]);
    expect(bench.tell({ kind: 'resolve', query: 2, name: 'wiki.corp', type: 'A' })).toEqual([]);
    expect(bench.sent.length).toBe(1);
    const asked = question(bench.sent[0]!);
    expect([asked.server, asked.name]).toEqual([SERVERS[0], 'wiki.corp']);
    const records = [address('10.1.1.1'), address('10.1.1.2')];
    const reply = answer(asked, [a('wiki.corp', '10.1.1.1'), a('WIKI.corp', '10.1.1.2')]);
    expect(bench.receive(reply)).toEqual([
      { kind: 'resolved', query: 1, records },
      { kind: 'resolved', query: 2, records },
    ]);
    expect(bench.stack.deadline).toBeUndefined();
    bench.now = 59_000;
    expect(bench.tell({ kind: 'resolve', query: 3, name: 'wiki.corp', type: 'A' })).toEqual([
      { kind: 'resolved', query: 3, records },
    ]);
    bench.now = 60_001;
    expect(bench.tell({ kind: 'resolve', query: 4, name: 'wiki.corp', type: 'A' })).toEqual([]);
    expect(bench.sent.length).toBe(2);
    const again = question(bench.sent[1]!);
    expect(again.port === asked.port && again.id === asked.id).toBe(false);
  });

  it('follows aliases, in one answer or by asking again', () => {
    const bench = new Bench();
    bench.tell({ kind: 'resolve', query: 1, name: 'www.corp', type: 'A' });
    const first = question(bench.sent[0]!);
    bench.receive(answer(first, [cname('www.corp', 'a.corp'), cname('a.corp', 'b.corp')]));
    const second = question(bench.sent[1]!);
    expect(second.name).toBe('b.corp');
    expect(
      bench.receive(answer(second, [cname('b.corp', 'c.corp'), a('c.corp', '10.2.2.2')])),
    ).toEqual([{ kind: 'resolved', query: 1, records: [address('10.2.2.2')] }]);
  });

  it('aliases in a circle end', () => {
    const bench = new Bench();
    let outputs = bench.tell({ kind: 'resolve', query: 1, name: 'x.corp', type: 'A' });
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
    bench.tell({ kind: 'resolve', query: 1, name: 'nix.corp', type: 'A' });
    const soa = { mname: 'ns', rname: 'x', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 9 };
    const authorities = [{ type: 'SOA' as const, name: 'corp', ttl: 100, data: soa }];
    const gone = { code: 'NAME_NOT_FOUND' } as const;
    expect(bench.receive(answer(question(bench.sent[0]!), [], 3, { authorities }))).toEqual([
      { kind: 'resolve-failed', query: 1, failure: gone },
    ]);
    bench.now = 8999;
    expect(bench.tell({ kind: 'resolve', query: 2, name: 'nix.corp', type: 'A' })).toEqual([
      { kind: 'resolve-failed', query: 2, failure: gone },
    ]);
    bench.now = 9001;
    expect(bench.tell({ kind: 'resolve', query: 3, name: 'nix.corp', type: 'A' })).toEqual([]);
  });

  it('forged answers are dropped and the true one still counts (RFC 5452 §9)', () => {
    const bench = new Bench();
    bench.tell({ kind: 'resolve', query: 1, name: 'a.corp', type: 'A' });
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
    ).toEqual([{ kind: 'resolved', query: 1, records: [address('10.1.1.1')] }]);
  });

  it('asks every server, round after round, then says they are silent', () => {
    const bench = new Bench();
    bench.tell({ kind: 'resolve', query: 1, name: 'a.corp', type: 'A' });
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
    bench.tell({ kind: 'resolve', query: 1, name: 'a.corp', type: 'A' });
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

  it('what is no name, or nobody’s, and no server at all, fail at once', () => {
    const bench = new Bench(OURS, []);
    const names = ['', 'a b', '-a', `${'a'.repeat(64)}.b`, 'ü.de', '.', 'localhost', 'a.invalid.'];
    for (const name of names) {
      expect(bench.tell({ kind: 'resolve', query: 2, name, type: 'A' })).toMatchObject([
        { kind: 'resolve-failed', failure: { code: 'NAME_NOT_FOUND' } },
      ]);
    }
    expect(bench.tell({ kind: 'resolve', query: 3, name: 'a.corp', type: 'A' })).toMatchObject([
      { kind: 'resolve-failed', failure: { code: 'NAME_SERVER_SILENT' } },
    ]);
  });

  it('the server that answered last is asked first', () => {
    const bench = new Bench();
    bench.tell({ kind: 'resolve', query: 1, name: 'a.corp', type: 'A' });
    bench.expire();
    bench.receive(answer(question(bench.sent[1]!), [a('a.corp', '10.1.1.1')]));
    bench.tell({ kind: 'resolve', query: 2, name: 'b.corp', type: 'A' });
    expect(question(bench.sent[2]!).server).toEqual(SERVERS[1]);
  });

  it('every type of record', () => {
    const text = (each: string) => new Uint8Array(Buffer.from(each));
    const cases: [RecordType, Answers[number], DnsRecord][] = [
      [
        'AAAA',
        { type: 'AAAA', name: 'x.corp', ttl: 9, data: '2001:db8::5' },
        { type: 'AAAA', address: parseAddress('2001:db8::5')! },
      ],
      ['CNAME', cname('x.corp', 'Y.corp'), { type: 'CNAME', name: 'y.corp' }],
      [
        'PTR',
        { type: 'PTR', name: 'x.corp', ttl: 9, data: 'host.corp' },
        { type: 'PTR', name: 'host.corp' },
      ],
      [
        'SRV',
        {
          type: 'SRV',
          name: 'x.corp',
          ttl: 9,
          data: { priority: 1, weight: 2, port: 389, target: 'dc.corp' },
        },
        { type: 'SRV', priority: 1, weight: 2, port: 389, target: 'dc.corp' },
      ],
      [
        'TXT',
        { type: 'TXT', name: 'x.corp', ttl: 9, data: ['v=1', 'b'] },
        { type: 'TXT', strings: [text('v=1'), text('b')] },
      ],
    ];
    for (const [type, record, expected] of cases) {
      const bench = new Bench();
      bench.tell({ kind: 'resolve', query: 1, name: 'x.corp', type });
      const asked = question(bench.sent[0]!);
      expect(asked.type).toBe(type);
      // What was not asked for is not believed.
      const other = type === 'AAAA' ? a('x.corp', '10.1.1.1') : a('x.corp', '10.1.1.2');
      expect(bench.receive(answer(asked, [other, record]))).toEqual([
        { kind: 'resolved', query: 1, records: [expected] },
      ]);
      // Each type is remembered by itself.
      expect(bench.tell({ kind: 'resolve', query: 2, name: 'x.corp', type: 'A' })).toEqual([]);
    }
  });

  it('that there is no such name holds for every type, that it has no such record for that one', () => {
    const bench = new Bench();
    bench.tell({ kind: 'resolve', query: 1, name: 'no.corp', type: 'A' });
    bench.receive(answer(question(bench.sent[0]!), [], 3));
    bench.tell({ kind: 'resolve', query: 2, name: 'v4.corp', type: 'AAAA' });
    bench.receive(answer(question(bench.sent[1]!), []));
    const ask = (name: string, type: RecordType) =>
      bench.tell({ kind: 'resolve', query: 3, name, type });
    expect(ask('no.corp', 'TXT')).toMatchObject([{ failure: { code: 'NAME_NOT_FOUND' } }]);
    expect(ask('v4.corp', 'AAAA')).toMatchObject([{ failure: { code: 'NAME_NOT_FOUND' } }]);
    expect(ask('v4.corp', 'A')).toEqual([]);
  });

  it.each([
    ['before', ['AAAA', 'A']],
    ['after', ['A', 'AAAA']],
  ] as const)(
    '“no such name” %s an address holds for its own type alone (RFC 4074 §4.2)',
    (_, order) => {
      const bench = new Bench();
      const ask = (type: RecordType) =>
        bench.tell({ kind: 'resolve', query: 1, name: 'v4.corp', type });
      ask('A');
      ask('AAAA');
      for (const type of order) {
        const asked = question(bench.sent[type === 'A' ? 0 : 1]!);
        bench.receive(
          type === 'A' ? answer(asked, [a('v4.corp', '10.0.0.9', 20)]) : answer(asked, [], 3),
        );
      }
      expect(ask('A')).toMatchObject([{ kind: 'resolved' }]);
      // Nor does it outlive the address.
      bench.now += 20_001;
      expect(ask('A')).toEqual([]);
    },
  );

  it('names of addresses (RFC 1035 §3.5, RFC 3596 §2.5)', () => {
    expect(reverseName(parseAddress('10.0.0.53')!)).toBe('53.0.0.10.in-addr.arpa');
    expect(reverseName(parseAddress('4321:0:1:2:3:4:567:89ab')!)).toBe(
      'b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa',
    );
  });
});

describe('the search list', () => {
  const searching = (name: string) => {
    const bench = new Bench(OURS, SERVERS, ['Corp.', 'lab.corp', 'not a domain']);
    const outputs = bench.tell({ kind: 'resolve', query: 1, name, type: 'A' });
    const asked: string[] = [];
    while (outputs.length === 0 && asked.length < 9) {
      const sent = bench.sent.at(-1)!;
      const message = decode(sent.subarray(28));
      asked.push(message.questions![0]!.name);
      const reply = encode({ ...message, type: 'response', flags: 0x183 });
      const length = 8 + reply.length;
      const head = Uint8Array.of(0, 53, sent[20]!, sent[21]!, length >> 8, length, 0, 0);
      const from = sent.slice(16, 20);
      outputs.push(...bench.receive(ip({ protocol: 17, from, data: concat(head, reply) })));
    }
    expect(outputs).toMatchObject([
      { kind: 'resolve-failed', failure: { code: 'NAME_NOT_FOUND' } },
    ]);
    return asked;
  };

  it('completes one label, in turn, and at last not at all', () => {
    expect(searching('wiki')).toEqual(['wiki.corp', 'wiki.lab.corp', 'wiki']);
  });

  it('leaves names with a dot alone, be it at the end (RFC 1535 §6)', () => {
    expect(searching('wiki.example')).toEqual(['wiki.example']);
    expect(searching('wiki.')).toEqual(['wiki']);
  });
});

describe('an answer that does not fit a datagram', () => {
  /** A client's stack and a name server over both transports; `answer` makes its answers over TCP. */
  function ask(answer: (query: Bytes) => Bytes | undefined) {
    const pair = new Pair({ link: { seed: 5, latency: 10 } });
    const { client, server } = pair;
    const asked: string[] = [];
    server.react = (output) => {
      if (output.kind === 'udp-data') {
        const { socket, address, port, bytes } = output;
        asked.push('udp');
        const reply = encode({ ...decode(bytes), type: 'response', flags: 0x380 });
        server.tell({ kind: 'udp-send', socket, address, port, bytes: new Uint8Array(reply) });
      } else if (output.kind === 'tcp-data') {
        const { socket, bytes } = output;
        asked.push('tcp');
        const reply = answer(bytes.slice(2));
        if (reply === undefined) server.tell({ kind: 'tcp-shutdown', socket });
        else server.tell({ kind: 'tcp-write', socket, bytes: reply });
      }
    };
    server.tell({ kind: 'udp-open', socket: 1, port: 53 });
    server.tell({ kind: 'tcp-listen', listener: 1, port: 53 });
    client.tell({ kind: 'resolve', query: 1, name: 'big.corp', type: 'A' });
    pair.run(() => client.outputs.length > 0, 60_000);
    pair.run(() => false, pair.clock.now + 1000);
    return { asked, outputs: client.outputs, closed: server.outputs.at(-1), now: pair.clock.now };
  }

  const answers = Array.from({ length: 60 }, (_, i) => ({
    type: 'A' as const,
    name: 'big.corp',
    ttl: 60,
    data: `10.1.1.${i}`,
  }));
  const framed = (message: Uint8Array) =>
    concat(Uint8Array.of(message.length >> 8, message.length), message);

  it('comes over TCP, whose connection is gone afterwards', () => {
    const { asked, outputs, closed } = ask((query) =>
      framed(encode({ ...decode(query), type: 'response', flags: 0x180, answers })),
    );
    expect(asked).toEqual(['udp', 'tcp']);
    expect(outputs).toMatchObject([{ kind: 'resolved', query: 1 }]);
    const [output] = outputs;
    expect(output?.kind === 'resolved' && output.records.length).toBe(32);
    expect(closed).toMatchObject({ kind: 'tcp-closed' });
  });

  it.each<[string, (query: Bytes) => Bytes | undefined]>([
    ['the server hangs up', () => undefined],
    ['it announces more than we take', () => Uint8Array.of(0xff, 0xff, 0)],
    ['it answers something else', (query) => framed(query)],
    [
      'it is cut there, too',
      (query) => framed(encode({ ...decode(query), type: 'response', flags: 0x380 })),
    ],
  ])('ends when %s', (_, reply) => {
    const { outputs } = ask(reply);
    expect(outputs).toMatchObject([{ kind: 'resolve-failed', query: 1 }]);
  });

  it('is given up after a while, and does not grow', () => {
    const { outputs, asked } = ask(() => Uint8Array.of(0x20, 0));
    expect(outputs).toMatchObject([
      { kind: 'resolve-failed', failure: { code: 'NAME_SERVER_SILENT' } },
    ]);
    expect(asked.filter((each) => each === 'tcp').length).toBe(3);
  });
});
