/** ICMP of both families by field. RFC 792, RFC 1191 §4, RFC 4443 §3 and §4, RFC 4861 §4. */
import { IpProtocol } from '../ip/header.ts';
import type { Dissection, Place } from './dissection.ts';
import { hex, named } from './field-reader.ts';
import { type IpRead, readIp } from './ip-header.ts';

const TYPES: Readonly<Record<number, string>> = {
  0: 'Echo Reply',
  3: 'Destination Unreachable',
  5: 'Redirect',
  8: 'Echo',
  11: 'Time Exceeded',
  12: 'Parameter Problem',
};
const TYPES6: Readonly<Record<number, string>> = {
  1: 'Destination Unreachable',
  2: 'Packet Too Big',
  3: 'Time Exceeded',
  4: 'Parameter Problem',
  128: 'Echo Request',
  129: 'Echo Reply',
  133: 'Router Solicitation',
  134: 'Router Advertisement',
  135: 'Neighbor Solicitation',
  136: 'Neighbor Advertisement',
};
const WORDS: Readonly<Record<string, string>> = {
  Echo: 'Ping',
  'Echo Request': 'Ping',
  'Echo Reply': 'Answer to a ping',
  'Destination Unreachable': 'Says that the destination is out of reach',
  'Packet Too Big': 'Says that a packet was too big',
  'Time Exceeded': 'Says that a packet’s time was up',
};

/** Errors quote the packet they are about. */
const QUOTES = ['Destination Unreachable', 'Packet Too Big', 'Time Exceeded', 'Parameter Problem'];

export function dissectIcmp(
  into: Dissection,
  place: Place,
  { source, destination, protocol }: IpRead,
): void {
  const isIpv6 = protocol === IpProtocol.icmpv6;
  const names = isIpv6 ? TYPES6 : TYPES;
  const title = isIpv6 ? 'ICMPv6' : 'ICMP';
  let quote: Place | undefined;
  let words = `Malformed ${title} message`;
  into.layer(title, place, (reader) => {
    const type = reader.u8('Type', named(names));
    reader.u8('Code');
    reader.u16('Checksum', hex(4));
    const name = names[type] ?? `type ${type}`;
    words = WORDS[name] ?? `${title} ${name}`;
    if (name.startsWith('Echo')) {
      reader.u16('Identifier', hex(4));
      reader.u16('Sequence Number');
      if (reader.remaining > 0) reader.rest('Data', (data) => `${data.length} bytes`);
    } else if (QUOTES.includes(name)) {
      if (name === 'Packet Too Big') reader.u32('MTU');
      else if (!isIpv6 && type === 3) {
        reader.u16('unused');
        reader.u16('Next-Hop MTU');
      } else reader.u32(name === 'Parameter Problem' ? 'Pointer' : 'unused');
      quote = { ...place, ...reader.handOver() };
    } else if (reader.remaining > 0) reader.rest('Message Body');
    return name;
  });
  into.tell('ICMP', `${words}, ${source} → ${destination}`);
  if (quote !== undefined) readIp(into, quote);
}
