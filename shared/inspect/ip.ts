/** An IP packet with what it carries. */
import { IpProtocol } from '../ip/header.ts';
import type { Dissection, Place } from './dissection.ts';
import { dissectIcmp } from './icmp.ts';
import { IP_PROTOCOLS, readIp } from './ip-header.ts';
import { dissectTcp } from './tcp.ts';
import { dissectUdp } from './udp.ts';

export function dissectIp(into: Dissection, place: Place): void {
  const packet = readIp(into, place);
  if (packet === undefined) return into.tell('IP', 'Malformed packet');
  const { source, destination, protocol, payload } = packet;
  into.tell('IP', `${IP_PROTOCOLS[protocol] ?? `Protocol ${protocol}`} ${source} → ${destination}`);
  if (payload === undefined) return into.tell('IP', `Fragment ${source} → ${destination}`);
  if (protocol === IpProtocol.tcp) dissectTcp(into, payload, packet);
  else if (protocol === IpProtocol.udp) dissectUdp(into, payload, packet);
  else if (protocol === IpProtocol.icmp || protocol === IpProtocol.icmpv6) {
    dissectIcmp(into, payload, packet);
  }
}
