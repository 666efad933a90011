/** The TCP/IP stack: whatever packets come, and whatever its owner does meanwhile. */
import fc from 'fast-check';
import type { IpAddress } from '../../shared/ip/address.ts';
import { IpHeader, IpProtocol } from '../../shared/ip/header.ts';
import { decodeIpv4 } from '../../shared/ip/ipv4.ts';
import { decodeIpv6 } from '../../shared/ip/ipv6.ts';
import { Path } from '../../shared/ip/path.ts';
import { type IpInput, type IpOutput, IpStack } from '../../shared/ip/stack.ts';
import { decodeSegment, encodeSegment, Segment, TcpFlag } from '../../shared/ip/tcp/segment.ts';
import { type Bytes, concat, EMPTY, fromHex } from '../../shared/wire/bytes.ts';
import { checksumAdd, checksumFinish } from '../../shared/wire/checksum.ts';
import { asPacket, CLIENT, CopyingSink, ip, SERVER } from '../support/ip-pair.ts';
import { nodePrimitives } from '../support/node-primitives.ts';
import { SeededRandom } from '../support/random.ts';
import { fuzz } from './support/campaign.ts';
import { insist } from './support/insist.ts';
import { mutate, mutations, octets } from './support/mutation.ts';
import { Watched } from './support/watch.ts';

/** Packets that one input may cause: a full window of small segments, after a time-out or an acknowledgment. */
const MOST_PACKETS = 4_096;

/** Longest that a connection keeps trying, and then some. */
const END_MILLIS = 600_000;

/** Names asked for, by a step's length. */
const RESOLVED: Readonly<Record<number, string>> = {
  1: 'a.example',
  100: 'intranet',
  5000: 'b.example.',
  40000: 'a.example',
};

const BUFFERS = { sendBuffer: 16_384, receiveBuffer: 16_384 };

const edge = fc.constantFrom(
  0,
  1,
  -1,
  2,
  100,
  -100,
  1_400,
  16_384,
  -16_384,
  65_536,
  2 ** 31,
  2 ** 31 - 1,
);

const PEER6 = ip('fe80::2');
const OURS6 = ip('fe80::1');
const FAR6 = ip('2001:db8:9::9');
const GLOBAL6 = ip('2001:db8:1:2::1');

/** What follows the checksum of a router advertisement. */
const advertisement = fc
  .tuple(
    fc.constantFrom(0, 1, 1_800, 65_535),
    fc.array(
      fc.constantFrom(
        '0304 40 c0 00000e10 00000708 00000000 20010db8000100020000000000000000',
        '0304 40 40 00000001 00000001 00000000 20010db8000100020000000000000000',
        '0304 40 40 ffffffff ffffffff 00000000 20010db8000100030000000000000000',
        '1903 0000 00000e10 20010db8000900000000000000000009',
        '1f02 0000 00000e10 04 636f7270 00 0000',
        '0501 0000 00000500',
      ),
      { maxLength: 4 },
    ),
  )
  .map(([lifetime, options]) => {
    const head = Uint8Array.of(64, 0, lifetime >>> 8, lifetime, ...new Uint8Array(8));
    return concat(head, ...options.map(fromHex));
  });

