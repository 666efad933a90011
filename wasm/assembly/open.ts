/**
 * Opening: a run of slots from ESP packet to payload, in place, whichever SAs the packets belong to.
 * @rfc 4303 §3.4
 */
import { AES_CTR, AES_GCM, cipherBlock, ivLength, NULL_CIPHER } from './algorithms';
import { cbcDecryptJobs } from './cbc';
import {
  CIPHER,
  CIPHER_KEY,
  ICV,
  INNER,
  INTEGRITY,
  inboundContext,
  isExtended,
  lastSequence,
  OCTETS,
  OUTER,
  SEQUENCE as NEWEST,
} from './context';
import { counterCryptJobs, FIRST_CTR } from './counter';
import { gcmCryptJobs, gcmTagJobs } from './gcm';
import {
  cover,
  IV,
  JOB_SIZE,
  jobAt,
  LENGTH,
  MAC,
  MAX_JOBS,
  PACKET,
  SEQUENCE,
  SLOT,
  TAG,
  TEXT,
} from './jobs';
import { CURSORS, NEXT_HEADERS, RESULTS, SLOT_STRIDE, SLOTS } from './layout';
import { macJobs } from './mac';
import { admit, extendSequence } from './replay';

/** As `OpenResult` in shared/esp/engine.ts. */
const OK: u8 = 0;
const MALFORMED: u8 = 1;
const BAD_ICV: u8 = 2;
const REPLAYED: u8 = 3;
const BAD_PADDING: u8 = 4;
const UNKNOWN_SPI: u8 = 5;
/** Not yet opened. */
const WAITING: u8 = 255;

/** Opens slots `[first, first + count)`, whose cursors the loader has checked. A packet that fails is wiped. */
export function open(first: i32, count: i32): void {
  memory.fill(RESULTS + first, WAITING, count);
  memory.fill(NEXT_HEADERS + first, 0, count);
  for (let slot = first; slot < first + count; slot++) {
    if (load<u8>(RESULTS + slot) == WAITING) openFrom(slot, first + count);
  }
  for (let slot = first; slot < first + count; slot++) {
    if (load<u8>(RESULTS + slot) != OK) wipe(slot);
  }
}

/** Opens the packets of one SA: the one in this slot, and those behind it that wait, as many as there are jobs. */
function openFrom(first: i32, end: i32): void {
  const spi = spiIn(first);
  const context = inboundContext(spi);
  const newest = context == 0 ? 0 : load<u64>(context, NEWEST);
  let top = newest;
  let jobs = 0;
  for (let slot = first; slot < end && jobs < MAX_JOBS; slot++) {
    if (load<u8>(RESULTS + slot) != WAITING || (slot != first && spiIn(slot) != spi)) continue;
    const job = jobAt(jobs);
    const result = context == 0 ? UNKNOWN_SPI : prepare(context, job, slot);
    if (result == OK) {
      const lower = sequenceIn(job);
      let sequence = <u64>lower;
      if (isExtended(context)) {
        sequence = extendSequence(newest, lower);
        // Whether those before it are authentic decides what its number is: it waits until that is known.
        if (sequence != extendSequence(top, lower)) break;
        if (sequence <= lastSequence(context)) top = max(top, sequence);
      }
      store<u64>(job, sequence, SEQUENCE);
      jobs++;
    }
    store<u8>(RESULTS + slot, result);
  }
  if (jobs == 0) return;
  authenticate(context, jobs);
  jobs = keepAuthentic(context, jobs);
  decrypt(context, jobs);
  for (let i = 0; i < jobs; i++) release(jobAt(i));
}

/** In host order; 0, which is no SA's, where a packet is too short to have one. */
function spiIn(slot: i32): u32 {
  const cursor = CURSORS + (slot << 2);
  if (<i32>load<u16>(cursor, 2) - <i32>load<u16>(cursor) < 4) return 0;
  return bswap<u32>(load<u32>(SLOTS + slot * SLOT_STRIDE + <usize>load<u16>(cursor)));
}

/** What the job's packet carries of its sequence number. */
function sequenceIn(job: usize): u32 {
  return bswap<u32>(load<u32>(load<usize>(job, PACKET), 4));
}

