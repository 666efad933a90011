/**
 * Packets in work at once: all of one SA, at most as many as fill GHASH's lanes. What seal and open find out about each
 * is kept here for the ciphers and MACs that work on several side by side.
 */
import { JOBS } from './layout';

export const MAX_JOBS: i32 = 16;
export const JOB_SIZE: i32 = 112;

/** Address of the packet, where its SPI is. */
export const PACKET: usize = 0;
/** Address of the payload or ciphertext, behind the IV. */
export const TEXT: usize = 4;
/** Bytes of it, with the trailer and without the ICV. */
export const LENGTH: usize = 8;
/** Number of the slot. */
export const SLOT: usize = 12;
/** AES-GCM and AES-CTR: the explicit IV as it is on the wire. */
export const IV: usize = 16;
/** u64: the whole sequence number. */
export const SEQUENCE: usize = 24;
/** The ICV that the packet should have, and the one that arrived: 32 bytes each, of which some are used. */
export const MAC: usize = 32;
export const TAG: usize = 64;
/** Bytes that an HMAC covers, from the packet's beginning. */
export const COVERED: usize = 96;

export function jobAt(index: i32): usize {
  return JOBS + index * JOB_SIZE;
}

/**
 * Has an HMAC cover the packet up to its text's end and, of an extended sequence number, also the upper half, which is put
 * there in the place of the ICV.
 * @rfc 4303 §2.2.1
 */
export function cover(job: usize, extended: bool): void {
  const end = load<usize>(job, TEXT) + <usize>load<i32>(job, LENGTH);
  if (extended) store<u32>(end, bswap<u32>(<u32>(load<u64>(job, SEQUENCE) >> 32)));
  store<i32>(job, <i32>(end - load<usize>(job, PACKET)) + (extended ? 4 : 0), COVERED);
}
