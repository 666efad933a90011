/** IPv6 in the stack: headers, neighbours and routers, addresses, and what runs over them. */
import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../../shared/ip/address.ts';
import { ADDRESS_LIMIT } from '../../../shared/ip/autoconfiguration.ts';
import { type IpInput, type IpOutput, IpStack } from '../../../shared/ip/stack.ts';
import { type Bytes, concat, fromHex, toHex } from '../../../shared/wire/bytes.ts';
import { sum16 } from '../../support/ip-bench.ts';
import { asPacket, CLIENT, CopyingSink, ip, Pair, SERVER } from '../../support/ip-pair.ts';
import {
  type Ip6,
  icmp6,
  ip6,
  OURS6 as OURS,
  PEER6 as PEER,
  prefix,
} from '../../support/ip6-packets.ts';
import { nodePrimitives } from '../../support/node-primitives.ts';
import { SeededRandom } from '../../support/random.ts';
import { Transfer } from '../../support/transfer.ts';

const ID = '0000000000000001';
const GLOBAL = ip('2001:db8:1:2::1');
const FAR = ip('2001:db8:9::9');

class Bench6 {
  readonly sent: Bytes[] = [];
  readonly outputs: IpOutput[] = [];
  readonly stack: IpStack;
  now = 0;

  constructor(up = true) {
    this.stack = new IpStack({
      address: CLIENT.bytes,
      nameServers: [SERVER.bytes],
      random: new SeededRandom(3),
      sink: new CopyingSink(1400, (bytes) => this.sent.push(bytes)),
      primitives: nodePrimitives,
    });
    if (up) this.tell({ kind: 'ipv6-up', interfaceId: fromHex(ID) });
  }

  tell(input: IpInput): IpOutput[] {
    return [...this.stack.handle(input, this.now)];
  }

  receive(bytes: Bytes): IpOutput[] {
    return this.tell({ kind: 'packets', packets: [asPacket(bytes)] });
  }

  /** Lets time pass, with every timer on the way. */
  wait(until: number): IpOutput[] {
    const outputs: IpOutput[] = [];
    while ((this.stack.deadline ?? Infinity) <= until) {
      this.now = Math.max(this.now, this.stack.deadline!);
      outputs.push(...this.tell({ kind: 'timeout' }));
    }
    this.now = until;
    return outputs;
  }

  /** A router's advertisement, with options. */
  advertise(options: string, lifetime = '0708', rest: Partial<Ip6> = {}): IpOutput[] {
    const data = fromHex(options);
    return this.receive(
      icmp6(`86000000 4000${lifetime} 00000000 00000000`, data, { hops: 255, ...rest }),
    );
  }
}

const addressesOf = (outputs: readonly IpOutput[]) =>
  outputs.flatMap((each) =>
    each.kind === 'ipv6-addresses' ? [each.addresses.map(formatAddress)] : [],
  );
const details = (outputs: readonly IpOutput[]) =>
  outputs.flatMap((each) => (each.kind === 'trace' ? [each.detail] : []));

