/**
 * The slow, obviously correct twin of the WASM packet path: one packet at a time, each step a function of the
 * RFC's, everything copied. Tests hold the fast one against it.
 * @rfc 4303 §3.3
 * @rfc 4303 §3.4
 */
import type { Primitives } from '../crypto/suite.ts';
import type { Bytes, Random } from '../wire/bytes.ts';
import type { Packet } from '../wire/packet.ts';
import {
  type EspEngine,
  type EspOpener,
  type EspSealer,
  OpenResult,
  SLOT_COUNT,
  SLOT_HEADROOM,
  SLOT_SIZE,
} from './engine.ts';
import { ESP_HEADER, ESP_TRAILER, EspFormat, MAX_SEQUENCE } from './format.ts';
import { IvGenerator } from './iv-generator.ts';
import { ReplayWindow } from './replay-window.ts';
import { type Transform, transform } from './transform.ts';

/**
 * An engine over `primitives`, with IVs from a generator that `random` seeds. A test of the counter's end passes as `sequence` the
 * number that a new outbound SA counts on from.
 */
export function referenceEspEngine(
  primitives: Primitives,
  random: Random,
  sequence = 0,
): EspEngine {
  const pool = new Pool(random);
  return {
    slots: pool.slots,
    sealer(parameters) {
      const format = new EspFormat(parameters);
      const algorithms = transform(parameters, primitives, pool.ivs);
      if (format.randomIv) pool.ivs.seed();
      return new ReferenceSealer(pool, parameters.spi, format, algorithms, sequence);
    },
    opener(parameters) {
      const format = new EspFormat(parameters);
      const algorithms = transform(parameters, primitives, pool.ivs);
      return new ReferenceOpener(pool, parameters.spi, format, algorithms);
    },
  };
}

/** What all SAs share, and how many they are: when the last closes, it is wiped. */
class Pool {
  readonly #buffer = new Uint8Array(SLOT_COUNT * SLOT_SIZE);
  readonly slots: readonly Packet[] = Array.from({ length: SLOT_COUNT }, (_, i) => ({
    bytes: this.#buffer.subarray(i * SLOT_SIZE, (i + 1) * SLOT_SIZE),
    start: SLOT_HEADROOM,
    end: SLOT_HEADROOM,
  }));
  readonly ivs: IvGenerator;
  #users = 0;

  constructor(random: Random) {
    this.ivs = new IvGenerator(random);
  }

  enter(): void {
    this.#users++;
  }

  leave(): void {
    if (--this.#users > 0) return;
    this.#buffer.fill(0);
    this.ivs.erase();
  }

  /** Throws `RangeError` unless these slots exist and their cursors lie within them. */
  run(first: number, count: number): readonly Packet[] {
    if (!Number.isInteger(first) || first < 0 || first > SLOT_COUNT) {
      throw new RangeError(`first: ${first}`);
    }
    if (!Number.isInteger(count) || count < 0 || count > SLOT_COUNT - first) {
      throw new RangeError(`count: ${count}`);
    }
    const packets = this.slots.slice(first, first + count);
    for (const { start, end } of packets) {
      if (!(start >= 0 && start <= end && end <= SLOT_SIZE)) throw new RangeError('slots: cursor');
    }
    return packets;
  }
}

class ReferenceSealer implements EspSealer {
  readonly spi: number;
  readonly #pool: Pool;
  readonly #format: EspFormat;
  #transform: Transform | undefined;
  #sequence: number;
  #octets = 0;

  constructor(pool: Pool, spi: number, format: EspFormat, algorithms: Transform, sequence: number) {
    this.spi = spi;
    this.#pool = pool;
    this.#format = format;
    this.#transform = algorithms;
    this.#sequence = sequence;
    pool.enter();
  }

  get sequence(): number {
    return this.#sequence;
  }

  get octets(): number {
    return this.#octets;
  }

  get overhead(): number {
    return this.#format.overhead;
  }

  payloadRoom(size: number): number {
    return this.#format.payloadRoom(size);
  }

