/**
 * What ICMPv6 says between a host and its router: solicitations and advertisements. On a point-to-point link there is
 * one neighbour and no link-layer address.
 * Left out: redirects (there is one way out), the MTU option (PPP has negotiated it), routes of RFC 4191.
 * @rfc 4861 §4, 8106 §5
 */
import type { Bytes } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import type { Packet } from '../wire/packet.ts';
import { Reader } from '../wire/reader.ts';
import { IpAddress, parseAddress } from './address.ts';
import { normalizeName } from './dns-message.ts';
import type { IpHeader } from './header.ts';
import { finishIcmp, Icmpv6Type } from './icmp.ts';
import type { Path } from './path.ts';

/** A router would have made it less: it comes from this link. @rfc 4861 §6.1.2 */
export const LINK_HOP_LIMIT = 255;

export const ALL_ROUTERS: IpAddress = new IpAddress(parseAddress('ff02::2')!);

const NdOption = { prefixInformation: 3, recursiveDnsServer: 25, dnsSearchList: 31 } as const;

const AUTONOMOUS = 0x40;
const SOLICITED = 0x40;

/** Options of one message that are read. */
const OPTION_LIMIT = 32;

/** @rfc 4861 §4.6.2 */
export interface PrefixInformation {
  /** 16 bytes. */
  readonly prefix: Bytes;
  readonly prefixLength: number;
  /** Whether hosts may make addresses of it. */
  readonly autonomous: boolean;
  /** Seconds; 0xffffffff is for ever. */
  readonly validLifetime: number;
  readonly preferredLifetime: number;
}

/** Lifetimes are seconds. */
export interface RouterAdvertisement {
  /** 0: not a way to anywhere else. */
  readonly routerLifetime: number;
  readonly prefixes: readonly PrefixInformation[];
  readonly nameServers: readonly { readonly address: IpAddress; readonly lifetime: number }[];
  readonly searchList: readonly { readonly domain: string; readonly lifetime: number }[];
}

/** Writes a solicitation without options at the packet's end. @rfc 4861 §4.1 */
export function encodeRouterSolicitation(packet: Packet, path: Path): void {
  const { bytes, start } = packet;
  packet.end = start + 8;
  bytes.fill(0, start, packet.end);
  bytes[start] = Icmpv6Type.routerSolicitation;
  finishIcmp(packet, path);
}

/** Writes the answer to a neighbour that asked for `path.local`. @rfc 4861 §4.4 */
export function encodeNeighborAdvertisement(packet: Packet, path: Path): void {
  const { bytes, start } = packet;
  packet.end = start + 24;
  bytes.fill(0, start, packet.end);
  bytes[start] = Icmpv6Type.neighborAdvertisement;
  bytes[start + 4] = SOLICITED;
  bytes.set(path.local.bytes, start + 8);
  finishIcmp(packet, path);
}

/** The address that a neighbour asks for. @rfc 4861 §7.1.1 */
export function decodeNeighborSolicitation(header: IpHeader, bytes: Bytes): IpAddress {
  const reader = open(header, bytes);
  reader.skip(4);
  const target = new IpAddress(reader.bytes(16));
  if (!target.isUnicast) throw new DecodeError('neighbour solicitation');
  forEachOption(reader, () => {});
  return target;
}

/** @rfc 4861 §4.2, 4861 §6.1.2 */
export function decodeRouterAdvertisement(header: IpHeader, bytes: Bytes): RouterAdvertisement {
  if (!header.source.isLinkLocal) throw new DecodeError('router advertisement');
  const reader = open(header, bytes);
  reader.skip(2);
  const routerLifetime = reader.u16();
  reader.skip(8);
  const prefixes: PrefixInformation[] = [];
  const nameServers: { address: IpAddress; lifetime: number }[] = [];
  const searchList: { domain: string; lifetime: number }[] = [];
  forEachOption(reader, (type, option) => {
    if (type === NdOption.prefixInformation && option.remaining === 30) {
      prefixes.push(readPrefix(option));
    } else if (type === NdOption.recursiveDnsServer && option.remaining % 16 === 6) {
      option.skip(2);
      const lifetime = option.u32();
      while (option.remaining > 0) {
        const address = new IpAddress(option.bytes(16));
        if (address.isUnicast) nameServers.push({ address, lifetime });
      }
    } else if (type === NdOption.dnsSearchList && option.remaining >= 6) {
      option.skip(2);
      const lifetime = option.u32();
      for (const domain of readDomains(option)) searchList.push({ domain, lifetime });
    }
  });
  return { routerLifetime, prefixes, nameServers, searchList };
}

/** Behind type, code and checksum, of a message that cannot come from beyond the link. */
function open(header: IpHeader, bytes: Bytes): Reader {
  const { dataStart, dataEnd, ttl } = header;
  if (ttl !== LINK_HOP_LIMIT) throw new DecodeError('neighbour discovery from afar');
  if (bytes[dataStart + 1] !== 0) throw new DecodeError('ICMP code');
  return new Reader(bytes, dataStart + 4, dataEnd);
}

/** Each option's length counts its header, in units of 8 bytes. What is not understood is skipped. @rfc 4861 §4.6 */
function forEachOption(reader: Reader, read: (type: number, option: Reader) => void): void {
  for (let count = 0; reader.remaining > 0; count++) {
    if (count === OPTION_LIMIT) throw new DecodeError('too many options');
    const type = reader.u8();
    const length = 8 * reader.u8() - 2;
    if (length < 0) throw new DecodeError('option length');
    const option = new Reader(reader.bytes(length));
    read(type, option);
  }
}

function readPrefix(option: Reader): PrefixInformation {
  const prefixLength = option.u8();
  const autonomous = (option.u8() & AUTONOMOUS) !== 0;
  const validLifetime = option.u32();
  const preferredLifetime = option.u32();
  option.skip(4);
  const prefix = option.bytes(16);
  return { prefix, prefixLength, autonomous, validLifetime, preferredLifetime };
}

/** Names in DNS's form without compression; zeros pad the end. @rfc 8106 §5.2 */
function readDomains(option: Reader): string[] {
  const domains: string[] = [];
  let labels: string[] = [];
  while (option.remaining > 0) {
    const length = option.u8();
    if (length > 63 || length > option.remaining) return domains;
    if (length > 0) {
      labels.push(String.fromCharCode(...option.bytes(length)));
      continue;
    }
    const domain = labels.length === 0 ? undefined : normalizeName(labels.join('.'));
    if (domain !== undefined) domains.push(domain);
    labels = [];
  }
  return domains;
}
