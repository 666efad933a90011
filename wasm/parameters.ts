/** An SA's parameters, checked, and what its packets measure: the loader's part of shared/esp/format.ts. */
import type { EspCipher, EspIntegrity, EspSaParameters } from '../shared/esp/engine.ts';

/** Numbers as in assembly/algorithms.ts, lengths in bytes. */
const CIPHERS: Readonly<
  Record<
    EspCipher,
    { code: number; keys: readonly number[]; iv: number; padTo: number; random?: true }
  >
> = {
  'aes-cbc': { code: 0, keys: [16, 24, 32], iv: 16, padTo: 16, random: true },
  '3des-cbc': { code: 1, keys: [24], iv: 8, padTo: 8, random: true },
  'aes-gcm-16': { code: 2, keys: [20, 28, 36], iv: 8, padTo: 4 },
  null: { code: 3, keys: [0], iv: 0, padTo: 4 },
  'aes-ctr': { code: 4, keys: [20, 28, 36], iv: 8, padTo: 4 },
};

const INTEGRITIES: Readonly<Record<EspIntegrity, { code: number; key: number; icv: number }>> = {
  'hmac-md5-96': { code: 0, key: 16, icv: 12 },
  'hmac-sha1-96': { code: 1, key: 20, icv: 12 },
  'hmac-sha2-256-96': { code: 2, key: 32, icv: 12 },
  'hmac-sha2-256-128': { code: 2, key: 32, icv: 16 },
  'hmac-sha2-384-192': { code: 3, key: 48, icv: 24 },
  'hmac-sha2-512-256': { code: 4, key: 64, icv: 32 },
};

/** AES-GCM authenticates itself. */
const NO_INTEGRITY = { code: -1, key: 0, icv: 16 };

/** SPI and sequence number; pad length and next header. */
const HEADER = 8;
const TRAILER = 2;

export interface SaShape {
  readonly cipher: number;
  readonly integrity: number;
  /** Bytes before the payload. */
  readonly head: number;
  readonly icv: number;
  readonly padTo: number;
  /** Whether each packet takes an unpredictable IV. */
  readonly randomIv: boolean;
  readonly extended: boolean;
}

/** Throws `RangeError` on parameters that no SA can have. */
export function saShape(parameters: EspSaParameters): SaShape {
  const { spi, cipherKey, integrityKey } = parameters;
  if (!Number.isInteger(spi) || spi < 1 || spi > 0xffff_ffff) throw new RangeError(`spi: ${spi}`);
  const cipher = CIPHERS[parameters.cipher];
  if (cipher === undefined) throw new RangeError('cipher: unknown');
  if (!cipher.keys.includes(cipherKey.length)) {
    throw new RangeError(`cipherKey: ${cipherKey.length} bytes for ${parameters.cipher}`);
  }
  const combined = parameters.cipher === 'aes-gcm-16';
  if ((parameters.integrity === undefined) !== combined) {
    throw new RangeError(`integrity: ${parameters.integrity ?? 'none'} with ${parameters.cipher}`);
  }
  const integrity =
    parameters.integrity === undefined ? NO_INTEGRITY : INTEGRITIES[parameters.integrity];
  if (integrity === undefined) throw new RangeError('integrity: unknown');
  if ((integrityKey?.length ?? 0) !== integrity.key) {
    throw new RangeError(`integrityKey: ${integrityKey?.length ?? 0} bytes`);
  }
  return {
    cipher: cipher.code,
    integrity: integrity.code,
    head: HEADER + cipher.iv,
    icv: integrity.icv,
    padTo: cipher.padTo,
    randomIv: cipher.random === true,
    extended: parameters.extendedSequenceNumbers === true,
  };
}

/** Most bytes that sealing adds to a packet. */
export function overhead({ head, icv, padTo }: SaShape): number {
  return head + padTo - 1 + TRAILER + icv;
}

/** Bytes that sealing adds behind a payload of `length` bytes. */
export function tailLength({ icv, padTo }: SaShape, length: number): number {
  const text = length + TRAILER;
  return text - length + ((padTo - (text % padTo)) % padTo) + icv;
}

/** Largest payload whose packet fits `size` bytes; 0 also where none fits. */
export function payloadRoom({ head, icv, padTo }: SaShape, size: number): number {
  const text = size - head - icv;
  return Math.max(0, text - (text % padTo) - TRAILER);
}