describe('the header and its extensions', () => {
  const echo = icmp6('80000000 00010002', fromHex('616263'));
  const payload = echo.slice(40);
  /** The same echo request behind extension headers. */
  const behind = (next: number, extensions: string) =>
    new Bench6().receive(ip6({ next, data: concat(fromHex(extensions), payload) }));

  it('an echo request is answered, from the address it was sent to', () => {
    const bench = new Bench6();
    bench.sent.length = 0;
    expect(bench.receive(concat(echo, new Uint8Array(5)))).toEqual([]);
    const [reply] = bench.sent;
    const expected = icmp6('81000000 00010002', fromHex('616263'), { from: OURS, to: PEER });
    expect(toHex(reply!)).toBe(toHex(expected));
  });

  it.each([
    ['hop-by-hop options', 0, '3a00 0502 0000 0100'],
    ['destination options, padded by one', 60, '3a00 0000 0102 0000'],
    ['a routing header that is used up', 43, '3a00 0400 0000 0000'],
    ['an atomic fragment (RFC 6946)', 44, '3a00 0000 0000 0001'],
    ['one behind the other', 0, '3c00 0104 0000 0000 3a00 0104 0000 0000'],
  ])('%s are skipped', (_, next, extensions) => {
    const bench = new Bench6();
    bench.sent.length = 0;
    bench.receive(ip6({ next, data: concat(fromHex(extensions), payload) }));
    expect(bench.sent.length).toBe(1);
  });

  it.each([
    ['IPv6 option', 60, '3a00 c202 0000 0100'],
    ['IPv6 option length', 60, '3a00 0109 0000 0000'],
    ['source route', 43, '3a00 0001 0000 0000'],
    ['IPv6 extension truncated', 60, '3aff 0000 0000 0000'],
    ['IPv6 hop-by-hop options', 60, '0000 0104 0000 0000 3a00 0104 0000 0000'],
    ['IPv6 extensions', 60, '3c00 0104 0000 0000'.repeat(9)],
    ['protocol', 59, ''],
    ['protocol', 50, ''],
  ])('%s: dropped', (detail, next, extensions) => {
    expect(details(behind(next, extensions))).toEqual([detail]);
  });

  it('what is cut, not ours, from nobody, or wrong: dropped', () => {
    const bench = new Bench6();
    for (let length = 1; length < 40; length++) {
      expect(details(bench.receive(echo.slice(0, length)))).toEqual(['IPv6 header truncated']);
    }
    expect(details(bench.receive(echo.slice(0, 45)))).toEqual(['IPv6 payload length']);
    const wrong = echo.slice();
    wrong[45] = wrong[45]! ^ 1;
    expect(details(bench.receive(wrong))).toEqual(['ICMP checksum']);
    const to = (address: string) =>
      details(bench.receive(icmp6('80000000 00010002', fromHex(''), { to: ip(address) })));
    expect(to('fe80::3')).toEqual(['not our address']);
    expect(to('ff02::5')).toEqual(['not our address']);
    for (const from of ['::', '::1', 'ff02::1', 'fe80::1', '::ffff:10.0.0.9']) {
      const packet = icmp6('80000000 00010002', fromHex(''), { from: ip(from) });
      expect(details(bench.receive(packet))).toEqual(['source address']);
    }
    expect(details(new Bench6(false).receive(echo))).toEqual(['not our address']);
  });

  it('nothing but ICMP comes by multicast', () => {
    const bench = new Bench6();
    bench.tell({ kind: 'udp-open', socket: 1, port: 7 });
    const data = fromHex('0007 0007 0008 0000');
    expect(details(bench.receive(ip6({ next: 17, to: ip('ff02::1'), data })))).toEqual([
      'not our address',
    ]);
  });

  it('fragments are put together; extensions may follow inside', () => {
    const bench = new Bench6();
    bench.sent.length = 0;
    const data = concat(fromHex('3a00 0104 0000 0000'), payload);
    // What follows is what the first one says (RFC 8200 §4.5).
    const piece = (at: number, end: number, more: number) =>
      ip6({
        next: 44,
        data: concat(
          Uint8Array.of(at === 0 ? 60 : 59, 0),
          Uint8Array.of(0, at | more),
          fromHex('00000077'),
          data.slice(at, end),
        ),
      });
    expect(bench.receive(piece(8, data.length, 0))).toEqual([]);
    expect(bench.receive(piece(0, 8, 1))).toEqual([]);
    expect(bench.sent.length).toBe(1);
  });
});

