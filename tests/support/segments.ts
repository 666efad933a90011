import { IpHeader, IpProtocol } from '../../shared/ip/header.ts';
import { NetworkInterface } from '../../shared/ip/interface.ts';
import { decodeIpv4 } from '../../shared/ip/ipv4.ts';
import { Path } from '../../shared/ip/path.ts';
import { type IpInput, type IpOutput, IpStack } from '../../shared/ip/stack.ts';
import type { TcpLimits } from '../../shared/ip/tcp/environment.ts';
import { decodeSegment, encodeSegment, Segment, TcpFlag } from '../../shared/ip/tcp/segment.ts';
import type { SenderSnapshot } from '../../shared/ip/tcp/snapshot.ts';
import type { Bytes, Millis } from '../../shared/wire/bytes.ts';
import { checksumAdd, checksumFinish } from '../../shared/wire/checksum.ts';
import type { Packet } from '../../shared/wire/packet.ts';
import { asPacket, CLIENT, CopyingSink, SERVER } from './ip-pair.ts';
import { nodePrimitives } from './node-primitives.ts';
import { SeededRandom } from './random.ts';

/** A segment in a script; numbers are relative to each side's initial sequence number. */
interface Line {
  readonly flags: string;
  /** From this port of the peer's instead of the usual one, and to this port of ours. */
  readonly ports?: readonly [from: number, to: number];
  readonly seq?: number;
  readonly ack?: number;
  readonly data?: string;
  readonly window?: number;
  readonly mss?: number;
  readonly scale?: number;
  readonly sackOk?: boolean;
  readonly timestamp?: readonly [value: number, echo: number];
  readonly sack?: readonly (readonly [left: number, right: number])[];
  /** ECN code point of the packet around it; 0 when missing. */
  readonly ecn?: number;
}

const PEER_PORT = 80;
/** Between SYN and SYN-ACK, in milliseconds. */
const ROUND_TRIP = 20;

const PEER_INITIAL = 0xffff_fff0;

/** Urgent data is read as ordinary data, so its flag has no other name. */
const URGENT = 32;

const LETTERS = {
  F: TcpFlag.fin,
  S: TcpFlag.syn,
  R: TcpFlag.rst,
  P: TcpFlag.psh,
  A: TcpFlag.ack,
  U: URGENT,
  E: TcpFlag.ece,
  W: TcpFlag.cwr,
};

interface ScriptOptions {
  readonly mtu?: number;
  readonly limits?: TcpLimits;
}

/** One stack against a peer that the test writes out, segment by segment: in the spirit of packetdrill. */
export class Script {
  readonly stack: IpStack;
  now: Millis = 1000;
  readonly outputs: IpOutput[] = [];
  readonly #sent: Bytes[] = [];
  /** Packets of the peer's that wait to arrive together. */
  #burst: Packet[] | undefined;
  #initial = 0;
  #localPort = 0;

