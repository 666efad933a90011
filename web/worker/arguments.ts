/** What callers hand to sockets: TypeScript has not checked theirs. */
import type { Bytes } from '../../shared/wire/bytes.ts';

/** Byte for byte, from a buffer or any view of one. Throws `TypeError` for anything else. */
export function asBytes(chunk: unknown): Bytes {
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  if (!ArrayBuffer.isView(chunk)) throw new TypeError('chunk: neither a buffer nor a view of one');
  const { buffer, byteOffset, byteLength } = chunk;
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}

export function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}
