/**
 * What a recording holds, as the endpoints understood it: TCP streams put together, WebSocket messages
 * unmasked. A search in the raw packets alone would miss what a client's mask hides (RFC 6455 §5.3).
 * Left out: IPv6, IP options beyond skipping them, and fragments, none of which occur in a laboratory.
 */

import { ExchangeType } from '../../../shared/isakmp/numbers.ts';

/** Recordings of the device `any`: the header's length, and where its protocol field is. */
const LINK_HEADERS: Readonly<Record<number, { length: number; protocolAt: number }>> = {
  113: { length: 16, protocolAt: 14 },
  276: { length: 20, protocolAt: 0 },
};
const PCAP_MAGIC = 0xa1b2c3d4;
const PCAP_HEADER = 24;
const RECORD_HEADER = 16;
const ETHERTYPE_IPV4 = 0x0800;
const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;
const FLAG_FIN = 0x01;
const FLAG_SYN = 0x02;

/** The IP protocols that occur. */
export function ipProtocols(recording: Buffer): Set<number> {
  return new Set([...ipv4Packets(recording)].map((packet) => packet[9]!));
}

/** The destination ports of the UDP datagrams. */
export function udpPorts(recording: Buffer): Set<number> {
  const ports = new Set<number>();
  for (const packet of ipv4Packets(recording)) {
    if (packet[9] === PROTOCOL_UDP) ports.add(packet.readUInt16BE(headerLength(packet) + 2));
  }
  return ports;
}

/** Of an ISAKMP header: where the exchange type and the message id are. @rfc 2408 §3.1 */
const EXCHANGE_TYPE_AT = 18;
const MESSAGE_ID_AT = 20;

/**
 * IKE behind the non-ESP marker, as it was sent to a port: initiators' cookies, one for an IKE SA, and the cookies and message ids of
 * Quick Modes, one for a pair of ESP SAs, in hex.
 *
 * @rfc 3948 §2.2
 */
export function negotiations(
  recording: Buffer,
  port: number,
): { readonly ike: Set<string>; readonly esp: Set<string> } {
  const found = { ike: new Set<string>(), esp: new Set<string>() };
  for (const packet of ipv4Packets(recording)) {
    const udp = headerLength(packet);
    if (packet[9] !== PROTOCOL_UDP || packet.readUInt16BE(udp + 2) !== port) continue;
    // Keepalives are shorter, ESP has an SPI there.
    if (packet.readUInt16BE(udp + 4) < 12 || packet.readUInt32BE(udp + 8) !== 0) continue;
    const message = packet.subarray(udp + 12);
    const cookie = message.toString('hex', 0, 8);
    found.ike.add(cookie);
    if (message[EXCHANGE_TYPE_AT] !== ExchangeType.quickMode) continue;
    found.esp.add(`${cookie} ${message.toString('hex', MESSAGE_ID_AT, MESSAGE_ID_AT + 4)}`);
  }
  return found;
}

/** One direction of a TCP connection. */
export interface TcpStream {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly bytes: Buffer;
  /** Whether its end was recorded. */
  readonly isComplete: boolean;
}

interface Segments {
  readonly sourcePort: number;
  readonly destinationPort: number;
  first: number | undefined;
  isComplete: boolean;
  readonly parts: Map<number, Buffer>;
}

/** Both directions of every TCP connection. Throws when one has a hole, since a search would miss it. */
export function tcpStreams(recording: Buffer): TcpStream[] {
  const streams = new Map<string, Segments>();
  for (const packet of ipv4Packets(recording)) {
    if (packet[9] !== PROTOCOL_TCP) continue;
    const segment = packet.subarray(headerLength(packet), packet.readUInt16BE(2));
    const sourcePort = segment.readUInt16BE(0);
    const destinationPort = segment.readUInt16BE(2);
    const sequence = segment.readUInt32BE(4);
    const key = `${packet.toString('hex', 12, 20)} ${sourcePort} ${destinationPort}`;
    const stream = streams.get(key) ?? {
      sourcePort,
      destinationPort,
      first: undefined,
      isComplete: false,
      parts: new Map<number, Buffer>(),
    };
    streams.set(key, stream);
    if ((segment[13]! & FLAG_FIN) !== 0) stream.isComplete = true;
    if ((segment[13]! & FLAG_SYN) !== 0) stream.first = (sequence + 1) >>> 0;
    const data = segment.subarray((segment[12]! >> 4) * 4);
    const known = stream.parts.get(sequence);
    if (data.length > (known?.length ?? 0)) stream.parts.set(sequence, data);
  }
  return [...streams.values()].map(assemble);
}