describe('neighbours', () => {
  const solicit = (target: string, to: string, hops = 255) =>
    icmp6('87000000 00000000', ip(target).bytes, { to: ip(to), hops });

  it('who asks for our address is answered', () => {
    for (const to of ['ff02::1:ff00:1', 'fe80::1']) {
      const bench = new Bench6();
      bench.sent.length = 0;
      expect(bench.receive(solicit('fe80::1', to))).toEqual([]);
      const expected = icmp6('88000000 40000000', OURS.bytes, { from: OURS, to: PEER, hops: 255 });
      expect(bench.sent.map(toHex)).toEqual([toHex(expected)]);
    }
  });

  it('for another one, or from beyond the link: not', () => {
    const bench = new Bench6();
    expect(details(bench.receive(solicit('fe80::9', 'fe80::1')))).toEqual(['not our address']);
    expect(details(bench.receive(solicit('fe80::1', 'fe80::1', 254)))).toEqual([
      'neighbour discovery from afar',
    ]);
  });
});

describe('routers', () => {
  it('are asked for three times, at once and every four seconds, and then no more', () => {
    const bench = new Bench6();
    const expected = icmp6('85000000 00000000', fromHex(''), {
      from: OURS,
      to: ip('ff02::2'),
      hops: 255,
    });
    expect(bench.sent.map(toHex)).toEqual([toHex(expected)]);
    bench.wait(4_000);
    expect(bench.sent.length).toBe(2);
    bench.wait(100_000);
    expect(bench.sent.length).toBe(3);
    expect(bench.stack.deadline).toBeUndefined();
  });

  it('give us an address of each prefix, for as long as they say', () => {
    const bench = new Bench6();
    expect(addressesOf(bench.advertise(prefix(3600, 1800)))).toEqual([['2001:db8:1:2::1']]);
    // Nothing new, nothing told; and nobody is asked any more.
    expect(bench.advertise(prefix(3600, 1800))).toEqual([]);
    expect(bench.sent.length).toBe(1);
    expect(addressesOf(bench.wait(1_799_000))).toEqual([]);
    // Deprecated at 1800 s: new conversations do without; it is still answered at.
    expect(addressesOf(bench.wait(1_800_000))).toEqual([[]]);
    bench.sent.length = 0;
    bench.receive(icmp6('80000000 00010002', fromHex(''), { to: GLOBAL, from: FAR }));
    expect(bench.sent.length).toBe(1);
    bench.wait(3_600_000);
    const late = icmp6('80000000 00010002', fromHex(''), { to: GLOBAL, from: FAR });
    expect(details(bench.receive(late))).toEqual(['not our address']);
    expect(bench.stack.deadline).toBeUndefined();
  });

  it.each([
    ['a prefix not for addresses', prefix(3600, 1800, '80')],
    ['preferred for longer than valid', prefix(1800, 3600)],
    ['never valid', prefix(0, 0)],
    ['link-local', prefix(3600, 1800, '40', 'fe80 0000 0000 0000')],
    ['multicast', prefix(3600, 1800, '40', 'ff0e 0000 0000 0000')],
    ['another length', prefix(3600, 1800).replace('0304 40', '0304 38')],
  ])('%s: ignored', (_, options) => {
    expect(addressesOf(new Bench6().advertise(options))).toEqual([]);
  });

  it('cannot end an address within two hours (RFC 4862 §5.5.3)', () => {
    const bench = new Bench6();
    bench.advertise(prefix(90_000, 90_000));
    bench.advertise(prefix(1, 1));
    bench.wait(7_100_000);
    expect(bench.stack.deadline).toBe(7_200_000);
  });

  it('that lead nowhere leave us without', () => {
    const bench = new Bench6();
    expect(addressesOf(bench.advertise(prefix(3600, 1800), '0000'))).toEqual([]);
    expect(addressesOf(bench.advertise('', '0010'))).toEqual([['2001:db8:1:2::1']]);
    expect(addressesOf(bench.wait(16_000))).toEqual([[]]);
  });

  it('are believed on the link only, and not when malformed', () => {
    const bench = new Bench6();
    const good = prefix(3600, 1800);
    expect(details(bench.advertise(good, '0708', { hops: 64 }))).toEqual([
      'neighbour discovery from afar',
    ]);
    expect(details(bench.advertise(good, '0708', { from: FAR }))).toEqual(['router advertisement']);
    expect(details(bench.advertise('0300'))).toEqual(['option length']);
    expect(details(bench.advertise('0305'))).toEqual(['truncated']);
    expect(details(bench.advertise('0101000000000000'.repeat(33)))).toEqual(['too many options']);
  });

  it('however many prefixes they name, our addresses are bounded', () => {
    const bench = new Bench6();
    for (let i = 0; i < 3 * ADDRESS_LIMIT; i++) {
      bench.advertise(
        prefix(3600, 1800, '40', `2001 0db8 0001 00${i.toString(16).padStart(2, '0')}`),
      );
    }
    const last = addressesOf(bench.advertise('', '0000'));
    expect(last).toEqual([[]]);
    const [all] = addressesOf(bench.advertise('', '0708'));
    expect(all?.length).toBe(ADDRESS_LIMIT);
  });

  it('name servers and domains of theirs are used after those that were assigned', () => {
    const bench = new Bench6();
    bench.advertise(`${prefix(3600, 1800)} 1903 0000 00000e10 ${toHex(FAR.bytes)}
      1f02 0000 00000e10 04 636f7270 00 0000`);
    bench.sent.length = 0;
    bench.tell({ kind: 'resolve', query: 1, name: 'wiki', type: 'A' });
    expect(Buffer.from(bench.sent[0]!).toString('latin1')).toContain('\x04wiki\x04corp\x00');
    bench.wait(1_500);
    expect(toHex(bench.sent[1]!.slice(24, 40))).toBe(toHex(FAR.bytes));
    expect(toHex(bench.sent[1]!.slice(8, 24))).toBe(toHex(GLOBAL.bytes));
  });

  it('the same identifier after PPP negotiated anew keeps the addresses, another one does not', () => {
    const bench = new Bench6();
    bench.advertise(prefix(3600, 1800));
    expect(addressesOf(bench.tell({ kind: 'ipv6-down' }))).toEqual([[]]);
    expect(addressesOf(bench.tell({ kind: 'ipv6-up', interfaceId: fromHex(ID) }))).toEqual([
      ['2001:db8:1:2::1'],
    ]);
    const other = fromHex('0000000000000077');
    expect(addressesOf(bench.tell({ kind: 'ipv6-up', interfaceId: other }))).toEqual([[]]);
  });
});

