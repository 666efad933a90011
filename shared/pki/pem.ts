/** PEM: DER in base64 between two lines that say what it is. RFC 7468. */
import type { Bytes } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';

/** Most blocks of one file that are read. */
const MAX_BLOCKS = 256;

export interface PemBlock {
  /** e.g. `CERTIFICATE`. */
  readonly label: string;
  readonly bytes: Bytes;
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,40})-----([^-]*)-----END \1-----/g;

/** The blocks of a text, whatever stands around them; none when it is no PEM. @rfc 7468 §2 */
export function decodePem(text: string): readonly PemBlock[] {
  const blocks: PemBlock[] = [];
  for (const [, label = '', body = ''] of text.matchAll(BLOCK)) {
    if (blocks.length === MAX_BLOCKS) throw new DecodeError('PEM: too many blocks');
    // An old way to encrypt, whose key comes from MD5 once.
    if (/Proc-Type/.test(body))
      throw new DecodeError('PEM: encrypted as OpenSSL did before PKCS#8');
    blocks.push({ label, bytes: decodeBase64(body) });
  }
  return blocks;
}

export function encodePem(label: string, bytes: Bytes): string {
  const lines = encodeBase64(bytes).match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

export function encodeBase64(bytes: Bytes): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const [a = 0, b, c] = bytes.slice(i, i + 3);
    const group = (a << 16) | ((b ?? 0) << 8) | (c ?? 0);
    text += ALPHABET[group >>> 18]! + ALPHABET[(group >>> 12) & 63]!;
    text += b === undefined ? '=' : ALPHABET[(group >>> 6) & 63]!;
    text += c === undefined ? '=' : ALPHABET[group & 63]!;
  }
  return text;
}

/** White space does not count. Throws `DecodeError` on what is not base64. */
export function decodeBase64(text: string): Bytes {
  const digits = text.replace(/\s+/g, '');
  if (digits.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(digits)) {
    throw new DecodeError('not base64');
  }
  const padding = digits.length - digits.replace(/=+$/, '').length;
  const out = new Uint8Array((digits.length / 4) * 3 - padding);
  for (let i = 0, at = 0; i < digits.length; i += 4) {
    let group = 0;
    for (let j = 0; j < 4; j++)
      group = (group << 6) | Math.max(0, ALPHABET.indexOf(digits[i + j]!));
    for (const shift of [16, 8, 0]) if (at < out.length) out[at++] = group >>> shift;
  }
  return out;
}
