/**
 * Text as PPP and L2TP carry it. The core compiles without `TextEncoder`, and what a peer calls text may be
 * anything, so decoding never fails.
 */
import type { Bytes } from '../wire/bytes.ts';

const REPLACEMENT = '\ufffd';

export function utf8Encode(text: string): Bytes {
  const out: number[] = [];
  for (const char of text) {
    const code = char.codePointAt(0)!;
    if (code < 0x80) out.push(code);
    else if (code < 0x800) out.push(0xc0 | (code >> 6), tail(code));
    else if (code < 0x10000) out.push(0xe0 | (code >> 12), tail(code >> 6), tail(code));
    else out.push(0xf0 | (code >> 18), tail(code >> 12), tail(code >> 6), tail(code));
  }
  return Uint8Array.from(out);
}

/** Each malformed sequence becomes one replacement character; overlong forms and surrogates are malformed. */
export function utf8Decode(bytes: Bytes): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at++]!;
    const extra = first < 0x80 ? 0 : first < 0xc2 ? -1 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    let code = extra === 0 ? first : first & (0x3f >> extra);
    let found = 0;
    while (found < extra && at < bytes.length && (bytes[at]! & 0xc0) === 0x80) {
      code = (code << 6) | (bytes[at++]! & 0x3f);
      found++;
    }
    const least = extra === 2 ? 0x800 : extra === 3 ? 0x10000 : 0;
    const surrogate = code >= 0xd800 && code <= 0xdfff;
    const valid =
      found === extra && code >= least && code <= 0x10ffff && first < 0xf5 && !surrogate;
    text += valid ? String.fromCodePoint(code) : REPLACEMENT;
  }
  return text;
}

/** UTF-16, little endian, without a byte order mark: how Windows writes a password. */
export function utf16Encode(text: string): Bytes {
  const out = new Uint8Array(2 * text.length);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    out[2 * i] = unit;
    out[2 * i + 1] = unit >>> 8;
  }
  return out;
}

function tail(code: number): number {
  return 0x80 | (code & 0x3f);
}