describe('errors reach the socket they concern', () => {
  const quote = (bench: Bench6, head: string, from = ip('2001:db8:9::1')) =>
    bench.receive(icmp6(head, bench.sent.at(-1)!.slice(0, 60), { from, to: GLOBAL }));

  function global(): Bench6 {
    const bench = new Bench6();
    bench.advertise(prefix(3600, 1800));
    return bench;
  }

  it('TCP, UDP, pings', () => {
    const bench = global();
    bench.tell({ kind: 'tcp-connect', socket: 1, address: FAR.bytes, port: 80 });
    expect(quote(bench, '01000000 00000000')).toEqual([
      { kind: 'tcp-closed', socket: 1, failure: { code: 'UNREACHABLE', detail: 'ICMP code 0' } },
    ]);
    bench.tell({ kind: 'udp-open', socket: 2, port: 5000 });
    const bytes = fromHex('0102');
    bench.tell({ kind: 'udp-send', socket: 2, address: FAR.bytes, port: 53, bytes });
    expect(quote(bench, '01040000 00000000')).toMatchObject([
      { kind: 'udp-undelivered', socket: 2, port: 53, failure: { code: 'CONNECTION_REFUSED' } },
    ]);
    const ping = { kind: 'ping', address: FAR.bytes, length: 4, timeout: 1000 } as const;
    bench.tell({ ...ping, ping: 3, ttl: 2 });
    expect(bench.sent.at(-1)![7]).toBe(2);
    const router = ip('2001:db8:9::1');
    expect(quote(bench, '03000000 00000000', router)).toEqual([
      { kind: 'ping-expired', ping: 3, address: router.bytes, roundTrip: 0 },
    ]);
    bench.tell({ ...ping, ping: 4 });
    expect(quote(bench, '02000000 00000500')).toMatchObject([
      { kind: 'ping-failed', failure: { detail: 'larger than the path allows' } },
    ]);
  });

  it('a quote of what others sent is not believed', () => {
    const bench = global();
    bench.tell({ kind: 'tcp-connect', socket: 1, address: FAR.bytes, port: 80 });
    const forged = bench.sent.at(-1)!.slice(0, 60);
    forged[23] = 9;
    const error = icmp6('01000000 00000000', forged, { from: FAR, to: GLOBAL });
    expect(details(bench.receive(error))).toEqual(['ICMP quote not ours']);
  });

  it('a link narrower than any may be is not believed in (RFC 8201 §4)', () => {
    const bench = global();
    bench.tell({ kind: 'udp-open', socket: 2, port: 5000 });
    bench.tell({ kind: 'udp-send', socket: 2, address: FAR.bytes, port: 53, bytes: fromHex('01') });
    expect(details(quote(bench, '02000000 000004ff'))).toEqual(['ICMP MTU']);
    expect(quote(bench, '02000000 00000500')).toMatchObject([{ kind: 'udp-undelivered' }]);
  });

  it('without a global address, there is no way to the world', () => {
    const bench = new Bench6();
    expect(
      bench.tell({ kind: 'tcp-connect', socket: 1, address: FAR.bytes, port: 80 }),
    ).toMatchObject([{ kind: 'tcp-closed', failure: { code: 'UNREACHABLE' } }]);
    bench.tell({ kind: 'tcp-connect', socket: 2, address: PEER.bytes, port: 80 });
    expect(toHex(bench.sent.at(-1)!.slice(8, 24))).toBe(toHex(OURS.bytes));
  });
});

