/**
 * Opening: a run of slots from ESP packet to payload, in place.
 * @rfc 4303 §3.4
 */
import { AES_GCM, cipherBlock, icvLength, ivLength, NULL_CIPHER } from './algorithms';
import { cbcDecrypt } from './cbc';
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
  SPI,
} from './context';
import { gcmCrypt, gcmTag } from './gcm';
import { hmac } from './hmac';
import { BLOCK, DESCRIPTOR_SIZE, DESCRIPTORS, SLOT_SIZE, SLOTS } from './layout';
import { admit } from './replay';

/** As `OpenResult` in shared/esp/engine.ts. */
const OK: u16 = 0;
const MALFORMED: u16 = 1;
const BAD_ICV: u16 = 2;
const REPLAYED: u16 = 3;
const BAD_PADDING: u16 = 4;

/** Opens slots `[first, first + count)`, whose cursors the loader has checked. A packet that fails is wiped. */
export function open(index: i32, first: i32, count: i32): void {
  const context = contextAt(index);
  for (let slot = first; slot < first + count; slot++) {
    const descriptor = DESCRIPTORS + slot * DESCRIPTOR_SIZE;
    const packet = SLOTS + slot * SLOT_SIZE + <i32>load<u16>(descriptor);
    const length = <i32>load<u16>(descriptor, 2) - <i32>load<u16>(descriptor);
    const result = openOne(context, descriptor, packet, length);
    store<u16>(descriptor, result, 4);
    if (result == OK) continue;
    memory.fill(packet, 0, length);
    store<u16>(descriptor, load<u16>(descriptor), 2);
    store<u16>(descriptor, 0, 6);
  }
}

/** In the order that keeps noise out: the window moves, and the cipher runs, for authentic packets only. */
function openOne(context: usize, descriptor: usize, packet: usize, length: i32): u16 {
  const cipher = load<i32>(context, CIPHER);
  const head = 8 + ivLength(cipher);
  const textLength = length - head - icvLength(load<i32>(context, INTEGRITY));
  if (textLength < 2 || textLength % cipherBlock(cipher) != 0) return MALFORMED;
  if (bswap<u32>(load<u32>(packet)) != load<u32>(context, SPI)) return MALFORMED;
  const text = packet + head;
  if (!authentic(context, packet, text, textLength)) return BAD_ICV;
  if (!admit(context, bswap<u32>(load<u32>(packet, 4)))) return REPLAYED;
  store<f64>(context, load<f64>(context, OCTETS) + <f64>length, OCTETS);
  decrypt(context, packet, text, textLength);
  const payload = payloadLength(text, textLength);
  if (payload < 0) return BAD_PADDING;
  const start = load<u16>(descriptor) + <u16>head;
  store<u16>(descriptor, start);
  store<u16>(descriptor, start + <u16>payload, 2);
  store<u16>(descriptor, load<u8>(text + textLength - 1), 6);
  return OK;
}

function authentic(context: usize, packet: usize, text: usize, length: i32): bool {
  const icv = text + length;
  const integrity = load<i32>(context, INTEGRITY);
  if (load<i32>(context, CIPHER) == AES_GCM) {
    const keys = context + CIPHER_KEY;
    const salt = load<u32>(context, SALT);
    const iv = load<u64>(packet, 8);
    const tag = gcmTag(keys, context + HASH_KEY, salt, iv, packet, text, length);
    return !v128.any_true(v128.xor(tag, v128.load(icv)));
  }
  hmac(integrity, context + INNER, context + OUTER, packet, <i32>(icv - packet), BLOCK);
  // All bytes are compared, whatever the first ones say.
  let difference: u32 = 0;
  for (let i = 0; i < icvLength(integrity); i += 4) {
    difference |= load<u32>(icv + i) ^ load<u32>(BLOCK + i);
  }
  return difference == 0;
}

function decrypt(context: usize, packet: usize, text: usize, length: i32): void {
  const cipher = load<i32>(context, CIPHER);
  const keys = context + CIPHER_KEY;
  if (cipher == AES_GCM)
    gcmCrypt(keys, load<u32>(context, SALT), load<u64>(packet, 8), text, length);
  else if (cipher != NULL_CIPHER) cbcDecrypt(cipher, keys, packet + 8, text, length);
}

/**
 * Length of the payload in front of a well-formed trailer, whose padding counts up from 1; -1 if it is not one.
 * @rfc 4303 §2.4
 */
function payloadLength(text: usize, length: i32): i32 {
  const padding = <i32>load<u8>(text + length - 2);
  const payload = length - 2 - padding;
  if (payload < 0) return -1;
  for (let i = 0; i < padding; i++) {
    if (<i32>load<u8>(text + payload + i) != i + 1) return -1;
  }
  return payload;
}
