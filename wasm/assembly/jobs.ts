/**
 * Packets in work at once: all of one SA, at most as many as fill GHASH's lanes. What seal and open find out about each
 * is kept here for the ciphers and MACs that work on several side by side.
 */
import { JOBS } from './layout';

export const MAX_JOBS: i32 = 16;
const JOB_SIZE: i32 = 64;

/** Address of the packet, where its SPI is. */
export const PACKET: usize = 0;
/** Address of the payload or ciphertext, behind the IV. */
export const TEXT: usize = 4;
/** Bytes of it, with the trailer and without the ICV. */
export const LENGTH: usize = 8;
/** Number of the slot. */
export const SLOT: usize = 12;
/** The ICV that the packet should have: 16 bytes, of which some are used. */
export const MAC: usize = 16;
/** AES-GCM: the explicit IV, and the tag that arrived. */
export const IV: usize = 32;
export const TAG: usize = 40;

export function jobAt(index: i32): usize {
  return JOBS + index * JOB_SIZE;
}
