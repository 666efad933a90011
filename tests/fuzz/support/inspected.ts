/** The packet inspector as a target: whatever a peer sends, a packet is taken apart into a bounded number of fields inside of it. */
import { detailsOf } from '../../../shared/inspect/packet.ts';
import type { RecordedPacket } from '../../../shared/inspect/recorded.ts';
import type { PacketField } from '../../../shared/inspect/view.ts';
import { Channel } from '../../../shared/relay/channels.ts';
import type { OpenedMessage } from '../../../shared/relay/control.ts';
import { type Bytes, concat, fromHex } from '../../../shared/wire/bytes.ts';
import { everyField } from '../../support/recording.ts';
import { insist } from './insist.ts';

const MOST_FIELDS = 2_500;
const MOST_TEXT = 1_000;

const path: OpenedMessage = {
  type: 'opened',
  gateway: { id: 'a', name: 'A', address: '192.0.2.1' },
  local: { address: '192.0.2.9', ike: 1, natt: 2, l2tp: 3 },
  remote: { ike: 500, natt: 4500, l2tp: 1701 },
  channels: ['ike', 'natt', 'esp', 'l2tp'],
  nat: 'possible',
  mtu: 1500,
  limits: { frameBytes: 9, recordBytes: 9 },
};

const COOKIES = '0102030405060708 1112131415161718';
const TRANSFORM = '00000014 01010000 80010007 800e0100 000c0004 00007080';
const L2TP = '06a506a5 0000 0000 0002 0001 0002 ff03';
const IPV4 = '4500 0030 0000 4000 40';
const ADDRESSES = '0000 0a1e000a 0a1e00fe';

/** What ESP holds. */
const INNER: readonly Bytes[] = [
  '06a506a5 001c 0000 c802 0014 0001 0002 0003 0004 8008 0000 0000 0001',
  `${L2TP} c021 0101 0012 0104 0578 0305 c22381 0506 01020304`,
  `${L2TP} 8021 0101 0016 0306 00000000 8106 00000000 8306 00000000`,
  `${L2TP} c223 0201 000a 04 01020304 61`,
  `${L2TP} c023 0101 000a 02 6162 02 6162`,
  `${L2TP} 0021 ${IPV4} 06 ${ADDRESSES} 0050 c000 00000001 00000002 a012 ffff 0000 0000 020405b4 0402 080a 00000001 00000002 0303 07 00`,
  `${L2TP} 0021 ${IPV4} 01 ${ADDRESSES} 0304 0000 0000 0578 ${IPV4} 11 ${ADDRESSES} 0035 c000`,
  `${L2TP} 0021 ${IPV4} 11 ${ADDRESSES} 0035 c000 0033 0000 0102 8180 0001 0001 0000 0000 0161 00 0001 0001 c00c 0021 0001 0000003c 0009 0001 0002 0185 0162 c00c`,
  `${L2TP} 0057 6000 0000 0010 00 40 ${'20010db8'.padEnd(64, '0')} 3a00 0502 0000 0100 8600 0000 4000 0708`,
].map(fromHex);

/** Datagrams of IKE, clear or as bodies that were decrypted. */
const IKE: readonly Bytes[] = [
  `${COOKIES} 01100200 00000000 0000004c 00000030 00000001 00000001 00000024 01010001 ${TRANSFORM} 00`,
  `${COOKIES} 0b100500 00000001 00000038 0c00001c 00000001 01 10 8d28 ${COOKIES} 00000007 00000010 00000001 03 04 0001 01020304`,
  `${COOKIES} 05100201 00000000 00000040 0800000c 011106a5 0a000001 0d000008 01020304 14000008 4a131c81 00000008 01000000`,
].map(fromHex);

/** Which layer the bytes go in at, and bytes that are well formed there. */
export const INSPECTED = {
  'an inspected datagram of IKE': { valid: IKE, decode: inspect(datagram(Channel.ike)) },
  'an inspected datagram of NAT-T': {
    valid: IKE.map((message) => concat(new Uint8Array(4), message)),
    decode: inspect(datagram(Channel.natt)),
  },
  'an inspected datagram of L2TP': {
    valid: INNER.map((bytes) => bytes.slice(8)),
    decode: inspect(datagram(Channel.l2tp)),
  },
  'an inspected body of IKE': {
    valid: IKE.map((message) => message.slice(28)),
    decode: inspectBody,
  },
  'inspected contents of ESP': { valid: INNER, decode: inspect(contents) },
  'an inspected message of the relay': {
    valid: ['{"type":"unreachable","channel":"ike","reason":"ECONNREFUSED"}'].map(
      (text) => new Uint8Array(Buffer.from(text)),
    ),
    decode: inspect(control),
  },
} as const;

const HEAD = { id: 1, time: 0, direction: 'in' } as const;
const ENCRYPTED = concat(fromHex(`${COOKIES} 01100201 00000000 0000001d`), Uint8Array.of(0));

function datagram(channel: number): (bytes: Bytes) => RecordedPacket {
  return (bytes) => ({ ...HEAD, kind: 'datagram', channel, path, bytes });
}

function contents(bytes: Bytes): RecordedPacket {
  const inner = { nextHeader: 17, bytes };
  return { ...HEAD, kind: 'datagram', channel: Channel.esp, path, bytes: ENCRYPTED, inner };
}

function control(bytes: Bytes): RecordedPacket {
  return { ...HEAD, kind: 'control', text: Buffer.from(bytes).toString('utf8') };
}

function inspectBody(bytes: Bytes): void {
  inspect(() => datagram(Channel.ike)(ENCRYPTED), bytes)(bytes);
}

function inspect(
  packetOf: (bytes: Bytes) => RecordedPacket,
  plaintext?: Bytes,
): (bytes: Bytes) => void {
  return (bytes) => {
    const { row, layers, buffers } = detailsOf(packetOf(bytes), () => plaintext);
    let fields = 0;
    for (const layer of layers) {
      const size = buffers[layer.buffer]!.bytes.length;
      for (const field of everyField([layer])) {
        fields++;
        checkField(field, size);
      }
    }
    insist(fields < MOST_FIELDS, `${fields} fields`);
    insist(row.meaning.length < MOST_TEXT, 'a long meaning');
  };
}

function checkField({ name, value, start, end }: PacketField, size: number): void {
  insist(start <= end && end <= size, `${name} lies outside`);
  insist(name.length > 0 && value.length < MOST_TEXT, `${name} is long`);
}
