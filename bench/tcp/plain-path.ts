/**
 * The least that TCP over IPv4 can cost in this language: headers built, parsed and verified with our own codecs, the
 * data copied in and out once, an acknowledgment for every second segment, and no connection behind it.
 */
import { IpAddress } from '../../shared/ip/address.ts';
import { IPV4_HEADER, IpHeader, IpProtocol } from '../../shared/ip/header.ts';
import { NetworkInterface } from '../../shared/ip/interface.ts';
import { decodeIpv4 } from '../../shared/ip/ipv4.ts';
import { Path } from '../../shared/ip/path.ts';
import {
  decodeSegment,
  encodeSegment,
  Segment,
  TCP_HEADER,
  TcpFlag,
  TIMESTAMP_OPTION,
} from '../../shared/ip/tcp/segment.ts';
import type { Bytes } from '../../shared/wire/bytes.ts';
import { checksumAdd, checksumFinish } from '../../shared/wire/checksum.ts';
import type { Packet } from '../../shared/wire/packet.ts';
import { CLIENT, MTU, SERVER } from './shape.ts';

const HEADROOM = 64;
const SEGMENT = MTU - IPV4_HEADER - TCP_HEADER - TIMESTAMP_OPTION;
const SOURCE: Bytes = new Uint8Array(1 << 20).map((_, i) => (i * 31) ^ (i >>> 8));
const EMPTY: Bytes = new Uint8Array(0);
const client = new IpAddress(CLIENT);
const server = new IpAddress(SERVER);

export class PlainPath {
  readonly #packet: Packet = { bytes: new Uint8Array(HEADROOM + MTU), start: 0, end: 0 };
  readonly #ends = [new Path(client, server), new Path(server, client)].map((path) => ({
    path,
    network: new NetworkInterface(
      path.local,
      { mtu: MTU, take: () => this.#take(), send: () => undefined },
      1,
    ),
  }));
  readonly #out = new Segment();
  readonly #in = new Segment();
  readonly #header = new IpHeader();
  #position = 0;
  /** Keeps what is read from being optimised away. */
  sum = 0;

  /** Carries `bytes` in segments of full size. */
  transfer(bytes: number): void {
    for (let sent = 0, count = 0; sent < bytes; sent += SEGMENT, count++) {
      const at = this.#position % (SOURCE.length - SEGMENT);
      this.#position += SEGMENT;
      this.#carry(0, SOURCE.subarray(at, at + SEGMENT));
      if (count % 2 === 1) this.#carry(1, EMPTY);
    }
  }

  #carry(direction: 0 | 1, data: Bytes): void {
    const { path, network } = this.#ends[direction]!;
    const segment = this.#out;
    segment.clearOptions();
    segment.sourcePort = 40_000;
    segment.destinationPort = 80;
    segment.sequence = this.#position >>> 0;
    segment.acknowledgment = this.#position >>> 0;
    segment.flags = TcpFlag.ack;
    segment.window = 65_535;
    segment.hasTimestamps = true;
    segment.timestamp = this.#position >>> 0;
    const packet = network.take(path);
    const { bytes, start } = packet;
    const header = encodeSegment(segment, bytes, start);
    packet.end = start + header + data.length;
    if (data.length > 0) bytes.set(data, start + header);
    const sum = path.pseudoHeaderSum(IpProtocol.tcp, packet.end - start);
    const checksum = checksumFinish(checksumAdd(sum, bytes, start, packet.end));
    bytes[start + 16] = checksum >>> 8;
    bytes[start + 17] = checksum;
    network.send(packet, path, IpProtocol.tcp);
    this.#arrived(packet);
  }

  #arrived({ bytes, start, end }: Packet): void {
    const header = this.#header;
    decodeIpv4(header, bytes, start, end);
    const { dataStart, dataEnd } = header;
    const sum = header.pseudoHeaderSum(IpProtocol.tcp, dataEnd - dataStart);
    if (checksumFinish(checksumAdd(sum, bytes, dataStart, dataEnd)) !== 0)
      throw new Error('checksum');
    decodeSegment(this.#in, bytes, dataStart, dataEnd);
    if (this.#in.dataLength > 0) {
      const data = bytes.slice(this.#in.dataStart, this.#in.dataEnd);
      this.sum += data[0]!;
    }
  }

  #take(): Packet {
    this.#packet.start = HEADROOM;
    this.#packet.end = HEADROOM;
    return this.#packet;
  }
}
