/**
 * IP addresses of both families: 4 or 16 bytes outside the stack, an `IpAddress` inside, text on the screen.
 * @rfc 4291 §2, 5952 §4
 */
import type { Bytes } from '../wire/bytes.ts';
import { checksumAdd } from '../wire/checksum.ts';

export type IpVersion = 4 | 6;

/** Bytes of an address of each family. */
export const ADDRESS_LENGTH = { 4: 4, 6: 16 } as const;

/** An address; never changed once it is made. */
export class IpAddress {
  readonly version: IpVersion;
  /** 4 or 16 bytes, in network order. */
  readonly bytes: Bytes;
  /** Sum of its 16-bit words, for pseudo-headers. */
  readonly sum: number;

  /** Throws `RangeError` unless `bytes` has length 4 or 16; copies them. */
  constructor(bytes: Bytes) {
    if (bytes.length !== 4 && bytes.length !== 16)
      throw new RangeError('address: not 4 or 16 bytes');
    this.version = bytes.length === 4 ? 4 : 6;
    this.bytes = bytes.slice();
    this.sum = checksumAdd(0, this.bytes, 0, this.bytes.length);
  }

  equals(other: IpAddress): boolean {
    return this.version === other.version && this.isAt(other.bytes, 0);
  }

  /** Whether the address, known to be of the same family, lies at `bytes[at]`. */
  isAt(bytes: Bytes, at: number): boolean {
    const own = this.bytes;
    for (let i = 0; i < own.length; i++) if (own[i] !== bytes[at + i]) return false;
    return true;
  }

  /** Whether a packet may come from, or go to, it: one host's, and not the host that asks. */
  get isUnicast(): boolean {
    return isUnicast(this.bytes, 0, this.version);
  }

  /** fe80::/10. @rfc 4291 §2.5.6 */
  get isLinkLocal(): boolean {
    return this.version === 6 && this.bytes[0] === 0xfe && (this.bytes[1]! & 0xc0) === 0x80;
  }

  /** Leading bits that both have in common. @rfc 6724 §2.2 */
  commonPrefix(other: IpAddress): number {
    let bits = 0;
    for (const [i, byte] of this.bytes.entries()) {
      const difference = byte ^ (other.bytes[i] ?? ~byte);
      if (difference !== 0) return bits + Math.clz32(difference & 0xff) - 24;
      bits += 8;
    }
    return bits;
  }

  toString(): string {
    return formatAddress(this.bytes);
  }
}

/** The same of the address at `bytes[at]`: not 0/8, 127/8, multicast, reserved or broadcast. */
export function isUnicast(bytes: Bytes, at: number, version: IpVersion): boolean {
  const first = bytes[at]!;
  if (version === 4) return first !== 0 && first !== 127 && first < 224;
  if (first === 0xff) return false;
  // ::, ::1 and IPv4 addresses in IPv6's clothes never are on a wire. @rfc 4291 §2.5.5
  for (let i = 0; i < 10; i++) if (bytes[at + i] !== 0) return true;
  return false;
}

/**
 * A number for looking an address up: the address itself for IPv4, a mixture of its words for IPv6, which others
 * may share.
 */
export function addressKey(bytes: Bytes, at: number, version: IpVersion): number {
  if (version === 4) return readWord(bytes, at);
  let key = 0;
  for (let i = 0; i < 16; i += 4) key = Math.imul(key ^ readWord(bytes, at + i), 0x9e3779b1);
  return key >>> 0;
}

/** Without `set`, which costs more than the loop for so few bytes. */
export function writeAddress(bytes: Bytes, at: number, { bytes: own }: IpAddress): void {
  for (let i = 0; i < own.length; i++) bytes[at + i] = own[i]!;
}

function readWord(bytes: Bytes, at: number): number {
  return (
    ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  );
}

/** `10.0.0.1`, `2001:db8::1`: the longest run of zeros is left out, the first of equal ones. @rfc 5952 §4 */
export function formatAddress(bytes: Bytes): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i]! << 8) | bytes[i + 1]!).toString(16));
  let best = 0;
  let bestLength = 1;
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (groups[end] === '0') end++;
    if (end - start > bestLength) [best, bestLength] = [start, end - start];
  }
  if (bestLength === 1) return groups.join(':');
  return `${groups.slice(0, best).join(':')}::${groups.slice(best + bestLength).join(':')}`;
}

/** An address of either family as 4 or 16 bytes; `undefined` for anything else, which may be a name. */
export function parseAddress(text: string): Bytes | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

/** Four decimal numbers without leading zeros. */
function parseIpv4(text: string): Bytes | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(4);
  for (const [i, part] of parts.entries()) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    bytes[i] = Number(part);
  }
  return bytes;
}

/** Groups of hexadecimal digits, one run of zeros left out, the last four bytes perhaps dotted. @rfc 4291 §2.2 */
function parseIpv6(text: string): Bytes | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, i) => parseGroups(half, i === halves.length - 1));
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const length = head.length + (tail?.length ?? 0);
  if (tail === undefined ? length !== 16 : length > 14) return undefined;
  const bytes = new Uint8Array(16);
  bytes.set(head);
  if (tail !== undefined) bytes.set(tail, 16 - tail.length);
  return bytes;
}

function parseGroups(text: string, isLast: boolean): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [i, group] of groups.entries()) {
    if (isLast && i === groups.length - 1 && group.includes('.')) {
      const dotted = parseIpv4(group);
      if (dotted === undefined) return undefined;
      bytes.push(...dotted);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
      const value = Number.parseInt(group, 16);
      bytes.push(value >>> 8, value & 0xff);
    }
  }
  return bytes.length > 16 ? undefined : bytes;
}
