/** Text in AVPs is UTF-8 (RFC 2661 §4.4.2); the core compiles without `TextEncoder`, so the language's URI functions do it. */
import type { Bytes } from '../wire/bytes.ts';

export function encodeText(text: string): Bytes {
  const escaped = encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd'));
  const octets = escaped.match(/%[0-9A-F]{2}|[^%]/g) ?? [];
  return Uint8Array.from(octets, (octet) =>
    octet.length === 3 ? Number.parseInt(octet.slice(1), 16) : octet.charCodeAt(0),
  );
}

/** Octets that are not UTF-8 are read as Latin-1: nothing makes a peer's host name text. */
export function decodeText(bytes: Bytes): string {
  let escaped = '';
  for (const byte of bytes) escaped += `%${byte.toString(16).padStart(2, '0')}`;
  try {
    return decodeURIComponent(escaped);
  } catch {
    return String.fromCharCode(...bytes);
  }
}
