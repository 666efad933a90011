/** IPv4 and IPv6 headers by field. RFC 791 §3.1, RFC 8200 §3 and §4. */
import { formatAddress } from '../ip/address.ts';
import { IpProtocol } from '../ip/header.ts';
import { DecodeError } from '../wire/errors.ts';
import type { Dissection, Place } from './dissection.ts';
import { bits, type FieldReader, hex, named } from './field-reader.ts';

/** The names of the protocols that an IP packet may carry here, from IANA's registry. */
export const IP_PROTOCOLS: Readonly<Record<number, string>> = {
  0: 'Hop-by-Hop Options',
  [IpProtocol.icmp]: 'ICMP',
  [IpProtocol.tcp]: 'TCP',
  [IpProtocol.udp]: 'UDP',
  43: 'Routing',
  44: 'Fragment',
  50: 'ESP',
  [IpProtocol.icmpv6]: 'ICMPv6',
  59: 'No Next Header',
  60: 'Destination Options',
};

/** Extension headers that begin with the next header and their own length. @rfc 8200 §4 */
const EXTENSIONS: ReadonlySet<number> = new Set([0, 43, 60]);
const FRAGMENT = 44;
const FRAGMENT_FLAGS = [
  [4, 'reserved'],
  [2, 'DF'],
  [1, 'MF'],
] as const;

/** Who speaks to whom, and with which protocol. */
export interface IpRead {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  /** What a first or only fragment carries; a later one cannot be read alone. */
  readonly payload: Place | undefined;
}

/** Adds the header's layer; `undefined` when it is malformed. Also for the packet that an ICMP error quotes. */
export function readIp(into: Dissection, place: Place): IpRead | undefined {
  const version = (into.bytes(place)[0] ?? 0) >>> 4;
  let packet: IpRead | undefined;
  into.layer(version === 6 ? 'IPv6' : 'IP', place, (reader) => {
    if (version !== 4 && version !== 6) throw new DecodeError(`version ${version}`);
    packet = version === 4 ? readIpv4(reader, place) : readIpv6(reader, place);
    return `${packet.source} → ${packet.destination}`;
  });
  return packet;
}

function readIpv4(reader: FieldReader, place: Place): IpRead {
  const start = reader.offset;
  let header = 0;
  reader.u8('Version, IHL', (value) => {
    header = 4 * (value & 0xf);
    return `4, ${header} bytes`;
  });
  if (header < 20) throw new DecodeError('header length');
  reader.u8('Type of Service', hex(2));
  const total = reader.u16('Total Length', (value) => `${value} bytes`);
  reader.u16('Identification', hex(4));
  const fragment = reader.u16('Flags, Fragment Offset', (value) => {
    return `${bits(FRAGMENT_FLAGS, 1)(value >>> 13)}, ${8 * (value & 0x1fff)} bytes`;
  });
  reader.u8('Time to Live');
  const protocol = reader.u8('Protocol', named(IP_PROTOCOLS));
  reader.u16('Header Checksum', hex(4));
  const source = formatAddress(reader.take('Source Address', 4, formatAddress));
  const destination = formatAddress(reader.take('Destination Address', 4, formatAddress));
  if (header > 20) reader.take('Options', header - 20);
  // A quoted packet is cut short.
  const left = Math.min(start + total - reader.offset, reader.remaining);
  const payload = { ...place, ...reader.handOver(left) };
  return {
    source,
    destination,
    protocol,
    payload: (fragment & 0x1fff) === 0 ? payload : undefined,
  };
}

function readIpv6(reader: FieldReader, place: Place): IpRead {
  reader.u32('Version, Traffic Class, Flow Label', (value) => {
    return `6, ${hex(2)((value >>> 20) & 0xff)}, ${hex(5)(value & 0xfffff)}`;
  });
  const length = reader.u16('Payload Length', (value) => `${value} bytes`);
  let protocol = reader.u8('Next Header', named(IP_PROTOCOLS));
  reader.u8('Hop Limit');
  const source = formatAddress(reader.take('Source Address', 16, formatAddress));
  const destination = formatAddress(reader.take('Destination Address', 16, formatAddress));
  const end = reader.offset + Math.min(length, reader.remaining);
  let offset = 0;
  while (EXTENSIONS.has(protocol) || protocol === FRAGMENT) {
    const isFragment = protocol === FRAGMENT;
    const size = isFragment ? 8 : 8 + 8 * Math.max(0, reader.peek(1));
    const next = reader.peek();
    reader.group(IP_PROTOCOLS[protocol]!, size, (extension) => {
      extension.u8('Next Header', named(IP_PROTOCOLS));
      extension.u8(isFragment ? 'Reserved' : 'Hdr Ext Len');
      if (!isFragment) extension.rest('Data');
      else {
        offset = extension.u16('Fragment Offset, Res, M', hex(4)) >>> 3;
        extension.u32('Identification', hex(8));
      }
      return '';
    });
    protocol = next;
  }
  const payload = { ...place, ...reader.handOver(end - reader.offset) };
  return { source, destination, protocol, payload: offset === 0 ? payload : undefined };
}
