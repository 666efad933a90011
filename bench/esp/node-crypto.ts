/** node:crypto, which is OpenSSL with the processor's AES and SHA instructions behind two calls per packet and more. */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  timingSafeEqual,
} from 'node:crypto';
import type { EspSaParameters } from '../../shared/esp/engine.ts';
import { ESP_HEADER } from '../../shared/esp/format.ts';
import type { Bytes } from '../../shared/wire/bytes.ts';
import { gcmNonce, Layout, type PacketCipher } from './contestant.ts';

type Sync = PacketCipher<void, Bytes>;

export function nodeCrypto(parameters: EspSaParameters): Sync {
  return parameters.cipher === 'aes-gcm-16' ? gcm(parameters) : cbcWithMac(parameters);
}

function cbcWithMac(parameters: EspSaParameters): Sync {
  const { head, textEnd, icv } = new Layout(parameters);
  const { cipherKey, integrity, integrityKey } = parameters;
  const name = `aes-${8 * cipherKey.length}-cbc`;
  const hash = integrity === 'hmac-sha1-96' ? 'sha1' : 'sha256';
  const key = createSecretKey(cipherKey);
  const macKey = createSecretKey(integrityKey!);
  const mac = (message: Bytes) => createHmac(hash, macKey).update(message).digest();
  return {
    protect(packet) {
      const iv = packet.subarray(ESP_HEADER, head);
      const cipher = createCipheriv(name, key, iv).setAutoPadding(false);
      packet.set(cipher.update(packet.subarray(head, textEnd)), head);
      packet.set(mac(packet.subarray(0, textEnd)).subarray(0, icv), textEnd);
    },
    reveal(packet) {
      const expected = mac(packet.subarray(0, textEnd)).subarray(0, icv);
      if (!timingSafeEqual(expected, packet.subarray(textEnd))) throw new Error('the ICV is wrong');
      const iv = packet.subarray(ESP_HEADER, head);
      const cipher = createDecipheriv(name, key, iv).setAutoPadding(false);
      return cipher.update(packet.subarray(head, textEnd)) as Bytes;
    },
  };
}

function gcm(parameters: EspSaParameters): Sync {
  const { head, textEnd } = new Layout(parameters);
  const salt = parameters.cipherKey.subarray(-4);
  const keyBytes = parameters.cipherKey.subarray(0, -4);
  const key = createSecretKey(keyBytes);
  const name = keyBytes.length === 16 ? 'aes-128-gcm' : 'aes-256-gcm';
  return {
    protect(packet) {
      const cipher = createCipheriv(name, key, gcmNonce(salt, packet));
      cipher.setAAD(packet.subarray(0, ESP_HEADER));
      packet.set(cipher.update(packet.subarray(head, textEnd)), head);
      cipher.final();
      packet.set(cipher.getAuthTag(), textEnd);
    },
    reveal(packet) {
      const cipher = createDecipheriv(name, key, gcmNonce(salt, packet));
      cipher.setAAD(packet.subarray(0, ESP_HEADER));
      cipher.setAuthTag(packet.subarray(textEnd));
      const text = cipher.update(packet.subarray(head, textEnd));
      cipher.final();
      return text as Bytes;
    },
  };
}
