/**
 * The cryptography of the reference engine: what happens to one packet's body, `IV · ciphertext · ICV`, under an
 * SA's algorithms. Two kinds: a cipher (or none) with HMAC, and AES-GCM.
 */
import { ctr, gcm } from '@noble/ciphers/aes.js';
import type { Primitives } from '../crypto/suite.ts';
import { type Bytes, concat, constantTimeEqual } from '../wire/bytes.ts';
import type { EspCipher, EspIntegrity, EspSaParameters } from './engine.ts';
import { ESP_CIPHERS, ESP_HEADER, ESP_INTEGRITIES, GCM_TAG } from './format.ts';
import type { IvGenerator } from './iv-generator.ts';

/** What tells a packet from all others. */
export interface PacketNumber {
  /** SPI and sequence number as the packet carries them. */
  readonly header: Bytes;
  /** The upper half of an extended sequence number, 4 bytes that are authenticated and not sent; empty without. */
  readonly higher: Bytes;
}

export interface Transform {
  /** The packet's body. */
  protect(number: PacketNumber, plaintext: Bytes): Bytes;
  /** Whether the body's ICV is right. */
  authentic(number: PacketNumber, body: Bytes): boolean;
  /** The plaintext of an authentic body. */
  reveal(number: PacketNumber, body: Bytes): Bytes;
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
  const { draw, encrypt, decrypt } = encryption(cipher, cipherKey, primitives, ivs);
  const { mac, wipe } = truncatedHmac(integrity, integrityKey.slice(), primitives);
  const { icvLength } = ESP_INTEGRITIES[integrity];
  const { ivLength } = ESP_CIPHERS[cipher];
  return {
    protect(number, plaintext) {
      const iv = draw(number);
      const covered = concat(iv, encrypt(iv, plaintext));
      return concat(covered, mac(number.header, covered, number.higher));
    },
    authentic({ header, higher }, body) {
      const covered = body.slice(0, -icvLength);
      return constantTimeEqual(mac(header, covered, higher), body.slice(-icvLength));
    },
    reveal: (_number, body) => decrypt(body.slice(0, ivLength), body.slice(ivLength, -icvLength)),
    close() {
      cipherKey.fill(0);
      wipe();
    },
  };
}

type Crypt = (iv: Bytes, text: Bytes) => Bytes;

interface Encryption {
  /** The IV of a packet to be sealed. */
  readonly draw: (number: PacketNumber) => Bytes;
  readonly encrypt: Crypt;
  readonly decrypt: Crypt;
}

/**
 * @rfc 3602 §2
 * @rfc 2451 §2
 * @rfc 2410 §2
 */
function encryption(
  cipher: Exclude<EspCipher, 'aes-gcm-16'>,
  key: Bytes,
  primitives: Primitives,
  ivs: IvGenerator,
): Encryption {
  if (cipher === 'aes-ctr') return counterMode(key);
  const { ivLength } = ESP_CIPHERS[cipher];
  const draw = () => ivs.draw(ivLength);
  if (cipher === 'null') {
    return { draw, encrypt: (_iv, text) => text, decrypt: (_iv, text) => text };
  }
  primitives.cbcEncrypt(cipher, key, new Uint8Array(ivLength), new Uint8Array(0));
  return {
    draw,
    encrypt: (iv, text) => primitives.cbcEncrypt(cipher, key, iv, text),
    decrypt: (iv, text) => primitives.cbcDecrypt(cipher, key, iv, text),
  };
}

/**
 * Counter block: 4 bytes of nonce, the end of the keying material, the IV, a counter of 32 bits that begins at 1.
 * @rfc 3686 §4
 */
function counterMode(keying: Bytes): Encryption {
  const key = keying.subarray(0, -4);
  const nonce = keying.subarray(-4);
  const crypt: Crypt = (iv, text) =>
    ctr(key, concat(nonce, iv, Uint8Array.of(0, 0, 0, 1))).encrypt(text) as Bytes;
  return { draw: sequenceIv, encrypt: crypt, decrypt: crypt };
}

/** The sequence number as 64 bits: unique under one key while the counter does not wrap. */
function sequenceIv({ header, higher }: PacketNumber): Bytes {
  return concat(higher.length === 0 ? new Uint8Array(4) : higher, header.slice(4, ESP_HEADER));
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

/** Length of the explicit IV. */
const GCM_IV = 8;

/**
 * Nonce: 4 bytes of salt, the end of the keying material, then the explicit IV. Associated data: SPI and the whole sequence number.
 * @rfc 4106 §4
 * @rfc 4106 §5
 */
function gcmTransform(keying: Bytes): Transform {
  const key = keying.subarray(0, -4);
  const salt = keying.subarray(-4);
  const cipherFor = ({ header, higher }: PacketNumber, iv: Bytes) =>
    gcm(key, concat(salt, iv), concat(header.slice(0, 4), higher, header.slice(4)));
  const reveal = (number: PacketNumber, body: Bytes): Bytes =>
    cipherFor(number, body.slice(0, GCM_IV)).decrypt(body.slice(GCM_IV)) as Bytes;
  return {
    protect(number, plaintext) {
      const iv = sequenceIv(number);
      return concat(iv, cipherFor(number, iv).encrypt(plaintext));
    },
    authentic(number, body) {
      if (body.length < GCM_IV + GCM_TAG) return false;
      try {
        reveal(number, body).fill(0);
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
