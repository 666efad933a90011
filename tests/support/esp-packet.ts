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

/** The packet under a cipher in CBC mode or none, put together with OpenSSL alone. */
export function packetOf(parameters: EspSaParameters, contents: PacketContents): Bytes {
  const { spi, cipher, cipherKey, integrity, integrityKey } = parameters;
  if (cipher === 'aes-gcm-16') throw new RangeError('cipher: not CBC');
  const { sequence, iv, payload, nextHeader } = contents;
  const { padTo } = ESP_CIPHERS[cipher];
  const padLength = (padTo - ((payload.length + 2) % padTo)) % padTo;
  const padding = Uint8Array.from({ length: padLength }, (_, i) => i + 1);
  const clear = concat(payload, padding, Uint8Array.of(padLength, nextHeader));
  const text = cipher === 'null' ? clear : nodePrimitives.cbcEncrypt(cipher, cipherKey, iv, clear);
  const covered = concat(new Writer().u32(spi).u32(sequence).finish(), iv, text);
  const { hash, icvLength } = ESP_INTEGRITIES[integrity!];
  return concat(covered, nodePrimitives.hmac(hash, integrityKey!, covered).slice(0, icvLength));
}