  seal(first: number, count: number, nextHeader: number): number {
    const algorithms = this.#transform;
    if (algorithms === undefined) throw new TypeError('sealer: closed');
    const packets = this.#pool.run(first, count);
    for (const { start, end } of packets) {
      const tail = this.#format.padLength(end - start) + ESP_TRAILER + this.#format.icvLength;
      if (start < this.#format.headLength || end + tail > SLOT_SIZE) {
        throw new RangeError('slots: no room to seal');
      }
    }
    if (this.#format.randomIv) this.#pool.ivs.reserve(count);
    const sealed = Math.min(count, MAX_SEQUENCE - this.#sequence);
    for (const packet of packets.slice(0, sealed)) this.#sealOne(packet, algorithms, nextHeader);
    return sealed;
  }

  close(): void {
    if (this.#transform === undefined) return;
    this.#transform.close();
    this.#transform = undefined;
    this.#pool.leave();
  }

  #sealOne(packet: Packet, algorithms: Transform, nextHeader: number): void {
    const { bytes, start, end } = packet;
    const padLength = this.#format.padLength(end - start);
    const plaintext = new Uint8Array(end - start + padLength + ESP_TRAILER);
    plaintext.set(bytes.subarray(start, end));
    for (let i = 0; i < padLength; i++) plaintext[end - start + i] = i + 1;
    plaintext[plaintext.length - 2] = padLength;
    plaintext[plaintext.length - 1] = nextHeader;
    const header = espHeader(this.spi, ++this.#sequence);
    const body = algorithms.protect(header, plaintext);
    packet.start = start - this.#format.headLength;
    packet.end = packet.start + ESP_HEADER + body.length;
    bytes.set(header, packet.start);
    bytes.set(body, packet.start + ESP_HEADER);
    this.#octets += packet.end - packet.start;
  }
}

class ReferenceOpener implements EspOpener {
  readonly spi: number;
  readonly #pool: Pool;
  readonly #format: EspFormat;
  readonly #window = new ReplayWindow();
  #transform: Transform | undefined;
  #octets = 0;

  constructor(pool: Pool, spi: number, format: EspFormat, algorithms: Transform) {
    this.spi = spi;
    this.#pool = pool;
    this.#format = format;
    this.#transform = algorithms;
    pool.enter();
  }

  get octets(): number {
    return this.#octets;
  }

  open(first: number, count: number, results: Uint8Array, nextHeaders: Uint8Array): void {
    const algorithms = this.#transform;
    if (algorithms === undefined) throw new TypeError('opener: closed');
    const packets = this.#pool.run(first, count);
    if (results.length < count) throw new RangeError('results: too short');
    if (nextHeaders.length < count) throw new RangeError('nextHeaders: too short');
    packets.forEach((packet, i) => {
      nextHeaders[i] = 0;
      const result = this.#openOne(packet, algorithms, (nextHeader) => {
        nextHeaders[i] = nextHeader;
      });
      results[i] = result;
      if (result !== OpenResult.ok) {
        packet.bytes.fill(0, packet.start, packet.end);
        packet.end = packet.start;
      }
    });
  }

  close(): void {
    if (this.#transform === undefined) return;
    this.#transform.close();
    this.#transform = undefined;
    this.#pool.leave();
  }

  #openOne(packet: Packet, algorithms: Transform, tell: (nextHeader: number) => void): OpenResult {
    const { bytes, start, end } = packet;
    if (!this.#format.fits(end - start)) return OpenResult.malformed;
    const header = bytes.slice(start, start + ESP_HEADER);
    const view = new DataView(header.buffer);
    if (view.getUint32(0) !== this.spi) return OpenResult.malformed;
    const sequence = view.getUint32(4);
    const body = bytes.slice(start + ESP_HEADER, end);
    if (!algorithms.authentic(header, body)) return OpenResult.badIcv;
    if (!this.#window.admits(sequence)) return OpenResult.replayed;
    this.#window.record(sequence);
    this.#octets += end - start;
    const plaintext = algorithms.reveal(header, body);
    const length = payloadLength(plaintext);
    if (length === undefined) return OpenResult.badPadding;
    tell(plaintext.at(-1)!);
    packet.start = start + this.#format.headLength;
    packet.end = packet.start + length;
    bytes.set(plaintext, packet.start);
    return OpenResult.ok;
  }
}

function espHeader(spi: number, sequence: number): Bytes {
  const header = new Uint8Array(ESP_HEADER);
  const view = new DataView(header.buffer);
  view.setUint32(0, spi);
  view.setUint32(4, sequence);
  return header;
}

/**
 * Length of the payload in front of a well-formed trailer, whose padding counts up from 1.
 * @rfc 4303 §2.4
 */
function payloadLength(plaintext: Bytes): number | undefined {
  const padLength = plaintext.at(-2)!;
  const length = plaintext.length - ESP_TRAILER - padLength;
  if (length < 0) return undefined;
  for (let i = 0; i < padLength; i++) if (plaintext[length + i] !== i + 1) return undefined;
  return length;
}
