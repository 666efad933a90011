import { createCipheriv } from 'node:crypto';
import type { EspSaParameters } from '../../shared/esp/engine.ts';
import { ESP_CIPHERS, ESP_INTEGRITIES } from '../../shared/esp/format.ts';
import { type Bytes, concat } from '../../shared/wire/bytes.ts';
import { Writer } from '../../shared/wire/writer.ts';
import { nodePrimitives } from './node-primitives.ts';

export interface PacketContents {
  readonly sequence: number;
  readonly iv: Bytes;
  readonly payload: Bytes;
  readonly nextHeader: number;
}

/** The packet under any cipher with an HMAC, put together with OpenSSL alone. */
export function packetOf(parameters: EspSaParameters, contents: PacketContents): Bytes {
  const { spi, cipher, integrity, integrityKey } = parameters;
  if (cipher === 'aes-gcm-16') throw new RangeError('cipher: no HMAC');
  const { sequence, iv, payload, nextHeader } = contents;
  const { padTo } = ESP_CIPHERS[cipher];
  const padLength = (padTo - ((payload.length + 2) % padTo)) % padTo;
  const padding = Uint8Array.from({ length: padLength }, (_, i) => i + 1);
  const clear = concat(payload, padding, Uint8Array.of(padLength, nextHeader));
  const text = encrypted(parameters, iv, clear);
  const lower = sequence % 2 ** 32;
  const higher = new Writer();
  if (parameters.extendedSequenceNumbers) higher.u32((sequence - lower) / 2 ** 32);
  const covered = concat(new Writer().u32(spi).u32(lower).finish(), iv, text);
  const { hash, icvLength } = ESP_INTEGRITIES[integrity!];
  const mac = nodePrimitives.hmac(hash, integrityKey!, covered, higher.finish());
  return concat(covered, mac.slice(0, icvLength));
}

/** The text under any cipher but AES-GCM. */
export function encrypted({ cipher, cipherKey }: EspSaParameters, iv: Bytes, clear: Bytes): Bytes {
  switch (cipher) {
    case 'aes-cbc':
    case '3des-cbc':
      return nodePrimitives.cbcEncrypt(cipher, cipherKey, iv, clear);
    case 'aes-ctr': {
      const key = cipherKey.subarray(0, -4);
      const block = concat(cipherKey.slice(-4), iv, Uint8Array.of(0, 0, 0, 1));
      return new Uint8Array(createCipheriv(`aes-${key.length * 8}-ctr`, key, block).update(clear));
    }
    default:
      return clear;
  }
}
