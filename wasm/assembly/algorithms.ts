/** The algorithms' numbers, as the loader passes them, and their lengths in bytes. */

export const AES_CBC: i32 = 0;
const TRIPLE_DES_CBC: i32 = 1;
export const AES_GCM: i32 = 2;
export const NULL_CIPHER: i32 = 3;
export const AES_CTR: i32 = 4;

export const MD5: i32 = 0;
export const SHA1: i32 = 1;
export const SHA256: i32 = 2;
export const SHA384: i32 = 3;
// Whatever is none of these is SHA-512, number 4.
/** In place of an integrity algorithm, beside AES-GCM. */
export const NO_HASH: i32 = -1;

/** Whether the IV is the sequence number rather than unpredictable. */
export function countsIv(cipher: i32): bool {
  return cipher == AES_GCM || cipher == AES_CTR;
}

/** Length of the IV that an ESP packet carries. */
export function ivLength(cipher: i32): i32 {
  if (cipher == AES_CBC) return 16;
  return cipher == NULL_CIPHER ? 0 : 8;
}

/** What the plaintext of an ESP packet is padded to a multiple of (RFC 4303 §2.4). */
export function padTo(cipher: i32): i32 {
  if (cipher == AES_CBC) return 16;
  return cipher == TRIPLE_DES_CBC ? 8 : 4;
}

/** What the ciphertext of an ESP packet is a multiple of. */
export function cipherBlock(cipher: i32): i32 {
  if (cipher == AES_CBC) return 16;
  return cipher == TRIPLE_DES_CBC ? 8 : 1;
}
