/** What is raced: three suites, payloads as TCP fills them, packets alone and as they come under load. */
import type { EspSaParameters } from '../../shared/esp/engine.ts';
import type { Bytes, Random } from '../../shared/wire/bytes.ts';
import type { Build } from '../../wasm/index.ts';

export const PAYLOAD = 1400;
export const BATCHES = [32, 1] as const;

/** The trailer's number: UDP, as L2TP asks for. */
export const NEXT_HEADER = 17;

/** What rows call the module's builds. */
export const BUILD_NAMES: Readonly<Record<Build, string>> = {
  relaxed: 'relaxed SIMD',
  strict: 'strict SIMD',
  none: 'no SIMD',
};

const SPI = 0x1234_5678;

/** `crypto.getRandomValues` gives no more at once. */
const RANDOM_LIMIT = 65_536;

export const random: Random = {
  bytes(length) {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += RANDOM_LIMIT) {
      crypto.getRandomValues(bytes.subarray(at, at + RANDOM_LIMIT));
    }
    return bytes;
  },
};

export const SUITES: Readonly<Record<string, EspSaParameters>> = {
  'AES128-CBC + SHA1': {
    spi: SPI,
    cipher: 'aes-cbc',
    cipherKey: random.bytes(16),
    integrity: 'hmac-sha1-96',
    integrityKey: random.bytes(20),
  },
  'AES256-CBC + SHA256': {
    spi: SPI,
    cipher: 'aes-cbc',
    cipherKey: random.bytes(32),
    integrity: 'hmac-sha2-256-128',
    integrityKey: random.bytes(32),
  },
  'AES128-GCM': { spi: SPI, cipher: 'aes-gcm-16', cipherKey: random.bytes(20) },
};

/** Payloads for the largest batch, each with bytes of its own. */
export const PAYLOADS: readonly Bytes[] = Array.from({ length: BATCHES[0] }, () =>
  random.bytes(PAYLOAD),
);
