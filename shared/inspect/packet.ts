/** A recorded packet taken apart: relay, IP, UDP, IKE or ESP, and what was inside. */
import { Channel } from '../relay/channels.ts';
import { type Bytes, concat } from '../wire/bytes.ts';
import { utf8Encode } from '../wire/text.ts';
import { Dissection, type Place } from './dissection.ts';
import { dissectEsp, dissectNatTraversal } from './esp.ts';
import { named } from './field-reader.ts';
import { readIp } from './ip-header.ts';
import { dissectIsakmp } from './isakmp.ts';
import { dissectL2tp } from './l2tp.ts';
import { outerPacket } from './outer-headers.ts';
import type { EspContents, RecordedDatagram, RecordedPacket } from './recorded.ts';
import { UDP_PROTOCOL } from './recorded.ts';
import { dissectControl } from './relay-control.ts';
import { readUdp } from './udp.ts';
import type { PacketDetails, PacketRow } from './view.ts';

const CHANNELS = named({
  [Channel.ike]: 'IKE',
  [Channel.natt]: 'NAT-T',
  [Channel.esp]: 'ESP',
  [Channel.l2tp]: 'L2TP',
});
const RECORD_HEADER = 3;

/** What an encrypted IKE body holds, where that is known. */
type PlaintextOf = (ciphertext: Bytes) => Bytes | undefined;

/** The packet's line in the list; made once. */
export function rowOf(packet: RecordedPacket, plaintextOf: PlaintextOf): PacketRow {
  packet.row ??= makeRow(packet, dissect(packet, plaintextOf));
  return packet.row;
}

export function detailsOf(packet: RecordedPacket, plaintextOf: PlaintextOf): PacketDetails {
  const { layers, buffers } = dissect(packet, plaintextOf);
  return { row: rowOf(packet, plaintextOf), layers, buffers };
}

function makeRow(packet: RecordedPacket, { protocol, meaning }: Dissection): PacketRow {
  const { id, time, direction } = packet;
  return packet.kind === 'control'
    ? { id, time, direction, peer: 'relay', protocol, meaning, size: packet.text.length }
    : { id, time, direction, peer: 'gateway', protocol, meaning, size: packet.bytes.length };
}

function dissect(packet: RecordedPacket, plaintextOf: PlaintextOf): Dissection {
  const into = new Dissection(packet.direction);
  if (packet.kind === 'control') dissectControl(into, utf8Encode(packet.text), packet.text);
  else dissectDatagram(into, packet, plaintextOf);
  return into;
}

function dissectDatagram(
  into: Dissection,
  { channel, bytes, direction, path, inner }: RecordedDatagram,
  plaintextOf: PlaintextOf,
): void {
  const header = Uint8Array.of(channel, bytes.length >>> 8, bytes.length);
  const record = into.addBuffer('Between tab and relay', concat(header, bytes));
  const whole = { buffer: record, start: 0, end: RECORD_HEADER + bytes.length };
  into.layer('Relay record', whole, (reader) => {
    reader.u8('channel', CHANNELS);
    reader.u16('length', (value) => `${value} bytes`);
    reader.handOver();
    return 'culvert.v1';
  });
  const wire = outerPacket(path, direction, channel, bytes);
  const buffer = into.addBuffer('Between relay and gateway, outer headers reconstructed', wire);
  const ip = readIp(into, { buffer, start: 0, end: wire.length });
  const place = ip?.payload;
  if (place === undefined) return;
  if (channel === Channel.esp) dissectEsp(into, place);
  else dissectUdpChannel(into, channel, place, plaintextOf);
  if (inner !== undefined) dissectInner(into, inner);
}

function dissectUdpChannel(
  into: Dissection,
  channel: number,
  place: Place,
  plaintextOf: PlaintextOf,
): void {
  const payload = readUdp(into, place)?.payload;
  if (payload === undefined) return;
  if (channel === Channel.ike) dissectIsakmp(into, payload, plaintextOf);
  else if (channel === Channel.natt) dissectNatTraversal(into, payload, plaintextOf);
  else dissectL2tp(into, payload);
}

/** What ESP protects in transport mode: UDP with L2TP. */
function dissectInner(into: Dissection, { nextHeader, bytes }: EspContents): void {
  const buffer = into.addBuffer('Decrypted by this tab', bytes);
  const place = { buffer, start: 0, end: bytes.length };
  const payload = nextHeader === UDP_PROTOCOL ? readUdp(into, place)?.payload : undefined;
  if (payload !== undefined) dissectL2tp(into, payload);
  else into.tell('ESP', `Packet of protocol ${nextHeader}`);
}
