/** Byte strings: the one alias every layer uses, and the few operations they all need. */

/** A view over a non-shared buffer; what WebCrypto, WebSocket and noble accept alike. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Milliseconds on the driver's monotonic clock. */
export type Millis = number;

/** Where randomness comes from: the driver passes `crypto.getRandomValues`, tests a seeded generator. */
export interface Random {
  /** `length` fresh unpredictable bytes. */
  bytes(length: number): Bytes;
}

export const EMPTY: Bytes = new Uint8Array(0);

/** The parts, end to end, in a new array. */
export function concat(...parts: readonly Uint8Array[]): Bytes {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Equality in time that depends on the lengths alone, never on the contents. */
export function constantTimeEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

/** Lower-case hexadecimal, two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** Bytes of a hexadecimal text; white space between digits is ignored. Throws `RangeError` on anything else. */
export function fromHex(text: string): Bytes {
  const digits = text.replace(/\s+/g, '');
  if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits)) {
    throw new RangeError('text: not a hexadecimal byte string');
  }
  const out = new Uint8Array(digits.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return out;
}
