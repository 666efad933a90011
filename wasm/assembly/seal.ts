/**
 * Sealing: a run of slots from payload to ESP packet, in place.
 * @rfc 4303 §3.3
 */
import { AES_GCM, icvLength, ivLength, NULL_CIPHER, padTo } from './algorithms';
import { cbcEncrypt } from './cbc';
import {
  CIPHER,
  CIPHER_KEY,
  contextAt,
  HASH_KEY,
  INNER,
  INTEGRITY,
  OCTETS,
  OUTER,
  SALT,
  SEQUENCE,
  SPI,
} from './context';
import { gcmCrypt, gcmTag } from './gcm';
import { hmac } from './hmac';
import { drawIv } from './iv-generator';
import { BLOCK, DESCRIPTOR_SIZE, DESCRIPTORS, SLOT_SIZE, SLOTS } from './layout';

/**
 * Seals slots `[first, first + count)`. The loader has checked that every packet has room, and seeded the generator of
 * IVs. Answers how many were sealed before the sequence number would have wrapped.
 */
export function seal(index: i32, first: i32, count: i32, nextHeader: i32): i32 {
  const context = contextAt(index);
  for (let i = 0; i < count; i++) {
    const sequence = load<u32>(context, SEQUENCE) + 1;
    if (sequence == 0) return i;
    store<u32>(context, sequence, SEQUENCE);
    sealOne(context, first + i, sequence, <u8>nextHeader);
  }
  return count;
}

function sealOne(context: usize, slot: i32, sequence: u32, nextHeader: u8): void {
  const cipher = load<i32>(context, CIPHER);
  const integrity = load<i32>(context, INTEGRITY);
  const iv = ivLength(cipher);
  const descriptor = DESCRIPTORS + slot * DESCRIPTOR_SIZE;
  const start = <i32>load<u16>(descriptor);
  const end = <i32>load<u16>(descriptor, 2);
  const base = SLOTS + slot * SLOT_SIZE;
  const text = base + start;
  const length = appendTrailer(text, end - start, padTo(cipher), nextHeader);
  const header = text - iv - 8;
  const icv = text + length;
  store<u32>(header, bswap<u32>(load<u32>(context, SPI)));
  store<u32>(header, bswap<u32>(sequence), 4);
  if (cipher == AES_GCM) {
    // The explicit IV is the sequence number: it never repeats under one key.
    const explicit = (<u64>bswap<u32>(sequence)) << 32;
    store<u64>(header, explicit, 8);
    const salt = load<u32>(context, SALT);
    const keys = context + CIPHER_KEY;
    gcmCrypt(keys, salt, explicit, text, length);
    v128.store(icv, gcmTag(keys, context + HASH_KEY, salt, explicit, header, text, length));
  } else {
    if (cipher != NULL_CIPHER) {
      drawIv(header + 8, iv);
      cbcEncrypt(cipher, context + CIPHER_KEY, header + 8, text, length);
    }
    hmac(integrity, context + INNER, context + OUTER, header, 8 + iv + length, BLOCK);
    memory.copy(icv, BLOCK, icvLength(integrity));
  }
  const packetEnd = icv + icvLength(integrity);
  store<u16>(descriptor, <u16>(header - base));
  store<u16>(descriptor, <u16>(packetEnd - base), 2);
  store<f64>(context, load<f64>(context, OCTETS) + <f64>(packetEnd - header), OCTETS);
}

/**
 * Writes padding 1, 2, 3…, pad length and next header behind the payload; answers the plaintext's length.
 * @rfc 4303 §2.4
 */
function appendTrailer(text: usize, payload: i32, multiple: i32, nextHeader: u8): i32 {
  const length = (payload + 2 + multiple - 1) & -multiple;
  const padding = length - payload - 2;
  for (let i = 0; i < padding; i++) store<u8>(text + payload + i, <u8>(i + 1));
  store<u8>(text + length - 2, <u8>padding);
  store<u8>(text + length - 1, nextHeader);
  return length;
}
