/**
 * Sealing: a run of slots from payload to record for the relay, in place.
 * @rfc 4303 §3.3
 */
import { AES_CTR, AES_GCM, countsIv, ivLength, NULL_CIPHER, padTo, SHA1 } from './algorithms';
import { cbcEncryptJobs, isAes128, vectorPermuteKeysOf } from './cbc';
import {
  CIPHER,
  CIPHER_KEY,
  contextAt,
  ICV,
  INNER,
  INTEGRITY,
  isExtended,
  lastSequence,
  OCTETS,
  OUTER,
  SEQUENCE,
  SPI,
} from './context';
import { counterCryptJobs, FIRST_CTR } from './counter';
import { gcmCryptJobs, gcmTagJobs } from './gcm';
import { drawIv } from './iv-generator';
import {
  cover,
  IV,
  jobAt,
  LENGTH,
  MAC,
  MAX_JOBS,
  PACKET,
  SEQUENCE as JOB_SEQUENCE,
  SLOT,
  TEXT,
} from './jobs';
import { CURSORS, SLOT_STRIDE, SLOTS } from './layout';
import { macJobs } from './mac';
import { encryptAndMac } from './stitched';

/** Bytes of the record's header: channel u8, length u16. */
const RECORD_HEADER: usize = 3;

/**
 * Seals slots `[first, first + count)`. The loader has checked that every packet has room, and seeded the generator of
 * IVs. Answers how many were sealed before the sequence number would have wrapped.
 */
export function seal(index: i32, first: i32, count: i32, nextHeader: i32, channel: i32): i32 {
  const context = contextAt(index);
  const left = lastSequence(context) - load<u64>(context, SEQUENCE);
  if (<u64>count > left) count = <i32>left;
  for (let done = 0; done < count; done += MAX_JOBS) {
    const jobs = min(MAX_JOBS, count - done);
    for (let i = 0; i < jobs; i++) lay(context, jobAt(i), first + done + i, <u8>nextHeader);
    protect(context, jobs);
    for (let i = 0; i < jobs; i++) finish(context, jobAt(i), <u8>channel);
  }
  return count;
}

/** Lays out a packet around its payload, all but the ICV. */
function lay(context: usize, job: usize, slot: i32, nextHeader: u8): void {
  const cipher = load<i32>(context, CIPHER);
  const iv = <usize>ivLength(cipher);
  const cursor = CURSORS + (slot << 2);
  const text = SLOTS + slot * SLOT_STRIDE + <usize>load<u16>(cursor);
  const payload = <i32>load<u16>(cursor, 2) - <i32>load<u16>(cursor);
  const packet = text - iv - 8;
  const sequence = load<u64>(context, SEQUENCE) + 1;
  store<u64>(context, sequence, SEQUENCE);
  store<u32>(packet, bswap<u32>(load<u32>(context, SPI)));
  store<u32>(packet, bswap<u32>(<u32>sequence), 4);
  store<u64>(job, sequence, JOB_SEQUENCE);
  store<i32>(job, slot, SLOT);
  store<usize>(job, packet, PACKET);
  store<usize>(job, text, TEXT);
  store<i32>(job, appendTrailer(text, payload, padTo(cipher), nextHeader), LENGTH);
  if (countsIv(cipher)) {
    // It never repeats under one key.
    const explicit = bswap<u64>(sequence);
    store<u64>(packet, explicit, 8);
    store<u64>(job, explicit, IV);
  } else {
    drawIv(packet + 8, <i32>iv);
  }
}

function protect(context: usize, jobs: i32): void {
  const cipher = load<i32>(context, CIPHER);
  const keys = context + CIPHER_KEY;
  if (cipher == AES_GCM) {
    gcmCryptJobs(keys, jobs);
    gcmTagJobs(keys, jobs, isExtended(context));
  } else {
    const integrity = load<i32>(context, INTEGRITY);
    const extended = isExtended(context);
    if (ASC_FEATURE_SIMD && jobs == 1 && integrity == SHA1 && isAes128(cipher, keys)) {
      cover(jobAt(0), extended);
      return encryptAndMac(vectorPermuteKeysOf(keys), context + INNER, context + OUTER);
    }
    if (cipher == AES_CTR) counterCryptJobs(keys, jobs, FIRST_CTR);
    else if (cipher != NULL_CIPHER) cbcEncryptJobs(cipher, keys, jobs);
    // Not before: counter mode writes behind the text.
    for (let i = 0; i < jobs; i++) cover(jobAt(i), extended);
    macJobs(integrity, context + INNER, context + OUTER, jobs);
  }
}

/** Puts the ICV behind the text and the record's header before the packet, and the cursor around all of it. */
function finish(context: usize, job: usize, channel: u8): void {
  const slot = load<i32>(job, SLOT);
  const packet = load<usize>(job, PACKET);
  const icv = load<usize>(job, TEXT) + <usize>load<i32>(job, LENGTH);
  const icvBytes = load<i32>(context, ICV);
  for (let i = 0; i < icvBytes; i += 4) store<u32>(icv + i, load<u32>(job + MAC + i));
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
