/**
 * Sealing: a run of slots from payload to record for the relay, in place.
 * @rfc 4303 §3.3
 */
import { AES_GCM, icvLength, ivLength, NULL_CIPHER, padTo, SHA1 } from './algorithms';
import { cbcEncryptJobs, isAes128, vectorPermuteKeysOf } from './cbc';
import { CIPHER, CIPHER_KEY, contextAt, INNER, INTEGRITY, OCTETS, OUTER, SEQUENCE, SPI } from './context';
import { gcmCryptJobs, gcmTagJobs } from './gcm';
import { IV, jobAt, LENGTH, MAC, MAX_JOBS, PACKET, SLOT, TEXT } from './jobs';
import { CURSORS, SLOT_STRIDE, SLOTS } from './layout';
import { macJobs } from './mac';
import { encryptAndMac } from './stitched';

/** Bytes of the record's header: channel u8, length u16. */
const RECORD_HEADER: usize = 3;

/**
 * Seals slots `[first, first + count)`; `ivs` points at one unpredictable IV for each, which AES-GCM does not need.
 * The loader has checked that every packet has room. Answers how many were sealed before the sequence number
 * would have wrapped.
 */
export function seal(
  index: i32,
  first: i32,
  count: i32,
  nextHeader: i32,
  channel: i32,
  ivs: usize,
): i32 {
  const context = contextAt(index);
  const left = 0xffffffff - load<u32>(context, SEQUENCE);
  if (<u32>count > left) count = <i32>left;
  for (let done = 0; done < count; done += MAX_JOBS) {
    const jobs = min(MAX_JOBS, count - done);
    for (let i = 0; i < jobs; i++) {
      ivs = lay(context, jobAt(i), first + done + i, <u8>nextHeader, ivs);
    }
    protect(context, jobs);
    for (let i = 0; i < jobs; i++) finish(context, jobAt(i), <u8>channel);
  }
  return count;
}

/** Lays out a packet around its payload, all but the ICV; answers where the next IV is. */
function lay(context: usize, job: usize, slot: i32, nextHeader: u8, ivs: usize): usize {
  const cipher = load<i32>(context, CIPHER);
  const iv = <usize>ivLength(cipher);
  const cursor = CURSORS + (slot << 2);
  const text = SLOTS + slot * SLOT_STRIDE + <usize>load<u16>(cursor);
  const payload = <i32>load<u16>(cursor, 2) - <i32>load<u16>(cursor);
  const packet = text - iv - 8;
  const sequence = load<u32>(context, SEQUENCE) + 1;
  store<u32>(context, sequence, SEQUENCE);
  store<u32>(packet, bswap<u32>(load<u32>(context, SPI)));
  store<u32>(packet, bswap<u32>(sequence), 4);
  store<i32>(job, slot, SLOT);
  store<usize>(job, packet, PACKET);
  store<usize>(job, text, TEXT);
  store<i32>(job, appendTrailer(text, payload, padTo(cipher), nextHeader), LENGTH);
  if (cipher == AES_GCM) {
    // The explicit IV is the sequence number: it never repeats under one key.
    const explicit = (<u64>bswap<u32>(sequence)) << 32;
    store<u64>(packet, explicit, 8);
    store<u64>(job, explicit, IV);
    return ivs;
  }
  memory.copy(packet + 8, ivs, iv);
  return ivs + iv;
}

function protect(context: usize, jobs: i32): void {
  const cipher = load<i32>(context, CIPHER);
  const keys = context + CIPHER_KEY;
  if (cipher == AES_GCM) {
    gcmCryptJobs(keys, jobs);
    gcmTagJobs(keys, jobs);
  } else {
    const integrity = load<i32>(context, INTEGRITY);
    if (ASC_FEATURE_SIMD && jobs == 1 && integrity == SHA1 && isAes128(cipher, keys)) {
      return encryptAndMac(vectorPermuteKeysOf(keys), context + INNER, context + OUTER);
    }
    if (cipher != NULL_CIPHER) cbcEncryptJobs(cipher, keys, jobs);
    macJobs(integrity, context + INNER, context + OUTER, jobs);
  }
}

/** Puts the ICV behind the text and the record's header before the packet, and the cursor around all of it. */
function finish(context: usize, job: usize, channel: u8): void {
  const slot = load<i32>(job, SLOT);
  const packet = load<usize>(job, PACKET);
  const icv = load<usize>(job, TEXT) + <usize>load<i32>(job, LENGTH);
  const icvBytes = icvLength(load<i32>(context, INTEGRITY));
  store<u64>(icv, load<u64>(job, MAC));
  store<u32>(icv, load<u32>(job, MAC + 8), 8);
  if (icvBytes == 16) store<u32>(icv, load<u32>(job, MAC + 12), 12);
  const length = <i32>(icv - packet) + icvBytes;
  const record = packet - RECORD_HEADER;
  store<u8>(record, channel);
  store<u16>(record, bswap<u16>(<u16>length), 1);
  const base = SLOTS + slot * SLOT_STRIDE;
  const cursor = CURSORS + (slot << 2);
  store<u16>(cursor, <u16>(record - base));
  store<u16>(cursor, <u16>(packet - base + length), 2);
  store<f64>(context, load<f64>(context, OCTETS) + <f64>length, OCTETS);
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