describe('TCP and UDP over it', () => {
  it('a transfer both ways between two stacks, over a link that loses', () => {
    const pair = new Pair({ link: { seed: 4, latency: 10, loss: 0.02 } });
    pair.client.tell({ kind: 'ipv6-up', interfaceId: fromHex(ID) });
    pair.server.tell({ kind: 'ipv6-up', interfaceId: fromHex('0000000000000002') });
    pair.server.tell({ kind: 'tcp-listen', listener: 1, port: 80 });
    const client = new Transfer(pair.client, 300_000, 1, 2);
    const server = new Transfer(pair.server, 200_000, 2, 1);
    pair.client.tell({ kind: 'tcp-connect', socket: 1, address: PEER.bytes, port: 80 });
    pair.run(() => client.finished && server.finished, 600_000);
    expect([client.received, client.corrupt]).toEqual([200_000, false]);
    expect([server.received, server.corrupt]).toEqual([300_000, false]);
    expect(client.closed?.failure).toBeUndefined();
  });

  it('the MSS leaves room for the longer header', () => {
    const bench = new Bench6();
    bench.tell({ kind: 'tcp-connect', socket: 1, address: PEER.bytes, port: 80 });
    const syn = bench.sent.at(-1)!;
    // 1400 − 40 − 20, in the first option.
    expect(toHex(syn.slice(60, 64))).toBe(`0204${(1340).toString(16).padStart(4, '0')}`);
  });

  it('UDP without a checksum is not UDP (RFC 8200 §8.1)', () => {
    const bench = new Bench6();
    bench.tell({ kind: 'udp-open', socket: 1, port: 7 });
    const data = fromHex('0009 0007 000a 0000 6869');
    expect(details(bench.receive(ip6({ next: 17, data })))).toEqual(['UDP checksum']);
    bench.tell({
      kind: 'udp-send',
      socket: 1,
      address: PEER.bytes,
      port: 9,
      bytes: fromHex('6869'),
    });
    const sent = bench.sent.at(-1)!;
    const pseudo = concat(sent.slice(8, 40), fromHex('0000000a 00000011'));
    expect(toHex(sum16(concat(pseudo, sent.slice(40))))).toBe('0000');
  });
});
