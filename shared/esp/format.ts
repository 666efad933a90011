/**
 * What an ESP packet looks like under each algorithm: `SPI · sequence · IV · ciphertext · ICV`, where the
 * plaintext is `payload · 1, 2, 3… · pad length · next header`. Left out: TFC padding.
 * @rfc 4303 §2
 */
import type { HashName } from '../crypto/suite.ts';
import type { EspCipher, EspIntegrity, EspSaParameters } from './engine.ts';

/** SPI and sequence number. */
export const ESP_HEADER = 8;

/** Pad length and next header. */
export const ESP_TRAILER = 2;

/** The counter starts at 1 and must not wrap (RFC 4303 §3.3.3). */
const MAX_SEQUENCE = 0xffff_ffff;

/** An extended one ends where a number of JavaScript's is no longer exact: no SA lives to see it. */
export const MAX_EXTENDED_SEQUENCE: number = Number.MAX_SAFE_INTEGER;

interface CipherShape {
  /** Bytes of keying material, the salt of AES-GCM and the nonce of AES-CTR included. */
  readonly keyLengths: readonly number[];
  readonly ivLength: number;
  /** The plaintext is padded to a multiple of this; 4 where the cipher itself asks for nothing (RFC 4303 §2.4). */
  readonly padTo: number;
  /** The ciphertext is whole blocks of this length. */
  readonly blockLength: number;
}

interface IntegrityShape {
  readonly hash: HashName;
  readonly keyLength: number;
  readonly icvLength: number;
}

/**
 * @rfc 3602 §2.4
 * @rfc 3686 §3
 * @rfc 4106 §3
 * @rfc 2451 §2.4
 * @rfc 2410 §3
 */
export const ESP_CIPHERS: Readonly<Record<EspCipher, CipherShape>> = {
  'aes-cbc': { keyLengths: [16, 24, 32], ivLength: 16, padTo: 16, blockLength: 16 },
  '3des-cbc': { keyLengths: [24], ivLength: 8, padTo: 8, blockLength: 8 },
  'aes-ctr': { keyLengths: [20, 28, 36], ivLength: 8, padTo: 4, blockLength: 1 },
  'aes-gcm-16': { keyLengths: [20, 28, 36], ivLength: 8, padTo: 4, blockLength: 1 },
  null: { keyLengths: [0], ivLength: 0, padTo: 4, blockLength: 1 },
};

/**
 * @rfc 2403 §2
 * @rfc 2404 §2
 * @rfc 4868 §2.6
 */
export const ESP_INTEGRITIES: Readonly<Record<EspIntegrity, IntegrityShape>> = {
  'hmac-md5-96': { hash: 'md5', keyLength: 16, icvLength: 12 },
  'hmac-sha1-96': { hash: 'sha1', keyLength: 20, icvLength: 12 },
  'hmac-sha2-256-96': { hash: 'sha256', keyLength: 32, icvLength: 12 },
  'hmac-sha2-256-128': { hash: 'sha256', keyLength: 32, icvLength: 16 },
  'hmac-sha2-384-192': { hash: 'sha384', keyLength: 48, icvLength: 24 },
  'hmac-sha2-512-256': { hash: 'sha512', keyLength: 64, icvLength: 32 },
};

/** Tag of AES-GCM with a 16-byte ICV (RFC 4106 §6). */
export const GCM_TAG = 16;

/** The lengths of one SA's packets. */
export class EspFormat {
  readonly ivLength: number;
  readonly icvLength: number;
  /** Whether each packet takes an unpredictable IV, as CBC does. */
  readonly randomIv: boolean;
  readonly extended: boolean;
  readonly #padTo: number;
  readonly #blockLength: number;

  /** Throws `RangeError` on parameters that no SA can have. */
  constructor(parameters: EspSaParameters) {
    const { spi, cipher, cipherKey, integrity, integrityKey } = parameters;
    if (!Number.isInteger(spi) || spi < 1 || spi > 0xffff_ffff) throw new RangeError(`spi: ${spi}`);
    const shape = ESP_CIPHERS[cipher];
    if (shape === undefined) throw new RangeError('cipher: unknown');
    if (!shape.keyLengths.includes(cipherKey.length)) {
      throw new RangeError(`cipherKey: ${cipherKey.length} bytes for ${cipher}`);
    }
    if ((integrity === undefined) !== (cipher === 'aes-gcm-16')) {
      throw new RangeError(`integrity: ${integrity ?? 'none'} with ${cipher}`);
    }
    if (integrity !== undefined && ESP_INTEGRITIES[integrity]?.keyLength !== integrityKey?.length) {
      throw new RangeError(`integrityKey: ${integrityKey?.length ?? 0} bytes for ${integrity}`);
    }
    this.ivLength = shape.ivLength;
    this.icvLength = integrity === undefined ? GCM_TAG : ESP_INTEGRITIES[integrity].icvLength;
    this.randomIv = shape.blockLength > 1;
    this.extended = parameters.extendedSequenceNumbers === true;
    this.#padTo = shape.padTo;
    this.#blockLength = shape.blockLength;
  }

  /** The last sequence number that a packet may have. */
  get lastSequence(): number {
    return this.extended ? MAX_EXTENDED_SEQUENCE : MAX_SEQUENCE;
  }

  /** What comes before the ciphertext. */
  get headLength(): number {
    return ESP_HEADER + this.ivLength;
  }

  /** Most bytes that sealing adds. */
  get overhead(): number {
    return this.headLength + this.#padTo - 1 + ESP_TRAILER + this.icvLength;
  }

  /** Padding of a payload, without the trailer. */
  padLength(payload: number): number {
    return (this.#padTo - ((payload + ESP_TRAILER) % this.#padTo)) % this.#padTo;
  }

  /** Largest payload whose packet fits `size` bytes; 0 also where none fits. */
  payloadRoom(size: number): number {
    const text = size - this.headLength - this.icvLength;
    return Math.max(0, text - (text % this.#padTo) - ESP_TRAILER);
  }

  /** Whether a packet of this length can be one. */
  fits(length: number): boolean {
    const text = length - this.headLength - this.icvLength;
    return text >= ESP_TRAILER && text % this.#blockLength === 0;
  }
}
