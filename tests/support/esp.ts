/** What the tests of the ESP engines share: the engines, all combinations of algorithms, and filling of slots. */
import { noblePrimitives } from '../../shared/crypto/noble.ts';
import {
  type EspCipher,
  type EspEngine,
  type EspIntegrity,
  type EspSaParameters,
  type EspSealer,
  SEALED_HEADER,
  SLOT_HEADROOM,
} from '../../shared/esp/engine.ts';
import { ESP_CIPHERS, ESP_INTEGRITIES } from '../../shared/esp/format.ts';
import { referenceEspEngine } from '../../shared/esp/reference.ts';
import type { Bytes, Random } from '../../shared/wire/bytes.ts';
import { nodePrimitives } from './node-primitives.ts';
import { wasmSuite } from './wasm-suite.ts';

/** The engines under test; the noble one has no 3DES. */
export const ESP_ENGINES: Readonly<Record<string, (random: Random) => Promise<EspEngine>>> = {
  'wasm, relaxed SIMD': async (random) => (await wasmSuite(random, 'relaxed')).esp,
  'wasm, strict SIMD': async (random) => (await wasmSuite(random, 'strict')).esp,
  'wasm, no SIMD': async (random) => (await wasmSuite(random, 'none')).esp,
  'reference over noble': async (random) => referenceEspEngine(noblePrimitives, random),
  'reference over node:crypto': async (random) => referenceEspEngine(nodePrimitives, random),
};

const INTEGRITIES = Object.keys(ESP_INTEGRITIES) as readonly EspIntegrity[];

/** Ways in which a number of 64 bits takes part: in each kind of ICV, and beside each way to seal. */
const EXTENDED: readonly (readonly [EspCipher, number, EspIntegrity?])[] = [
  ['aes-gcm-16', 20],
  ['aes-cbc', 16, 'hmac-sha1-96'],
  ['aes-cbc', 32, 'hmac-sha2-256-128'],
  ['aes-ctr', 36, 'hmac-sha2-512-256'],
  ['null', 0, 'hmac-md5-96'],
];

/**
 * One SA for each cipher, key length and integrity algorithm that go together, and some with extended sequence numbers.
 */
export function everySa(random: Random): readonly EspSaParameters[] {
  const all: EspSaParameters[] = [];
  for (const cipher of ['aes-cbc', '3des-cbc', 'null', 'aes-ctr', 'aes-gcm-16'] as const) {
    for (const keyLength of ESP_CIPHERS[cipher].keyLengths) {
      const integrities = cipher === 'aes-gcm-16' ? [undefined] : INTEGRITIES;
      for (const integrity of integrities) all.push(saOf(random, cipher, keyLength, integrity));
    }
  }
  for (const [cipher, keyLength, integrity] of EXTENDED) {
    const parameters = saOf(random, cipher, keyLength, integrity);
    all.push({ ...parameters, extendedSequenceNumbers: true });
  }
  return all;
}

function saOf(
  random: Random,
  cipher: EspCipher,
  keyLength: number,
  integrity: EspIntegrity | undefined,
): EspSaParameters {
  return {
    spi: spi(random),
    cipher,
    cipherKey: random.bytes(keyLength),
    ...(integrity !== undefined && {
      integrity,
      integrityKey: random.bytes(ESP_INTEGRITIES[integrity].keyLength),
    }),
  };
}

export function saName(parameters: EspSaParameters): string {
  const { cipher, cipherKey, integrity, extendedSequenceNumbers } = parameters;
  const name = `${cipher} (${cipherKey.length} bytes) + ${integrity ?? 'its own tag'}`;
  return extendedSequenceNumbers === true ? `${name}, 64-bit numbers` : name;
}

/** Copies bytes into a slot, where payloads and arriving packets begin. */
export function fill(engine: EspEngine, slot: number, bytes: Bytes): void {
  const packet = engine.slots[slot]!;
  packet.bytes.set(bytes, SLOT_HEADROOM);
  packet.start = SLOT_HEADROOM;
  packet.end = SLOT_HEADROOM + bytes.length;
}

/** A copy of what a slot's cursor spans. */
export function contents(engine: EspEngine, slot: number): Bytes {
  const { bytes, start, end } = engine.slots[slot]!;
  return bytes.slice(start, end);
}

/** A copy of the ESP packet in a slot that was sealed, without the record's header. */
export function sealedPacket(engine: EspEngine, slot: number): Bytes {
  return contents(engine, slot).slice(SEALED_HEADER);
}

/** Seals one payload in slot 0. */
export function sealOne(
  engine: EspEngine,
  sealer: Pick<EspSealer, 'seal'>,
  payload: Bytes,
  nextHeader = 17,
): Bytes {
  fill(engine, 0, payload);
  if (sealer.seal(0, 1, nextHeader, 1) !== 1) throw new Error('not sealed');
  return sealedPacket(engine, 0);
}

export interface Opened {
  readonly result: number;
  readonly nextHeader: number;
  readonly payload: Bytes;
}

/** Opens packets as one run from slot `first` on. */
export function openAll(
  engine: EspEngine,
  packets: readonly Bytes[],
  first = 0,
): readonly Opened[] {
  packets.forEach((packet, i) => {
    fill(engine, first + i, packet);
  });
  engine.results.fill(0xee, first, first + packets.length);
  engine.nextHeaders.fill(0xee, first, first + packets.length);
  engine.open(first, packets.length);
  return packets.map((_, i) => ({
    result: engine.results[first + i]!,
    nextHeader: engine.nextHeaders[first + i]!,
    payload: contents(engine, first + i),
  }));
}

/** Whether `needle` occurs in `haystack`. */
export function includesBytes(haystack: Uint8Array, needle: Uint8Array): boolean {
  const view = Buffer.from(haystack.buffer, haystack.byteOffset, haystack.length);
  return view.includes(Buffer.from(needle));
}

function spi(random: Random): number {
  const bytes = random.bytes(4);
  return (new DataView(bytes.buffer).getUint32(0) | 1) >>> 0;
}
