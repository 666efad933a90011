/** IPv4 addresses: four bytes outside, one unsigned 32-bit number inside the stack, dotted text on the screen. */
import type { Bytes } from '../wire/bytes.ts';

/** An address as a number in network order: 10.0.0.1 is 0x0a000001. */
export type Ipv4Address = number;

/** Throws `RangeError` unless `bytes` has length 4. */
export function addressNumber(bytes: Bytes): Ipv4Address {
  if (bytes.length !== 4) throw new RangeError('address: not 4 bytes');
  return readAddress(bytes, 0);
}

export function addressBytes(address: Ipv4Address): Bytes {
  const bytes = new Uint8Array(4);
  writeAddress(bytes, 0, address);
  return bytes;
}

export function readAddress(bytes: Bytes, at: number): Ipv4Address {
  return (
    ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  );
}

export function writeAddress(bytes: Bytes, at: number, address: Ipv4Address): void {
  bytes[at] = address >>> 24;
  bytes[at + 1] = address >>> 16;
  bytes[at + 2] = address >>> 8;
  bytes[at + 3] = address;
}

/** `10.0.0.1`. */
export function formatAddress(bytes: Bytes): string {
  return bytes.join('.');
}

/** Four decimal numbers without leading zeros; `undefined` for anything else, which may be a name. */
export function parseAddress(text: string): Bytes | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(4);
  for (const [i, part] of parts.entries()) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    bytes[i] = Number(part);
  }
  return bytes;
}

/** Whether a packet may come from, or go to, this address: not 0/8, 127/8, multicast, reserved or broadcast. */
export function isUnicast(address: Ipv4Address): boolean {
  const first = address >>> 24;
  return first !== 0 && first !== 127 && first < 224;
}