const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      act: fc.constant('segment' as const),
      socket: fc.nat({ max: 2 }),
      flags: fc.oneof(
        fc.constantFrom(
          TcpFlag.ack,
          TcpFlag.ack,
          TcpFlag.syn | TcpFlag.ack,
          TcpFlag.fin | TcpFlag.ack,
          TcpFlag.rst,
          TcpFlag.syn,
        ),
        fc.nat({ max: 255 }),
      ),
      /** Against what the stack expects, or has sent. */
      sequence: fc.oneof(fc.constant(0), fc.constant(0), edge, fc.integer()),
      acknowledgment: fc.oneof(fc.constant(0), fc.constant(0), edge, fc.integer()),
      window: fc.constantFrom(0, 1, 100, 8_192, 65_535),
      scale: fc.constantFrom(-1, 0, 7, 14, 255),
      mss: fc.constantFrom(0, 1, 64, 536, 1_460, 65_535),
      sackOk: fc.boolean(),
      sack: fc.array(fc.tuple(edge, edge), { maxLength: 4 }),
      times: fc.option(fc.tuple(fc.integer({ min: 0 }), fc.integer({ min: 0 })), {
        nil: undefined,
      }),
      length: fc.constantFrom(0, 0, 1, 100, 1_300),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      act: fc.constant('datagram' as const),
      protocol: fc.constantFrom(IpProtocol.icmp, IpProtocol.udp, IpProtocol.tcp, 47),
      source: fc.constantFrom(
        SERVER,
        SERVER,
        SERVER,
        CLIENT,
        ip('0.0.0.0'),
        ip('127.0.0.1'),
        ip('255.255.255.255'),
      ),
      /** More fragments, and offset in 8 bytes. */
      fragment: fc.oneof(fc.constant(0), fc.constant(0), fc.nat({ max: 0x3fff })),
      identification: fc.nat({ max: 20 }),
      body: octets(60),
      length: fc.nat({ max: 1_300 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constant('error' as const),
      type: fc.constantFrom(3, 3, 11, 12, 4, 5),
      code: fc.nat({ max: 5 }),
      mtu: fc.constantFrom(0, 1, 68, 552, 576, 1_000, 65_535),
      packet: fc.nat({ max: 40 }),
      changes: mutations,
    }),
  },
  {
    weight: 3,
    /** Something that was sent, back again or damaged. */
    arbitrary: fc.record({
      act: fc.constant('echo' as const),
      packet: fc.nat({ max: 40 }),
      changes: mutations,
      checksums: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      act: fc.constant('dns' as const),
      changes: mutations,
      answer: octets(40),
    }),
  },
  {
    weight: 5,
    /** An IPv6 packet, or an ICMPv6 message with what `type` needs. */
    arbitrary: fc.record({
      act: fc.constant('six' as const),
      next: fc.oneof(fc.constant(IpProtocol.icmpv6), fc.constantFrom(0, 6, 17, 43, 44, 59, 60)),
      from: fc.constantFrom(PEER6, PEER6, FAR6, OURS6, ip('::'), ip('ff02::1')),
      to: fc.constantFrom(OURS6, OURS6, GLOBAL6, ip('ff02::1'), ip('ff02::1:ff00:1')),
      hops: fc.constantFrom(255, 255, 64),
      type: fc.oneof(fc.constantFrom(1, 2, 3, 4, 128, 129, 134, 134, 135), fc.nat({ max: 255 })),
      body: fc.oneof(octets(80), advertisement),
      quote: fc.option(fc.nat({ max: 40 }), { nil: undefined }),
      changes: mutations,
    }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('noise' as const), bytes: octets(80) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      act: fc.constant('own' as const),
      what: fc.constantFrom(
        'write',
        'write',
        'shutdown',
        'abort',
        'consume',
        'ping',
        'resolve',
        'hold',
        'resume',
        'connect',
        'tune',
        'inspect',
        'connect6',
        'send6',
        'ipv6-down',
        'ipv6-up',
      ),
      socket: fc.nat({ max: 2 }),
      length: fc.constantFrom(1, 100, 5_000, 40_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      act: fc.constant('pass' as const),
      millis: fc.constantFrom(0.5, 10, 40, 200, 1_000, 20_000, 150_000),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type SixStep = Extract<Step, { act: 'six' }>;
type SegmentStep = Extract<Step, { act: 'segment' }>;

/** What is known of a connection: by what it sent last. */
interface Known {
  localPort: number;
  remotePort: number;
  next: number;
  expected: number;
}

class World {
  readonly stack: Watched<IpInput, IpOutput>;
  readonly machine: IpStack;
  readonly sent: Bytes[] = [];
  readonly known: Known[] = [];
  readonly #opened = new Set<number>();
  readonly #closed = new Set<number>();
  #unread = new Map<number, number>();
  #packets = 0;
  #question: Bytes | undefined;
  #next = 100;

  constructor(seed: number, mtu: number) {
    this.machine = new IpStack({
      address: CLIENT.bytes,
      nameServers: [SERVER.bytes],
      random: new SeededRandom(seed),
      sink: new CopyingSink(mtu, (bytes) => this.#note(bytes)),
      primitives: nodePrimitives,
      tcp: { ...BUFFERS, congestion: seed % 2 === 0 ? 'bbr' : 'cubic', ecn: true },
    });
    this.stack = new Watched(this.machine, 1_000);
    this.tell({ kind: 'tcp-listen', listener: 1, port: 80 });
    this.#connect();
    this.#connect();
    this.tell({ kind: 'udp-open', socket: 50, port: 5_000 });
    this.#up();
  }

  tell(input: IpInput): void {
    this.#packets = 0;
    this.#take(this.stack.handle(input));
  }

  do(each: Step): void {
    switch (each.act) {
      case 'segment':
        return this.#segment(each);
      case 'noise':
        return this.#arrive(new Uint8Array(each.bytes));
      case 'datagram': {
        const body = concat(each.body, new Uint8Array(each.length));
        if (each.protocol === IpProtocol.icmp) checksum(body, 0, 2);
        return this.#arrive(
          packet(each.protocol, each.source, body, each.fragment, each.identification),
        );
      }
      case 'error': {
        const quote = this.sent[each.packet % Math.max(1, this.sent.length)];
        if (quote === undefined) return;
        const head = Uint8Array.of(each.type, each.code, 0, 0, 0, 0, each.mtu >>> 8, each.mtu);
        const body = concat(head, mutate(quote.slice(0, 60), each.changes, 600));
        checksum(body, 0, 2);
        return this.#arrive(packet(IpProtocol.icmp, SERVER, body));
      }
      case 'echo': {
        const message = this.sent[each.packet % Math.max(1, this.sent.length)];
        if (message === undefined) return;
        const bytes = mutate(message, each.changes, 1_500);
        if (each.checksums && bytes.length >= 20) checksum(bytes.subarray(0, 20), 0, 10);
        return this.#arrive(bytes);
      }
      case 'dns':
        return this.#answer(
          mutate(concat(this.#question ?? EMPTY, each.answer), each.changes, 600),
        );
      case 'six':
        return this.#six(each);
      case 'own':
        return this.#own(each.what, each.socket, each.length);
      case 'pass':
        return this.pass(each.millis);
    }
  }

  pass(millis: number): void {
    this.stack.pass(this.stack.now + millis, { kind: 'timeout' }, (outputs) => {
      this.#packets = 0;
      this.#take(outputs);
    });
  }

  #connect(remote = SERVER): void {
    const socket = this.#next++;
    this.#opened.add(socket);
    this.tell({ kind: 'tcp-connect', socket, address: remote.bytes, port: 443 });
  }

  #up(): void {
    this.tell({ kind: 'ipv6-up', interfaceId: OURS6.bytes.slice(8) });
  }

  #six({ next, from, to, hops, type, body, quote, changes }: SixStep): void {
    let payload: Bytes = new Uint8Array(body);
    if (next === IpProtocol.icmpv6) {
      const quoted = quote === undefined ? undefined : this.sent[quote % this.sent.length];
      const tail = quoted === undefined ? payload : mutate(quoted.slice(0, 80), changes, 600);
      const head = Uint8Array.of(type, 0, 0, 0, ...(quoted === undefined ? [] : [0, 0, 5, 0]));
      payload = concat(head, tail);
      const pseudo = from.sum + to.sum + IpProtocol.icmpv6 + payload.length;
      checksum(payload, pseudo, 2);
    }
    const { length } = payload;
    const head = Uint8Array.of(0x60, 0, 0, 0, length >>> 8, length, next, hops);
    const bytes = concat(head, from.bytes, to.bytes, payload);
    this.#arrive(next === IpProtocol.icmpv6 ? bytes : mutate(bytes, changes, 1_500));
  }

  #own(what: string, index: number, length: number): void {
    const sockets = [...this.#opened].filter((socket) => !this.#closed.has(socket));
    const socket = sockets[index % Math.max(1, sockets.length)];
    if (what === 'connect') return this.#connect();
    if (what === 'connect6') return this.#connect(length === 100 ? FAR6 : PEER6);
    if (what === 'ipv6-up') return this.#up();
    if (what === 'ipv6-down') return this.tell({ kind: 'ipv6-down' });
    if (what === 'send6') {
      const bytes = new Uint8Array(Math.min(length, 60));
      return this.tell({ kind: 'udp-send', socket: 50, address: FAR6.bytes, port: 53, bytes });
    }
    if (what === 'hold' || what === 'resume' || what === 'inspect') {
      return this.tell({ kind: what });
    }
    if (what === 'ping') {
      const ping = this.#next++;
      const address = SERVER.bytes;
      return this.tell({ kind: 'ping', ping, address, length: length % 1_000, timeout: 5_000 });
    }
    if (what === 'resolve') {
      return this.tell({
        kind: 'resolve',
        query: this.#next++,
        name: RESOLVED[length]!,
        type: 'A',
      });
    }
    if (socket === undefined) return;
    if (what === 'write') this.tell({ kind: 'tcp-write', socket, bytes: new Uint8Array(length) });
    else if (what === 'shutdown') this.tell({ kind: 'tcp-shutdown', socket });
    else if (what === 'abort') this.tell({ kind: 'tcp-abort', socket });
    else if (what === 'tune') {
      this.tell({ kind: 'tcp-tune', socket, noDelay: length > 100, keepAlive: length });
    } else {
      const unread = this.#unread.get(socket) ?? 0;
      this.#unread.set(socket, 0);
      this.tell({ kind: 'tcp-consumed', socket, length: unread });
    }
  }

  #segment(each: SegmentStep): void {
    const known = this.known[each.socket % Math.max(1, this.known.length)];
    const segment = new Segment();
    segment.sourcePort = known?.remotePort ?? 443;
    segment.destinationPort = known?.localPort ?? 80;
    segment.flags = each.flags;
    segment.sequence = ((known?.expected ?? 0) + each.sequence) >>> 0;
    segment.acknowledgment = ((known?.next ?? 0) + each.acknowledgment) >>> 0;
    segment.window = each.window;
    if ((each.flags & TcpFlag.syn) !== 0) {
      segment.windowScale = each.scale;
      segment.maximumSegmentSize = each.mss;
      segment.sackPermitted = each.sackOk;
    }
    if (each.times !== undefined) {
      segment.hasTimestamps = true;
      [segment.timestamp, segment.timestampEcho] = each.times;
    }
    segment.sackCount = each.sack.length;
    for (const [i, [left, right]] of each.sack.entries()) {
      segment.sackEdges[2 * i] = (known?.next ?? 0) + left;
      segment.sackEdges[2 * i + 1] = (known?.next ?? 0) + right;
    }
    const bytes = new Uint8Array(60 + each.length);
    const length = encodeSegment(segment, bytes, 0) + each.length;
    const body = bytes.slice(0, length);
    checksum(body, new Path(SERVER, CLIENT).pseudoHeaderSum(IpProtocol.tcp, length), 16);
    this.#arrive(packet(IpProtocol.tcp, SERVER, body));
  }

  /** From the name server, to the port that asked last. */
  #answer(message: Bytes): void {
    const last = this.sent.findLast((bytes) => bytes[0] === 0x45 && bytes[9] === IpProtocol.udp);
    if (last === undefined) return;
    const length = 8 + message.length;
    const head = Uint8Array.of(0, 53, last[20]!, last[21]!, length >>> 8, length, 0, 0);
    this.#arrive(packet(IpProtocol.udp, SERVER, concat(head, message)));
  }

  #arrive(bytes: Bytes): void {
    this.tell({ kind: 'packets', packets: [asPacket(bytes)] });
  }

  #take(outputs: readonly IpOutput[]): void {
    for (const output of outputs) {
      if (!('socket' in output)) continue;
      const { socket } = output;
      insist(!this.#closed.has(socket), `${output.kind} after tcp-closed`);
      if (output.kind === 'tcp-accepted') this.#opened.add(socket);
      if (output.kind === 'tcp-closed') this.#closed.add(socket);
      if (output.kind === 'tcp-data') {
        const unread = (this.#unread.get(socket) ?? 0) + output.bytes.length;
        this.#unread.set(socket, unread);
        insist(unread <= BUFFERS.receiveBuffer + 65_535, `${unread} bytes that nobody asked for`);
      }
    }
  }

  #note(bytes: Bytes): void {
    insist(++this.#packets <= MOST_PACKETS, 'too many packets at once');
    if (this.sent.length < 64) this.sent.push(bytes);
    else this.sent[this.#packets % 64] = bytes;
    const header = new IpHeader();
    const isIpv6 = bytes[0]! >>> 4 === 6;
    if (isIpv6) decodeIpv6(header, bytes, 0, bytes.length);
    else decodeIpv4(header, bytes, 0, bytes.length);
    if (!isIpv6 && header.protocol === IpProtocol.udp) this.#question = answered(bytes.slice(28));
    if (header.protocol !== IpProtocol.tcp) return;
    const segment = new Segment();
    decodeSegment(segment, bytes, header.dataStart, header.dataEnd);
    let known = this.known.find(
      (each) =>
        each.localPort === segment.sourcePort && each.remotePort === segment.destinationPort,
    );
    if (known === undefined) {
      known = {
        localPort: segment.sourcePort,
        remotePort: segment.destinationPort,
        next: 0,
        expected: 0,
      };
      if (this.known.length < 3) this.known.push(known);
    }
    const taken = segment.dataLength + (segment.has(TcpFlag.syn | TcpFlag.fin) ? 1 : 0);
    known.next = (segment.sequence + taken) >>> 0;
    known.expected = segment.acknowledgment;
  }
}

/** The question as the beginning of an answer with one record. */
function answered(question: Bytes): Bytes {
  const bytes = question.slice();
  if (bytes.length < 12) return bytes;
  bytes[2] = 0x81;
  bytes[3] = 0x80;
  bytes[7] = 1;
  return bytes;
}

function packet(
  protocol: number,
  source: IpAddress,
  body: Bytes,
  fragment = 0,
  identification = 0,
): Bytes {
  const bytes = new Uint8Array(20 + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, 0x45);
  view.setUint16(2, bytes.length);
  view.setUint16(4, identification);
  view.setUint16(6, fragment);
  view.setUint8(8, 64);
  view.setUint8(9, protocol);
  bytes.set(source.bytes, 12);
  bytes.set(CLIENT.bytes, 16);
  bytes.set(body, 20);
  checksum(bytes.subarray(0, 20), 0, 10);
  return bytes;
}

/** Makes the sum over `bytes` right by the 16 bits at `at`. */
function checksum(bytes: Bytes, pseudo: number, at: number): void {
  if (bytes.length < at + 2) return;
  bytes[at] = 0;
  bytes[at + 1] = 0;
  const sum = checksumFinish(checksumAdd(pseudo, bytes, 0, bytes.length));
  bytes[at] = sum >>> 8;
  bytes[at + 1] = sum;
}

fuzz({
  name: 'tcp and ip',
  input: fc.record({
    seed: fc.nat({ max: 7 }),
    mtu: fc.constantFrom(128, 576, 1_400),
    /** Whether the first connection stands before it begins. */
    established: fc.boolean(),
    script: fc.array(step, { maxLength: 60 }),
  }),
  check: ({ seed, mtu, established, script }) => {
    const world = new World(seed, mtu);
    if (established) world.do({ ...SYN_ACK, socket: 0 });
    for (const each of script) world.do(each);
    world.pass(END_MILLIS);
    const { deadline } = world.machine;
    insist(deadline === undefined || deadline > world.stack.now, 'a deadline in the past');
  },
});

const SYN_ACK: SegmentStep = {
  act: 'segment',
  socket: 0,
  flags: TcpFlag.syn | TcpFlag.ack,
  sequence: 0,
  acknowledgment: 0,
  window: 65_535,
  scale: 7,
  mss: 1_460,
  sackOk: true,
  sack: [],
  times: [1, 1],
  length: 0,
};
