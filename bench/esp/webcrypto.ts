/**
 * The browser's own `crypto.subtle`, a promise per operation. Its AES-CBC always pads: sealing cuts that block off,
 * opening has to make one that decrypts to padding, which costs another encryption.
 */
import type { EspSaParameters } from '../../shared/esp/engine.ts';
import { ESP_HEADER } from '../../shared/esp/format.ts';
import type { Bytes } from '../../shared/wire/bytes.ts';
import { checkIcv, gcmNonce, Layout, type PacketCipher } from './contestant.ts';

type Async = PacketCipher<Promise<void>, Promise<Bytes>>;

const BLOCK = 16;
const NOTHING = new Uint8Array(0);

export function webCrypto(parameters: EspSaParameters): Promise<Async> {
  return parameters.cipher === 'aes-gcm-16' ? gcm(parameters) : cbcWithMac(parameters);
}

async function cbcWithMac(parameters: EspSaParameters): Promise<Async> {
  const { subtle } = crypto;
  const { head, textEnd, icv } = new Layout(parameters);
  const { cipherKey, integrity, integrityKey } = parameters;
  const key = await subtle.importKey('raw', cipherKey, 'AES-CBC', false, ['encrypt', 'decrypt']);
  const hash = integrity === 'hmac-sha1-96' ? 'SHA-1' : 'SHA-256';
  const macKey = await subtle.importKey('raw', integrityKey!, { name: 'HMAC', hash }, false, [
    'sign',
  ]);
  return {
    async protect(packet) {
      const iv = packet.subarray(ESP_HEADER, head);
      const text = packet.subarray(head, textEnd);
      const sealed = await subtle.encrypt({ name: 'AES-CBC', iv }, key, text);
      packet.set(new Uint8Array(sealed, 0, text.length), head);
      const mac = await subtle.sign('HMAC', macKey, packet.subarray(0, textEnd));
      packet.set(new Uint8Array(mac, 0, icv), textEnd);
    },
    async reveal(packet) {
      const text = packet.subarray(head, textEnd);
      const lastBlock = packet.subarray(textEnd - BLOCK, textEnd);
      const [mac, padding] = await Promise.all([
        subtle.sign('HMAC', macKey, packet.subarray(0, textEnd)),
        subtle.encrypt({ name: 'AES-CBC', iv: lastBlock }, key, NOTHING),
      ]);
      checkIcv(new Uint8Array(mac), packet.subarray(textEnd));
      const padded = new Uint8Array(text.length + BLOCK);
      padded.set(text);
      padded.set(new Uint8Array(padding), text.length);
      const iv = packet.subarray(ESP_HEADER, head);
      return new Uint8Array(await subtle.decrypt({ name: 'AES-CBC', iv }, key, padded));
    },
  };
}

async function gcm(parameters: EspSaParameters): Promise<Async> {
  const { subtle } = crypto;
  const { head, textEnd, icv } = new Layout(parameters);
  const salt = parameters.cipherKey.subarray(-4);
  const keyBytes = parameters.cipherKey.slice(0, -4);
  const key = await subtle.importKey('raw', keyBytes, 'AES-GCM', false, ['encrypt', 'decrypt']);
  const algorithm = (packet: Bytes): AesGcmParams => ({
    name: 'AES-GCM',
    iv: gcmNonce(salt, packet),
    additionalData: packet.subarray(0, ESP_HEADER),
    tagLength: 8 * icv,
  });
  return {
    async protect(packet) {
      const text = packet.subarray(head, textEnd);
      packet.set(new Uint8Array(await subtle.encrypt(algorithm(packet), key, text)), head);
    },
    async reveal(packet) {
      return new Uint8Array(await subtle.decrypt(algorithm(packet), key, packet.subarray(head)));
    },
  };
}
