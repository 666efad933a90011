/** UDP by field, and what is known by its port. RFC 768. */
import type { Dissection, Place } from './dissection.ts';
import { dissectDns } from './dns.ts';
import { hex } from './field-reader.ts';
import type { IpRead } from './ip-header.ts';

const DNS_PORT = 53;

/** What a UDP datagram says about itself. */
interface UdpRead {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload: Place;
}

export function dissectUdp(into: Dissection, place: Place, { source, destination }: IpRead): void {
  const datagram = readUdp(into, place);
  if (datagram === undefined) {
    return into.tell('UDP', `Malformed datagram ${source} → ${destination}`);
  }
  const { sourcePort, destinationPort, payload } = datagram;
  const length = payload.end - payload.start;
  const path = `${source} port ${sourcePort} → ${destination} port ${destinationPort}`;
  into.tell('UDP', `${path}, ${length} bytes`);
  if (sourcePort === DNS_PORT || destinationPort === DNS_PORT) dissectDns(into, payload);
  else if (length > 0) {
    into.layer('Data', payload, (reader) => {
      reader.rest('Data', (data) => `${data.length} bytes`);
      return `${length} bytes`;
    });
  }
}

/** Adds the header's layer; `undefined` when it is malformed. */
export function readUdp(into: Dissection, place: Place): UdpRead | undefined {
  let datagram: UdpRead | undefined;
  into.layer('UDP', place, (reader) => {
    const sourcePort = reader.u16('Source Port');
    const destinationPort = reader.u16('Destination Port');
    const length = reader.u16('Length', (value) => `${value} bytes`);
    reader.u16('Checksum', (value) => (value === 0 ? '0 (not computed)' : hex(4)(value)));
    const payload = { ...place, ...reader.handOver(length - 8) };
    datagram = { sourcePort, destinationPort, payload };
    return `${sourcePort} → ${destinationPort}`;
  });
  return datagram;
}
