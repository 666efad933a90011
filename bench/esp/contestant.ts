/**
 * What every contestant has to do with an SA's packets, from copying a payload in to copying the packet out, and
 * the part of it that has nothing to do with cryptography, done once for all that bring only ciphers.
 * @rfc 4303 §2
 */
import type { EspSaParameters } from '../../shared/esp/engine.ts';
import { ESP_HEADER, ESP_TRAILER, EspFormat } from '../../shared/esp/format.ts';
import { RECORD_HEADER } from '../../shared/relay/channels.ts';
import type { Bytes } from '../../shared/wire/bytes.ts';
import { NEXT_HEADER, PAYLOAD } from './suites.ts';

/** One SA in both directions. Packets go out into a frame, one per `stride` bytes, behind a record's header. */
export interface EspContestant {
  /** Payloads of `PAYLOAD` bytes become packets in `frame`. */
  seal(payloads: readonly Bytes[], frame: Bytes): void | Promise<void>;
  /** Packets become payloads in `out`, end to end. Throws when one is not authentic. */
  open(packets: readonly Bytes[], out: Bytes): void | Promise<void>;
}

/** Algorithms of one SA over whole packets; `headLength` bytes and the ICV frame the text. */
export interface PacketCipher<Done, Text> {
  /** Header, IV and plaintext are in place; encrypts it and writes the ICV. */
  protect(packet: Bytes): Done;
  /** The plaintext, after the ICV was found to be right. Throws when it is not. */
  reveal(packet: Bytes): Text;
}

/** Where things are in the packets of a suite. */
export class Layout {
  readonly head: number;
  readonly icv: number;
  readonly iv: number;
  /** Bytes of a packet, and from one to the next in a frame. */
  readonly length: number;
  readonly stride: number;
  readonly #padLength: number;

  constructor(parameters: EspSaParameters) {
    const format = new EspFormat(parameters);
    this.head = format.headLength;
    this.icv = format.icvLength;
    this.iv = format.ivLength;
    this.#padLength = format.padLength(PAYLOAD);
    this.length = this.head + PAYLOAD + this.#padLength + ESP_TRAILER + this.icv;
    this.stride = RECORD_HEADER + this.length;
  }

  /** End of the text. */
  get textEnd(): number {
    return this.length - this.icv;
  }

  packetIn(frame: Bytes, index: number): Bytes {
    const start = index * this.stride + RECORD_HEADER;
    return frame.subarray(start, start + this.length);
  }

  write(packet: Bytes, spi: number, sequence: number, iv: Bytes, payload: Bytes): void {
    putU32(packet, 0, spi);
    putU32(packet, 4, sequence);
    packet.set(iv, ESP_HEADER);
    packet.set(payload, this.head);
    let at = this.head + PAYLOAD;
    for (let i = 1; i <= this.#padLength; i++) packet[at++] = i;
    packet[at] = this.#padLength;
    packet[at + 1] = NEXT_HEADER;
  }

  /** Takes the trailer off a plaintext and copies the payload. */
  deliver(text: Bytes, out: Bytes, at: number): void {
    const padLength = text[text.length - ESP_TRAILER]!;
    const end = text.length - ESP_TRAILER - padLength;
    for (let i = 0; i < padLength; i++) {
      if (text[end + i] !== i + 1) throw new Error('the padding is wrong');
    }
    out.set(text.subarray(0, end), at);
  }
}

/** IVs by the rule of the cipher: unpredictable ones from a pool (RFC 3602 §3), or a counter (RFC 4106 §3.1). */
class Ivs {
  readonly #length: number;
  readonly #counts: boolean;
  readonly #pool: Bytes;
  #at: number;

  constructor({ cipher }: EspSaParameters, length: number) {
    this.#length = length;
    this.#counts = cipher === 'aes-gcm-16';
    this.#pool = new Uint8Array(this.#counts ? length : 256 * length);
    this.#at = this.#pool.length;
  }

  next(sequence: number): Bytes {
    if (this.#counts) {
      putU32(this.#pool, 4, sequence);
      return this.#pool;
    }
    if (this.#at === this.#pool.length) {
      crypto.getRandomValues(this.#pool);
      this.#at = 0;
    }
    this.#at += this.#length;
    return this.#pool.subarray(this.#at - this.#length, this.#at);
  }
}

/** Packet by packet, in place in the frame. */
export function oneByOne(
  parameters: EspSaParameters,
  cipher: PacketCipher<void, Bytes>,
): EspContestant {
  const layout = new Layout(parameters);
  const ivs = new Ivs(parameters, layout.iv);
  let sequence = 0;
  return {
    seal(payloads, frame) {
      for (let i = 0; i < payloads.length; i++) {
        const packet = layout.packetIn(frame, i);
        layout.write(packet, parameters.spi, ++sequence, ivs.next(sequence), payloads[i]!);
        cipher.protect(packet);
      }
    },
    open(packets, out) {
      for (let i = 0; i < packets.length; i++) {
        layout.deliver(cipher.reveal(packets[i]!), out, i * PAYLOAD);
      }
    },
  };
}

/** The whole batch under way at once. */
export function allAtOnce(
  parameters: EspSaParameters,
  cipher: PacketCipher<Promise<void>, Promise<Bytes>>,
): EspContestant {
  const layout = new Layout(parameters);
  const ivs = new Ivs(parameters, layout.iv);
  let sequence = 0;
  return {
    async seal(payloads, frame) {
      await Promise.all(
        payloads.map((payload, i) => {
          const packet = layout.packetIn(frame, i);
          layout.write(packet, parameters.spi, ++sequence, ivs.next(sequence), payload);
          return cipher.protect(packet);
        }),
      );
    },
    async open(packets, out) {
      await Promise.all(
        packets.map(async (packet, i) => {
          layout.deliver(await cipher.reveal(packet), out, i * PAYLOAD);
        }),
      );
    },
  };
}

/** Throws when `icv` is not the beginning of `mac`; looks at every byte whatever it finds. */
export function checkIcv(mac: Uint8Array, icv: Uint8Array): void {
  let difference = 0;
  for (let i = 0; i < icv.length; i++) difference |= mac[i]! ^ icv[i]!;
  if (difference !== 0) throw new Error('the ICV is wrong');
}

/** Salt and IV of a GCM packet (RFC 4106 §4). */
export function gcmNonce(salt: Bytes, packet: Bytes): Bytes {
  const nonce = new Uint8Array(12);
  nonce.set(salt);
  nonce.set(packet.subarray(ESP_HEADER, ESP_HEADER + 8), salt.length);
  return nonce;
}

function putU32(bytes: Bytes, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
