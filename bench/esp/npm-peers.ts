/** What npm has for the work: noble in plain JavaScript, asm.js, and hashes in WebAssembly. */
import { cbc, gcm } from '@noble/ciphers/aes.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha1 } from '@noble/hashes/legacy.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { AES_CBC } from 'asmcrypto.js';
import { createHMAC, createSHA1, createSHA256 } from 'hash-wasm';
import type { EspSaParameters } from '../../shared/esp/engine.ts';
import { ESP_HEADER } from '../../shared/esp/format.ts';
import type { Bytes } from '../../shared/wire/bytes.ts';
import { checkIcv, gcmNonce, Layout, type PacketCipher } from './contestant.ts';

type Sync = PacketCipher<void, Bytes>;
type Mac = (message: Bytes) => Uint8Array;
interface Cbc {
  encrypt(text: Bytes, iv: Bytes): Uint8Array;
  decrypt(text: Bytes, iv: Bytes): Uint8Array;
}

/** By name: noble, which stands for what is usual, and where it is not noble, the fastest that was found. */
export async function npmPeers(parameters: EspSaParameters): Promise<Record<string, Sync>> {
  if (parameters.cipher === 'aes-gcm-16') return { noble: nobleGcm(parameters) };
  const { cipherKey } = parameters;
  return {
    noble: cbcWithMac(parameters, nobleCbc(cipherKey), nobleMac(parameters)),
    'asmcrypto.js + hash-wasm': cbcWithMac(
      parameters,
      asmCbc(cipherKey),
      await hashWasmMac(parameters),
    ),
  };
}

function cbcWithMac(parameters: EspSaParameters, cipher: Cbc, mac: Mac): Sync {
  const { head, length, textEnd, icv } = new Layout(parameters);
  return {
    protect(packet) {
      const iv = packet.subarray(ESP_HEADER, head);
      packet.set(cipher.encrypt(packet.subarray(head, textEnd), iv), head);
      packet.set(mac(packet.subarray(0, textEnd)).subarray(0, icv), textEnd);
    },
    reveal(packet) {
      checkIcv(mac(packet.subarray(0, textEnd)), packet.subarray(textEnd, length));
      const iv = packet.subarray(ESP_HEADER, head);
      return cipher.decrypt(packet.subarray(head, textEnd), iv) as Bytes;
    },
  };
}

function nobleCbc(key: Bytes): Cbc {
  const options = { disablePadding: true };
  return {
    encrypt: (text, iv) => cbc(key, iv, options).encrypt(text),
    decrypt: (text, iv) => cbc(key, iv, options).decrypt(text),
  };
}

/** The key is absorbed once: each packet starts from a copy of that state. */
function nobleMac({ integrity, integrityKey }: EspSaParameters): Mac {
  const keyed = hmac.create(integrity === 'hmac-sha1-96' ? sha1 : sha256, integrityKey!);
  const work = keyed.clone();
  const digest = new Uint8Array(keyed.outputLen);
  return (message) => {
    keyed._cloneInto(work).update(message).digestInto(digest);
    return digest;
  };
}

async function hashWasmMac({ integrity, integrityKey }: EspSaParameters): Promise<Mac> {
  const hash = integrity === 'hmac-sha1-96' ? createSHA1() : createSHA256();
  const keyed = await createHMAC(hash, integrityKey!);
  return (message) => keyed.init().update(message).digest('binary');
}

/** One cipher for all packets, given each one's IV underneath: the library's own way makes 64 KB of heap per message. */
function asmCbc(key: Bytes): Cbc {
  const cipher = new AES_CBC(key, undefined, false);
  const setIv = (iv: Bytes): void => {
    const view = new DataView(iv.buffer, iv.byteOffset);
    const word = (i: number) => view.getUint32(4 * i);
    cipher.asm.set_iv(word(0), word(1), word(2), word(3));
  };
  return {
    encrypt(text, iv) {
      setIv(iv);
      return cipher.encrypt(text);
    },
    decrypt(text, iv) {
      setIv(iv);
      return cipher.decrypt(text);
    },
  };
}

function nobleGcm(parameters: EspSaParameters): Sync {
  const { head, textEnd } = new Layout(parameters);
  const key = parameters.cipherKey.subarray(0, -4);
  const salt = parameters.cipherKey.subarray(-4);
  const cipher = (packet: Bytes) =>
    gcm(key, gcmNonce(salt, packet), packet.subarray(0, ESP_HEADER));
  return {
    protect: (packet) => packet.set(cipher(packet).encrypt(packet.subarray(head, textEnd)), head),
    reveal: (packet) => cipher(packet).decrypt(packet.subarray(head)) as Bytes,
  };
}