/** Finds the parts of a packet. */
function prepare(context: usize, job: usize, slot: i32): u8 {
  const cursor = CURSORS + (slot << 2);
  const packet = SLOTS + slot * SLOT_STRIDE + <usize>load<u16>(cursor);
  const size = <i32>load<u16>(cursor, 2) - <i32>load<u16>(cursor);
  const cipher = load<i32>(context, CIPHER);
  const head = 8 + ivLength(cipher);
  const length = size - head - load<i32>(context, ICV);
  if (length < 2 || length % cipherBlock(cipher) != 0) return MALFORMED;
  store<i32>(job, slot, SLOT);
  store<usize>(job, packet, PACKET);
  store<usize>(job, packet + head, TEXT);
  store<i32>(job, length, LENGTH);
  store<u64>(job, load<u64>(packet, 8), IV);
  // Read as 32 bytes whatever its length: there is room behind every slot.
  const icv = packet + head + length;
  store<u64>(job, load<u64>(icv), TAG);
  store<u64>(job, load<u64>(icv, 8), TAG + 8);
  store<u64>(job, load<u64>(icv, 16), TAG + 16);
  store<u64>(job, load<u64>(icv, 24), TAG + 24);
  return OK;
}

/** Computes the ICV that each packet should have. */
function authenticate(context: usize, jobs: i32): void {
  const extended = isExtended(context);
  if (load<i32>(context, CIPHER) == AES_GCM) {
    gcmTagJobs(context + CIPHER_KEY, jobs, extended);
  } else {
    for (let i = 0; i < jobs; i++) cover(jobAt(i), extended);
    macJobs(load<i32>(context, INTEGRITY), context + INNER, context + OUTER, jobs);
  }
}

/**
 * Compares, and moves the window for authentic packets only, in the order of their arrival. The jobs that are left move
 * up; answers how many.
 */
function keepAuthentic(context: usize, jobs: i32): i32 {
  const icv = load<i32>(context, ICV);
  const last = lastSequence(context);
  let kept = 0;
  for (let i = 0; i < jobs; i++) {
    const job = jobAt(i);
    let result = OK;
    if (!equal(job + MAC, job + TAG, icv)) result = BAD_ICV;
    else if (!admit(context, load<u64>(job, SEQUENCE), last)) result = REPLAYED;
    store<u8>(RESULTS + load<i32>(job, SLOT), result);
    if (result != OK) continue;
    const size = load<usize>(job, TEXT) + load<i32>(job, LENGTH) + icv - load<usize>(job, PACKET);
    store<f64>(context, load<f64>(context, OCTETS) + <f64>(<i32>size), OCTETS);
    if (kept != i) memory.copy(jobAt(kept), job, JOB_SIZE);
    kept++;
  }
  return kept;
}

/** All bytes are compared, whatever the first ones say. */
function equal(a: usize, b: usize, length: i32): bool {
  let difference: u32 = 0;
  for (let i = 0; i < length; i += 4) difference |= load<u32>(a + i) ^ load<u32>(b + i);
  return difference == 0;
}

function decrypt(context: usize, jobs: i32): void {
  const cipher = load<i32>(context, CIPHER);
  const keys = context + CIPHER_KEY;
  if (cipher == AES_GCM) gcmCryptJobs(keys, jobs);
  else if (cipher == AES_CTR) counterCryptJobs(keys, jobs, FIRST_CTR);
  else if (cipher != NULL_CIPHER) cbcDecryptJobs(cipher, keys, jobs);
}

/** Checks the trailer, and puts the cursor around the payload. */
function release(job: usize): void {
  const text = load<usize>(job, TEXT);
  const length = load<i32>(job, LENGTH);
  const slot = load<i32>(job, SLOT);
  const payload = payloadLength(text, length);
  if (payload < 0) {
    store<u8>(RESULTS + slot, BAD_PADDING);
    return;
  }
  const start = <i32>(text - SLOTS) - slot * SLOT_STRIDE;
  const cursor = CURSORS + (slot << 2);
  store<u16>(cursor, <u16>start);
  store<u16>(cursor, <u16>(start + payload), 2);
  store<u8>(NEXT_HEADERS + slot, load<u8>(text + length - 1));
}

function wipe(slot: i32): void {
  const cursor = CURSORS + (slot << 2);
  const start = load<u16>(cursor);
  memory.fill(SLOTS + slot * SLOT_STRIDE + <usize>start, 0, load<u16>(cursor, 2) - start);
  store<u16>(cursor, start, 2);
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
