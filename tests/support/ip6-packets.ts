/** IPv6 packets written the long way, from a peer with fe80::2 to us with fe80::1 unless told otherwise. */
import type { IpAddress } from '../../shared/ip/address.ts';
import { type Bytes, concat, fromHex } from '../../shared/wire/bytes.ts';
import { sum16 } from './ip-bench.ts';
import { ip } from './ip-pair.ts';

export const OURS6 = ip('fe80::1');
export const PEER6 = ip('fe80::2');

export interface Ip6 {
  readonly next: number;
  readonly from?: IpAddress;
  readonly to?: IpAddress;
  readonly data: Bytes;
  readonly hops?: number;
}

/** An IPv6 packet, written the long way. */
export function ip6({ next, from = PEER6, to = OURS6, data, hops = 64 }: Ip6): Bytes {
  const head = Uint8Array.of(0x60, 0, 0, 0, data.length >> 8, data.length, next, hops);
  return concat(head, from.bytes, to.bytes, data);
}

/** An ICMPv6 packet with its checksum. */
export function icmp6(head: string, data: Bytes, rest: Partial<Ip6> = {}): Bytes {
  const { from = PEER6, to = OURS6 } = rest;
  const message = concat(fromHex(head), data);
  const pseudo = concat(
    from.bytes,
    to.bytes,
    Uint8Array.of(0, 0, message.length >> 8, message.length, 0, 0, 0, 58),
  );
  message.set(sum16(concat(pseudo, message)), 2);
  return ip6({ next: 58, data: message, ...rest });
}

const hex = (number: number) => (number >>> 0).toString(16).padStart(8, '0');

/** A prefix option: 2001:db8:1:2::/64 unless told otherwise. */
export function prefix(
  valid: number,
  preferred: number,
  bits = '40',
  head = '2001 0db8 0001 0002',
): string {
  return `0304 40${bits} ${hex(valid)} ${hex(preferred)} 00000000 ${head} 0000 0000 0000 0000`;
}