function assemble({ first, parts, ...stream }: Segments): TcpStream {
  if (first === undefined) throw new Error(`port ${stream.sourcePort}: the recording has no SYN`);
  const ordered = [...parts]
    .map(([sequence, data]) => ({ at: (sequence - first) >>> 0, data }))
    .filter(({ at }) => at < 0x8000_0000)
    .sort((a, b) => a.at - b.at);
  const chunks: Buffer[] = [];
  let end = 0;
  for (const { at, data } of ordered) {
    if (at > end)
      throw new Error(`port ${stream.sourcePort}: bytes ${end} to ${at} were not recorded`);
    if (at + data.length <= end) continue;
    chunks.push(data.subarray(end - at));
    end = at + data.length;
  }
  return { ...stream, bytes: Buffer.concat(chunks) };
}

/**
 * The payloads of a WebSocket's frames in one direction, unmasked, control frames too. Empty when the stream
 * is no WebSocket. Throws on an agreed extension, since compressed payloads cannot be searched.
 *
 * @rfc 6455 §5.2
 */
export function webSocketPayloads({ bytes }: TcpStream): Buffer[] {
  const headerEnd = bytes.indexOf('\r\n\r\n');
  const header = bytes.toString('latin1', 0, Math.max(headerEnd, 0));
  if (!/^upgrade: *websocket\r?$/im.test(header)) return [];
  const isAnswer = header.startsWith('HTTP/');
  if (isAnswer && /^sec-websocket-extensions:/im.test(header)) {
    throw new Error('the WebSocket has an extension');
  }
  const payloads: Buffer[] = [];
  let at = headerEnd + 4;
  while (at < bytes.length) {
    const isMasked = (bytes[at + 1]! & 0x80) !== 0;
    let length = bytes[at + 1]! & 0x7f;
    at += 2;
    if (length === 126) {
      length = bytes.readUInt16BE(at);
      at += 2;
    } else if (length === 127) {
      length = Number(bytes.readBigUInt64BE(at));
      at += 8;
    }
    const mask = isMasked ? bytes.subarray(at, at + 4) : undefined;
    at += isMasked ? 4 : 0;
    const payload = Buffer.from(bytes.subarray(at, at + length));
    if (payload.length < length) throw new Error('a WebSocket frame is cut off');
    if (mask !== undefined) {
      for (let i = 0; i < length; i++) payload[i] = payload[i]! ^ mask[i % 4]!;
    }
    payloads.push(payload);
    at += length;
  }
  return payloads;
}

function headerLength(packet: Buffer): number {
  return (packet[0]! & 0x0f) * 4;
}

function* ipv4Packets(recording: Buffer): Generator<Buffer> {
  if (recording.readUInt32LE(0) !== PCAP_MAGIC) throw new Error('not a pcap file of this machine');
  const link = LINK_HEADERS[recording.readUInt32LE(20)];
  if (link === undefined) throw new Error('not a recording of the device “any”');
  let at = PCAP_HEADER;
  while (at < recording.length) {
    const length = recording.readUInt32LE(at + 8);
    const frame = recording.subarray(at + RECORD_HEADER, at + RECORD_HEADER + length);
    at += RECORD_HEADER + length;
    const isIpv4 = frame.readUInt16BE(link.protocolAt) === ETHERTYPE_IPV4;
    if (isIpv4) yield frame.subarray(link.length);
  }
}
