/** RC2 in CBC mode, decryption alone, for PKCS#12 files that old programs wrote. RFC 2268. Time depends on key and data: the file is the user's own. */
import type { Bytes } from '../wire/bytes.ts';
import { fromHex } from '../wire/bytes.ts';

const BLOCK = 8;

/** Bytes of pi, shuffled. @rfc 2268 §2 */
const PITABLE = fromHex(
  'd978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2179a59f587b34f1361456d8d09817d32' +
    'bd8f40eb86b77b0bf09521225c6b4e8254d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626' +
    '6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed708e8eade8052eef784aa72ac354d6a2a' +
    '961ad2715a1549744b9fd05e0418a4ecc2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731' +
    '2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a90d38341bab33ffb0bb480c5fb9b1cd2e' +
    'c5f3db47e5a59c770aa62068fe7fc1ad',
);

/** Plaintext with its padding. Throws `RangeError` unless there are whole blocks. The key's length is its strength. */
export function rc2CbcDecrypt(key: Bytes, iv: Bytes, ciphertext: Bytes): Bytes {
  if (ciphertext.length % BLOCK !== 0) throw new RangeError('ciphertext: not whole blocks');
  const words = expandKey(key);
  const plaintext = new Uint8Array(ciphertext.length);
  let previous = iv;
  for (let at = 0; at < ciphertext.length; at += BLOCK) {
    const block = ciphertext.slice(at, at + BLOCK);
    decryptBlock(words, block).forEach((byte, i) => {
      plaintext[at + i] = byte ^ previous[i]!;
    });
    previous = block;
  }
  return plaintext;
}

/** @rfc 2268 §2 */
function expandKey(key: Bytes): Uint16Array {
  const l = new Uint8Array(128);
  l.set(key);
  const t = key.length;
  for (let i = t; i < 128; i++) l[i] = PITABLE[(l[i - 1]! + l[i - t]!) & 0xff]!;
  l[128 - t] = PITABLE[l[128 - t]!]!;
  for (let i = 127 - t; i >= 0; i--) l[i] = PITABLE[l[i + 1]! ^ l[i + t]!]!;
  return Uint16Array.from({ length: 64 }, (_, i) => l[2 * i]! | (l[2 * i + 1]! << 8));
}

/** Five rounds of r-mixing, one of r-mashing, six, one, five. @rfc 2268 §4 */
function decryptBlock(k: Uint16Array, block: Bytes): Bytes {
  const r = new Uint16Array(4);
  for (let i = 0; i < 4; i++) r[i] = block[2 * i]! | (block[2 * i + 1]! << 8);
  let j = 63;
  const mix = (rounds: number): void => {
    for (; rounds > 0; rounds--) {
      for (let i = 3; i >= 0; i--) {
        const rotate = [1, 2, 3, 5][i]!;
        const turned = (r[i]! >>> rotate) | (r[i]! << (16 - rotate));
        const [a, b, c] = [r[(i + 3) & 3]!, r[(i + 2) & 3]!, r[(i + 1) & 3]!];
        r[i] = turned - k[j--]! - (a & b) - (~a & c);
      }
    }
  };
  const mash = (): void => {
    for (let i = 3; i >= 0; i--) r[i] = r[i]! - k[r[(i + 3) & 3]! & 63]!;
  };
  mix(5);
  mash();
  mix(6);
  mash();
  mix(5);
  const out = new Uint8Array(BLOCK);
  r.forEach((word, i) => {
    out[2 * i] = word;
    out[2 * i + 1] = word >>> 8;
  });
  return out;
}
