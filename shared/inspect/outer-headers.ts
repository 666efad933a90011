/**
 * The IP and UDP headers that relay and gateway put around a datagram, reconstructed from what the relay told. Identification
 * and time to live are invented, the UDP checksum is left out, and a NAT on the way may change the addresses.
 * @rfc 791 §3.1
 * @rfc 768
 */
import { Channel, type UdpChannelName } from '../relay/channels.ts';
import type { OpenedMessage } from '../relay/control.ts';
import { type Bytes, concat } from '../wire/bytes.ts';
import { checksumAdd, checksumFinish } from '../wire/checksum.ts';
import { Writer } from '../wire/writer.ts';
import { UDP_HEADER, UDP_PROTOCOL } from './recorded.ts';

const ESP_PROTOCOL = 50;
const TIME_TO_LIVE = 64;
const IPV4_HEADER = 20;

const UDP_CHANNELS: Readonly<Record<number, UdpChannelName>> = {
  [Channel.ike]: 'ike',
  [Channel.natt]: 'natt',
  [Channel.l2tp]: 'l2tp',
};

/** The whole IP packet of a datagram on a channel. */
export function outerPacket(
  path: OpenedMessage,
  direction: 'out' | 'in',
  channel: number,
  bytes: Bytes,
): Bytes {
  const name = UDP_CHANNELS[channel];
  if (name === undefined) return ipPacket(path, direction, ESP_PROTOCOL, bytes);
  const [from, to] = direction === 'out' ? [path.local, path.remote] : [path.remote, path.local];
  const length = UDP_HEADER + bytes.length;
  const header = new Writer().u16(from[name]).u16(to[name]).u16(length).u16(0);
  return ipPacket(path, direction, UDP_PROTOCOL, concat(header.finish(), bytes));
}

/** An IPv4 packet between relay and gateway. */
export function ipPacket(
  path: OpenedMessage,
  direction: 'out' | 'in',
  protocol: number,
  payload: Bytes,
): Bytes {
  const relay = address(path.local.address);
  const gateway = address(path.gateway.address);
  const header = new Writer()
    .u8(0x45)
    .u8(0)
    .u16(IPV4_HEADER + payload.length)
    .u32(0);
  header.u8(TIME_TO_LIVE).u8(protocol).u16(0);
  header.bytes(direction === 'out' ? relay : gateway).bytes(direction === 'out' ? gateway : relay);
  const packet = concat(header.finish(), payload);
  const checksum = checksumFinish(checksumAdd(0, packet, 0, IPV4_HEADER));
  packet[10] = checksum >>> 8;
  packet[11] = checksum;
  return packet;
}

/** Of a dotted address whose form the control codec has checked. */
function address(dotted: string): Bytes {
  return Uint8Array.from(dotted.split('.'), Number);
}
