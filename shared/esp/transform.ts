/**
 * The cryptography of the reference engine: what happens to one packet's body, `IV · ciphertext · ICV`, under an
 * SA's algorithms. Two kinds: a cipher in CBC mode (or none) with HMAC, and AES-GCM.
 */
import { gcm } from '@noble/ciphers/aes.js';
import type { Primitives } from '../crypto/suite.ts';
import { type Bytes, concat, constantTimeEqual } from '../wire/bytes.ts';
import type { EspIntegrity, EspSaParameters } from './engine.ts';
import { ESP_CIPHERS, ESP_HEADER, ESP_INTEGRITIES, GCM_TAG } from './format.ts';
import type { IvGenerator } from './iv-generator.ts';

export interface Transform {
  /** The body of the packet under `header`, which is SPI and sequence number. */
  protect(header: Bytes, plaintext: Bytes): Bytes;
  /** Whether the body's ICV is right. */
  authentic(header: Bytes, body: Bytes): boolean;
  /** The plaintext of an authentic body. */
  reveal(header: Bytes, body: Bytes): Bytes;
  /** Wipes this SA's copies of the keys. */
  close(): void;
}

/** Throws `RangeError` where `primitives` lack the cipher, rather than at the first packet. */
export function transform(
  parameters: EspSaParameters,
  primitives: Primitives,
  ivs: IvGenerator,
): Transform {
  const { cipher, integrity, integrityKey } = parameters;
  const cipherKey = parameters.cipherKey.slice();
  if (cipher === 'aes-gcm-16') return gcmTransform(cipherKey);
  if (integrity === undefined || integrityKey === undefined)
    throw new RangeError('integrity: none');
  const { encrypt, decrypt } = cbcOrNull(cipher, cipherKey, primitives);
  const { mac, wipe } = truncatedHmac(integrity, integrityKey.slice(), primitives);
  const { icvLength } = ESP_INTEGRITIES[integrity];
  const { ivLength } = ESP_CIPHERS[cipher];
  return {
    protect(header, plaintext) {
      const iv = ivs.draw(ivLength);
      const covered = concat(iv, encrypt(iv, plaintext));
      return concat(covered, mac(header, covered));
    },
    authentic(header, body) {
      const covered = body.slice(0, -icvLength);
      return constantTimeEqual(mac(header, covered), body.slice(-icvLength));
    },
    reveal: (_header, body) => decrypt(body.slice(0, ivLength), body.slice(ivLength, -icvLength)),
    close() {
      cipherKey.fill(0);
      wipe();
    },
  };
}

type BlockTransform = (iv: Bytes, text: Bytes) => Bytes;

/**
 * @rfc 3602 §2
 * @rfc 2451 §2
 * @rfc 2410 §2
 */
function cbcOrNull(
  cipher: 'aes-cbc' | '3des-cbc' | 'null',
  key: Bytes,
  primitives: Primitives,
): { encrypt: BlockTransform; decrypt: BlockTransform } {
  if (cipher === 'null') return { encrypt: (_iv, text) => text, decrypt: (_iv, text) => text };
  const { ivLength } = ESP_CIPHERS[cipher];
  primitives.cbcEncrypt(cipher, key, new Uint8Array(ivLength), new Uint8Array(0));
  return {
    encrypt: (iv, text) => primitives.cbcEncrypt(cipher, key, iv, text),
    decrypt: (iv, text) => primitives.cbcDecrypt(cipher, key, iv, text),
  };
}

/** @rfc 2104 §5 */
function truncatedHmac(integrity: EspIntegrity, key: Bytes, primitives: Primitives) {
  const { hash, icvLength } = ESP_INTEGRITIES[integrity];
  return {
    mac: (...parts: readonly Bytes[]): Bytes =>
      primitives.hmac(hash, key, ...parts).slice(0, icvLength),
    wipe: () => {
      key.fill(0);
    },
  };
}

/** Length of the explicit IV, which is the sequence number as 64 bits: unique while the counter does not wrap. */
const GCM_IV = 8;

/**
 * Nonce: 4 bytes of salt, the end of the keying material, then the explicit IV. Associated data: the header.
 * @rfc 4106 §4
 * @rfc 4106 §5
 */
function gcmTransform(keying: Bytes): Transform {
  const key = keying.subarray(0, -4);
  const salt = keying.subarray(-4);
  const cipherFor = (header: Bytes, iv: Bytes) => gcm(key, concat(salt, iv), header);
  const reveal = (header: Bytes, body: Bytes): Bytes =>
    cipherFor(header, body.slice(0, GCM_IV)).decrypt(body.slice(GCM_IV)) as Bytes;
  return {
    protect(header, plaintext) {
      const iv = concat(new Uint8Array(GCM_IV - 4), header.slice(4, ESP_HEADER));
      return concat(iv, cipherFor(header, iv).encrypt(plaintext));
    },
    authentic(header, body) {
      if (body.length < GCM_IV + GCM_TAG) return false;
      try {
        reveal(header, body).fill(0);
        return true;
      } catch {
        return false;
      }
    },
    reveal,
    close() {
      keying.fill(0);
    },
  };
}