  constructor(options: ScriptOptions = {}) {
    this.stack = new IpStack({
      address: CLIENT.bytes,
      nameServers: [],
      random: new SeededRandom(1),
      sink: new CopyingSink(options.mtu ?? 1500, (bytes) => this.#sent.push(bytes)),
      primitives: nodePrimitives,
      ...(options.limits === undefined ? {} : { tcp: options.limits }),
    });
  }

  tell(input: IpInput): void {
    for (const output of this.stack.handle(input, this.now)) this.outputs.push(output);
  }

  /** Lets time pass, with every timer on the way. */
  wait(millis: Millis): void {
    const until = this.now + millis;
    for (let due = this.stack.deadline; due !== undefined && due <= until; ) {
      this.now = Math.max(this.now, due);
      this.tell({ kind: 'timeout' });
      due = this.stack.deadline;
    }
    this.now = until;
  }

  write(text: string): void {
    this.tell({ kind: 'tcp-write', socket: 1, bytes: new Uint8Array(Buffer.from(text)) });
  }

  /** Takes the outputs that are not traces. */
  take(): IpOutput[] {
    return this.outputs.splice(0).filter((each) => each.kind !== 'trace');
  }

  traces(): (string | undefined)[] {
    return this.outputs.flatMap((each) => (each.kind === 'trace' ? [each.detail] : []));
  }

  /** Takes what was sent since the last time. */
  sent(): Line[] {
    return this.#sent.splice(0).map((bytes) => this.#describe(bytes));
  }

  /** The same, without options and windows: what most scripts are about. */
  brief(): string[] {
    return this.sent().map((line) => brief(line));
  }

  /** A segment from the peer arrives. */
  receive(line: Line): void {
    const segment = new Segment();
    segment.sourcePort = PEER_PORT;
    segment.destinationPort = this.#localPort;
    if (line.ports !== undefined) [segment.sourcePort, segment.destinationPort] = line.ports;
    for (const letter of line.flags) segment.flags |= LETTERS[letter as keyof typeof LETTERS];
    segment.sequence = (PEER_INITIAL + (line.seq ?? 0)) >>> 0;
    segment.acknowledgment = line.ack === undefined ? 0 : (this.#initial + line.ack) >>> 0;
    segment.window = line.window ?? 65_535;
    segment.maximumSegmentSize = line.mss ?? 0;
    segment.windowScale = line.scale ?? -1;
    segment.sackPermitted = line.sackOk ?? false;
    if (line.timestamp !== undefined) {
      segment.hasTimestamps = true;
      [segment.timestamp, segment.timestampEcho] = line.timestamp;
    }
    for (const [left, right] of line.sack ?? []) {
      segment.sackEdges[2 * segment.sackCount] = (this.#initial + left) >>> 0;
      segment.sackEdges[2 * segment.sackCount + 1] = (this.#initial + right) >>> 0;
      segment.sackCount++;
    }
    const data = Buffer.from(line.data ?? '');
    const write = (bytes: Bytes, at: number) => {
      const header = encodeSegment(segment, bytes, at);
      bytes.set(data, at + header);
      const length = header + data.length;
      const sum = new Path(SERVER, CLIENT).pseudoHeaderSum(IpProtocol.tcp, length);
      const checksum = checksumFinish(checksumAdd(sum, bytes, at, at + length));
      bytes[at + 16] = checksum >>> 8;
      bytes[at + 17] = checksum;
      return length;
    };
    this.receiveBytes(IpProtocol.tcp, write, line.ecn);
  }

  /** Segments from the peer that arrive together. */
  receiveTogether(lines: readonly Line[]): void {
    const packets: Packet[] = [];
    this.#burst = packets;
    for (const line of lines) this.receive(line);
    this.#burst = undefined;
    this.tell({ kind: 'packets', packets });
  }

  /** An IP packet from the peer whose payload `write` fills in; it answers how long that is. */
  receiveBytes(protocol: number, write: (bytes: Bytes, at: number) => number, ecn = 0): void {
    const network = new NetworkInterface(
      SERVER,
      new CopyingSink(2000, (bytes) => {
        if (this.#burst !== undefined) this.#burst.push(asPacket(bytes));
        else this.tell({ kind: 'packets', packets: [asPacket(bytes)] });
      }),
      0,
    );
    const path = new Path(SERVER, CLIENT);
    const packet = network.take(path);
    packet.end = packet.start + write(packet.bytes, packet.start);
    network.send(packet, path, protocol, undefined, ecn);
  }

  /** What the sender of socket 1 knows. */
  get sender(): SenderSnapshot {
    for (const output of this.stack.handle({ kind: 'inspect' }, this.now)) {
      const sender = output.kind === 'connections' ? output.connections[0]?.sender : undefined;
      if (sender !== undefined) return sender;
    }
    throw new Error('no connection');
  }

  /** Our port and initial sequence number, of the last SYN that was taken. */
  get localPort(): number {
    return this.#localPort;
  }

  get initial(): number {
    return this.#initial;
  }

  /** The last packet sent, without taking it. */
  lastPacket(): Bytes {
    return this.#sent.at(-1)!;
  }

  /** Opens socket 1 to the peer; without `syn`, the peer answers with every option. */
  connect(syn: Partial<Line> = {}): void {
    this.tell({ kind: 'tcp-connect', socket: 1, address: SERVER.bytes, port: PEER_PORT });
    this.sent();
    this.wait(ROUND_TRIP);
    const options = { mss: 1000, scale: 0, sackOk: true };
    this.receive({ flags: 'SA', ack: 1, ...options, ...syn });
    this.sent();
    this.take();
  }

  #describe(bytes: Bytes): Line {
    const header = new IpHeader();
    decodeIpv4(header, bytes, 0, bytes.length);
    if (!header.isTo(SERVER)) throw new Error('address');
    const pseudo = header.pseudoHeaderSum(IpProtocol.tcp, bytes.length - header.dataStart);
    if (checksumFinish(checksumAdd(pseudo, bytes, header.dataStart, bytes.length)) !== 0) {
      throw new Error('checksum');
    }
    const segment = new Segment();
    decodeSegment(segment, bytes, header.dataStart, header.dataEnd);
    const flags = (Object.keys(LETTERS) as (keyof typeof LETTERS)[])
      .filter((letter) => segment.has(LETTERS[letter]))
      .join('');
    if (flags.includes('S')) {
      this.#initial = segment.sequence;
      this.#localPort = segment.sourcePort;
    }
    const sack: [number, number][] = [];
    for (let i = 0; i < segment.sackCount; i++) {
      sack.push([
        (segment.sackEdges[2 * i]! - PEER_INITIAL) >>> 0,
        (segment.sackEdges[2 * i + 1]! - PEER_INITIAL) >>> 0,
      ]);
    }
    const data = Buffer.from(bytes.subarray(segment.dataStart, segment.dataEnd)).toString();
    return {
      flags,
      seq: (segment.sequence - this.#initial) >>> 0,
      ...(flags.includes('A') ? { ack: (segment.acknowledgment - PEER_INITIAL) >>> 0 } : {}),
      ...(data.length > 0 ? { data } : {}),
      window: segment.window,
      ...(header.ecn > 0 ? { ecn: header.ecn } : {}),
      ...(segment.maximumSegmentSize > 0 ? { mss: segment.maximumSegmentSize } : {}),
      ...(segment.windowScale >= 0 ? { scale: segment.windowScale } : {}),
      ...(segment.sackPermitted ? { sackOk: true } : {}),
      ...(segment.hasTimestamps
        ? { timestamp: [segment.timestamp, segment.timestampEcho] as const }
        : {}),
      ...(sack.length > 0 ? { sack } : {}),
    };
  }
}

/** `PA 1:6 ack 1`: flags, the range of data, the acknowledgment, SACK blocks. */
function brief(line: Line): string {
  const seq = line.seq ?? 0;
  let text = `${line.flags} ${seq}:${seq + (line.data?.length ?? 0)}`;
  if (line.ack !== undefined) text += ` ack ${line.ack}`;
  for (const [left, right] of line.sack ?? []) text += ` sack ${left}:${right}`;
  return text;
}
