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
  type EspInbound,
  type EspSealer,
  MAX_SAS,
  OpenResult,
  SEALED_HEADER,
  SLOT_COUNT,
  SLOT_HEADROOM,
  SLOT_SIZE,
} from './engine.ts';
import { ESP_HEADER, ESP_TRAILER, EspFormat } from './format.ts';
import { IvGenerator } from './iv-generator.ts';
import { ReplayWindow } from './replay-window.ts';
import { type PacketNumber, type Transform, transform } from './transform.ts';

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
  const inbound = new Map<number, ReferenceInbound>();
  const results = new Uint8Array(SLOT_COUNT);
  const nextHeaders = new Uint8Array(SLOT_COUNT);
  return {
    slots: pool.slots,
    results,
    nextHeaders,
    sealer(parameters) {
      const format = new EspFormat(parameters);
      const algorithms = transform(parameters, primitives, pool.ivs);
      if (format.randomIv) pool.ivs.seed();
      return new ReferenceSealer(pool, parameters.spi, format, algorithms, sequence);
    },
    inbound(parameters) {
      const { spi } = parameters;
      const format = new EspFormat(parameters);
      if (inbound.has(spi)) throw new RangeError('spi: another inbound SA has it');
      const algorithms = transform(parameters, primitives, pool.ivs);
      const sa = new ReferenceInbound(pool, spi, format, algorithms, () => inbound.delete(spi));
      inbound.set(spi, sa);
      return sa;
    },
    open(first, count) {
      pool.run(first, count).forEach((packet, i) => {
        const sa = inbound.get(spiOf(packet));
        const opened = sa?.open(packet) ?? { result: OpenResult.unknownSpi };
        results[first + i] = opened.result;
        nextHeaders[first + i] = opened.nextHeader ?? 0;
        if (opened.result === OpenResult.ok) return;
        packet.bytes.fill(0, packet.start, packet.end);
        packet.end = packet.start;
      });
    },
  };
}

/** 0, which is no SA's, where a packet is too short to have one. */
function spiOf({ bytes, start, end }: Packet): number {
  return end - start < 4 ? 0 : new DataView(bytes.buffer, bytes.byteOffset + start).getUint32(0);
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

  /** Throws `RangeError` when there is no room for another SA. */
  enter(): void {
    if (this.#users === MAX_SAS) throw new RangeError('parameters: too many SAs at once');
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

  seal(first: number, count: number, nextHeader: number, channel: number): number {
    const algorithms = this.#transform;
    if (algorithms === undefined) throw new TypeError('sealer: closed');
    const packets = this.#pool.run(first, count);
    for (const { start, end } of packets) {
      const tail = this.#format.padLength(end - start) + ESP_TRAILER + this.#format.icvLength;
      if (start < SEALED_HEADER + this.#format.headLength || end + tail > SLOT_SIZE) {
        throw new RangeError('slots: no room to seal');
      }
    }
    if (this.#format.randomIv) this.#pool.ivs.reserve(count);
    const sealed = Math.min(count, this.#format.lastSequence - this.#sequence);
    for (const packet of packets.slice(0, sealed)) {
      this.#sealOne(packet, algorithms, nextHeader);
      prependRecord(packet, channel);
    }
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
    const number = packetNumber(this.spi, ++this.#sequence, this.#format);
    const body = algorithms.protect(number, plaintext);
    packet.start = start - this.#format.headLength;
    packet.end = packet.start + ESP_HEADER + body.length;
    bytes.set(number.header, packet.start);
    bytes.set(body, packet.start + ESP_HEADER);
    this.#octets += packet.end - packet.start;
  }
}

class ReferenceInbound implements EspInbound {
  readonly spi: number;
  readonly #pool: Pool;
  readonly #format: EspFormat;
  readonly #algorithms: Transform;
  readonly #window = new ReplayWindow();
  #forget: (() => void) | undefined;
  #octets = 0;

  constructor(
    pool: Pool,
    spi: number,
    format: EspFormat,
    algorithms: Transform,
    forget: () => void,
  ) {
    this.spi = spi;
    this.#pool = pool;
    this.#format = format;
    this.#algorithms = algorithms;
    this.#forget = forget;
    pool.enter();
  }

  get octets(): number {
    return this.#octets;
  }

  close(): void {
    if (this.#forget === undefined) return;
    this.#forget();
    this.#forget = undefined;
    this.#algorithms.close();
    this.#pool.leave();
  }

  /** Opens one packet that has this SA's SPI. */
  open(packet: Packet): { readonly result: OpenResult; readonly nextHeader?: number } {
    const { bytes, start, end } = packet;
    if (!this.#format.fits(end - start)) return { result: OpenResult.malformed };
    const lower = new DataView(bytes.buffer, bytes.byteOffset + start).getUint32(4);
    const sequence = this.#format.extended ? this.#window.extend(lower) : lower;
    const number = packetNumber(this.spi, sequence, this.#format);
    const body = bytes.slice(start + ESP_HEADER, end);
    if (!this.#algorithms.authentic(number, body)) return { result: OpenResult.badIcv };
    if (!this.#window.admits(sequence)) return { result: OpenResult.replayed };
    this.#window.record(sequence);
    this.#octets += end - start;
    const plaintext = this.#algorithms.reveal(number, body);
    const length = payloadLength(plaintext);
    if (length === undefined) return { result: OpenResult.badPadding };
    packet.start = start + this.#format.headLength;
    packet.end = packet.start + length;
    bytes.set(plaintext, packet.start);
    return { result: OpenResult.ok, nextHeader: plaintext.at(-1)! };
  }
}

/** The header of the record that carries the packet to the relay. */
function prependRecord(packet: Packet, channel: number): void {
  const length = packet.end - packet.start;
  packet.start -= SEALED_HEADER;
  packet.bytes.set([channel, length >>> 8, length & 0xff], packet.start);
}

function packetNumber(spi: number, sequence: number, { extended }: EspFormat): PacketNumber {
  const header = new Uint8Array(ESP_HEADER);
  const view = new DataView(header.buffer);
  view.setUint32(0, spi);
  view.setUint32(4, sequence % 2 ** 32);
  const higher = new Uint8Array(extended ? 4 : 0);
  if (extended) new DataView(higher.buffer).setUint32(0, Math.floor(sequence / 2 ** 32));
  return { header, higher };
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
