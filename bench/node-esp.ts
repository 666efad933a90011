/**
 * ESP over node:crypto, written for speed, as something to measure against: no replay window, no checks of arguments,
 * AES-CBC with HMAC and AES-GCM only.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  randomFillSync,
  timingSafeEqual,
} from 'node:crypto';
import {
  type EspEngine,
  type EspSaParameters,
  OpenResult,
  SEALED_HEADER,
  SLOT_COUNT,
  SLOT_HEADROOM,
  SLOT_SIZE,
} from '../shared/esp/engine.ts';
import { ESP_INTEGRITIES, EspFormat, GCM_TAG } from '../shared/esp/format.ts';
import type { Packet } from '../shared/wire/packet.ts';

const HEADER = 8;

export function nodeEspEngine(): EspEngine {
  const buffer = new Uint8Array(SLOT_COUNT * SLOT_SIZE);
  const slots: readonly Packet[] = Array.from({ length: SLOT_COUNT }, (_, i) => ({
    bytes: buffer.subarray(i * SLOT_SIZE, (i + 1) * SLOT_SIZE),
    start: SLOT_HEADROOM,
    end: SLOT_HEADROOM,
  }));
  const results = new Uint8Array(SLOT_COUNT);
  const nextHeaders = new Uint8Array(SLOT_COUNT);
  /** The one inbound SA there is. */
  let inbound: { readonly format: EspFormat; readonly algorithms: Algorithms } | undefined;
  return {
    slots,
    results,
    nextHeaders,
    sealer(parameters) {
      const format = new EspFormat(parameters);
      const algorithms = nodeAlgorithms(parameters, format);
      let sequence = 0;
      return {
        spi: parameters.spi,
        sequence: 0,
        octets: 0,
        overhead: format.overhead,
        payloadRoom: (size) => format.payloadRoom(size),
        seal(first, count, nextHeader, channel) {
          for (let i = first; i < first + count; i++) {
            const slot = slots[i]!;
            appendTrailer(slot, format, nextHeader);
            slot.start -= format.headLength;
            const view = new DataView(slot.bytes.buffer, slot.bytes.byteOffset + slot.start);
            view.setUint32(0, parameters.spi);
            view.setUint32(4, ++sequence);
            algorithms.protect(slot, sequence);
            const length = slot.end - slot.start;
            slot.start -= SEALED_HEADER;
            slot.bytes.set([channel, length >>> 8, length & 0xff], slot.start);
          }
          return count;
        },
        close() {},
      };
    },
    inbound(parameters) {
      const format = new EspFormat(parameters);
      inbound = { format, algorithms: nodeAlgorithms(parameters, format) };
      return { spi: parameters.spi, octets: 0, close() {} };
    },
    open(first, count) {
      if (inbound === undefined) throw new TypeError('open: no inbound SA');
      const { format, algorithms } = inbound;
      for (let i = first; i < first + count; i++) {
        const slot = slots[i]!;
        results[i] = algorithms.reveal(slot) ? OpenResult.ok : OpenResult.badIcv;
        slot.start += format.headLength;
        slot.end -= format.icvLength;
        nextHeaders[i] = slot.bytes[slot.end - 1]!;
        slot.end -= 2 + slot.bytes[slot.end - 2]!;
      }
    },
  };
}

function appendTrailer(slot: Packet, format: EspFormat, nextHeader: number): void {
  const padLength = format.padLength(slot.end - slot.start);
  for (let i = 0; i < padLength; i++) slot.bytes[slot.end + i] = i + 1;
  slot.bytes[slot.end + padLength] = padLength;
  slot.bytes[slot.end + padLength + 1] = nextHeader;
  slot.end += padLength + 2;
}

interface Algorithms {
  /** Header and plaintext are in place, cursor on both; adds IV and ICV. */
  protect(slot: Packet, sequence: number): void;
  /** Decrypts in place; answers whether the packet is authentic. */
  reveal(slot: Packet): boolean;
}

function nodeAlgorithms(parameters: EspSaParameters, format: EspFormat): Algorithms {
  return parameters.cipher === 'aes-gcm-16'
    ? gcmAlgorithms(parameters, format)
    : cbcAlgorithms(parameters, format);
}

function cbcAlgorithms(parameters: EspSaParameters, format: EspFormat): Algorithms {
  const { cipherKey, integrity, integrityKey } = parameters;
  const name = `aes-${cipherKey.length * 8}-cbc`;
  const { hash, icvLength } = ESP_INTEGRITIES[integrity!];
  const ivs = new Uint8Array(512 * format.ivLength);
  let nextIv = ivs.length;
  return {
    protect(slot) {
      if (nextIv === ivs.length) {
        randomFillSync(ivs);
        nextIv = 0;
      }
      const iv = ivs.subarray(nextIv, nextIv + format.ivLength);
      nextIv += format.ivLength;
      const text = slot.start + format.headLength;
      const cipher = createCipheriv(name, cipherKey, iv).setAutoPadding(false);
      slot.bytes.set(iv, slot.start + HEADER);
      slot.bytes.set(cipher.update(slot.bytes.subarray(text, slot.end)), text);
      const mac = createHmac(hash, integrityKey!);
      mac.update(slot.bytes.subarray(slot.start, slot.end));
      slot.bytes.set(mac.digest().subarray(0, icvLength), slot.end);
      slot.end += icvLength;
    },
    reveal(slot) {
      const icv = slot.end - icvLength;
      const mac = createHmac(hash, integrityKey!);
      mac.update(slot.bytes.subarray(slot.start, icv));
      const expected = mac.digest().subarray(0, icvLength);
      if (!timingSafeEqual(expected, slot.bytes.subarray(icv, slot.end))) return false;
      const text = slot.start + format.headLength;
      const iv = slot.bytes.subarray(slot.start + HEADER, text);
      const cipher = createDecipheriv(name, cipherKey, iv).setAutoPadding(false);
      slot.bytes.set(cipher.update(slot.bytes.subarray(text, icv)), text);
      return true;
    },
  };
}

function gcmAlgorithms(parameters: EspSaParameters, format: EspFormat): Algorithms {
  const key = parameters.cipherKey.subarray(0, -4);
  const nonce = new Uint8Array(12);
  nonce.set(parameters.cipherKey.subarray(-4));
  const name = key.length === 16 ? 'aes-128-gcm' : 'aes-256-gcm';
  return {
    protect(slot, sequence) {
      new DataView(nonce.buffer).setUint32(8, sequence);
      const text = slot.start + format.headLength;
      slot.bytes.set(nonce.subarray(4), slot.start + HEADER);
      const cipher = createCipheriv(name, key, nonce);
      cipher.setAAD(slot.bytes.subarray(slot.start, slot.start + HEADER));
      slot.bytes.set(cipher.update(slot.bytes.subarray(text, slot.end)), text);
      cipher.final();
      slot.bytes.set(cipher.getAuthTag(), slot.end);
      slot.end += GCM_TAG;
    },
    reveal(slot) {
      const text = slot.start + format.headLength;
      const tag = slot.end - GCM_TAG;
      nonce.set(slot.bytes.subarray(slot.start + HEADER, text), 4);
      const cipher = createDecipheriv(name, key, nonce);
      cipher.setAAD(slot.bytes.subarray(slot.start, slot.start + HEADER));
      cipher.setAuthTag(slot.bytes.subarray(tag, slot.end));
      const plaintext = cipher.update(slot.bytes.subarray(text, tag));
      cipher.final();
      slot.bytes.set(plaintext, text);
      return true;
    },
  };
}
