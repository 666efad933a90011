/** Packets as the recorder keeps them, and what lies where in those of ESP. */
import { headerLength, PppProtocol, protocolNumber } from '../ppp/protocol.ts';
import type { OpenedMessage } from '../relay/control.ts';
import type { Bytes } from '../wire/bytes.ts';
import type { PacketRow } from './view.ts';

interface Recorded {
  readonly id: number;
  /** As `Date` counts, with fractions. */
  readonly time: number;
  readonly direction: 'out' | 'in';
  /** Made when it is first asked for. */
  row?: PacketRow;
}

/** JSON between tab and relay. */
export interface RecordedControl extends Recorded {
  readonly kind: 'control';
  readonly text: string;
}

/** A datagram between relay and gateway, without the headers that the relay adds. */
export interface RecordedDatagram extends Recorded {
  readonly kind: 'datagram';
  readonly channel: number;
  readonly bytes: Bytes;
  readonly path: OpenedMessage;
  /** What an ESP packet held. */
  inner?: EspContents;
}

export interface EspContents {
  readonly nextHeader: number;
  readonly bytes: Bytes;
}

export type RecordedPacket = RecordedControl | RecordedDatagram;

/** IP protocol number of UDP: what L2TP's ESP packets carry. */
export const UDP_PROTOCOL = 17;
export const UDP_HEADER = 8;

const L2TP_CONTROL = 0x80;
const L2TP_LENGTH = 0x40;
const L2TP_SEQUENCE = 0x08;
const L2TP_OFFSET = 0x02;

/** The IP packet inside, as a view; `undefined` where there is L2TP's or PPP's own talk, or nothing readable. */
export function innerIp({ nextHeader, bytes }: EspContents): Bytes | undefined {
  if (nextHeader !== UDP_PROTOCOL) return undefined;
  const flags = bytes[UDP_HEADER] ?? L2TP_CONTROL;
  if ((flags & L2TP_CONTROL) !== 0) return undefined;
  let at = UDP_HEADER + 6;
  if ((flags & L2TP_LENGTH) !== 0) at += 2;
  if ((flags & L2TP_SEQUENCE) !== 0) at += 4;
  if ((flags & L2TP_OFFSET) !== 0) at += 2 + (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
  const header = headerLength(bytes, at, bytes.length);
  if (header === 0) return undefined;
  const protocol = protocolNumber(bytes, at, header);
  const isIp = protocol === PppProtocol.ipv4 || protocol === PppProtocol.ipv6;
  return isIp ? bytes.subarray(at + header) : undefined;
}
