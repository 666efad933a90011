/**
 * One SA's state and keys: `CONTEXT_SIZE` bytes of the pool. The loader chooses the index, writes the keys into
 * `IO`, and reads sequence number and octets where they lie here.
 */
import { AES_CTR, AES_GCM, NO_HASH, NULL_CIPHER } from './algorithms';
import { cbcExpandKey } from './cbc';
import { counterExpandKey } from './counter';
import { GCM_KEY_SIZE, gcmExpandKey } from './gcm';
import { hmacKey } from './hmac';
import {
  CONTEXT_COUNT,
  CONTEXT_SIZE,
  CONTEXTS,
  INBOUND_SPIS,
  IO,
  SLOT_COUNT,
  SLOT_STRIDE,
  SLOTS,
  wipeScratch,
} from './layout';

/** u32 in host order. */
export const SPI: usize = 0;
/** i32: 1 where sequence numbers have 64 bits. */
const EXTENDED: usize = 4;
/** f64: bytes of packets sealed, or opened and new. */
export const OCTETS: usize = 8;
/** i32 each. */
export const CIPHER: usize = 16;
export const INTEGRITY: usize = 20;
/** u64: of the last packet sealed, or of the newest one opened. */
export const SEQUENCE: usize = 24;
/** i32: bytes of the ICV. */
export const ICV: usize = 32;
/** One bit per sequence number modulo the window's width. */
export const WINDOW: usize = 48;
/** HMAC's key states. */
export const INNER: usize = 176;
export const OUTER: usize = 240;
/** As the cipher's mode has it: cbc.ts, counter.ts, gcm.ts. */
export const CIPHER_KEY: usize = 304;
if (CIPHER_KEY + GCM_KEY_SIZE > <usize>CONTEXT_SIZE) ERROR('a context is larger than its place');

/** Where in `IO` the integrity key lies; the cipher's, salt included, is at the beginning. */
export const INTEGRITY_KEY: i32 = 64;

export function contextAt(index: i32): usize {
  return CONTEXTS + index * CONTEXT_SIZE;
}

export function isExtended(context: usize): bool {
  return load<i32>(context, EXTENDED) != 0;
}

/**
 * The last sequence number: a counter must not wrap, and an extended one ends where the loader's numbers are no longer exact.
 * @rfc 4303 §3.3.3
 */
export function lastSequence(context: usize): u64 {
  return isExtended(context) ? 0x1fffffffffffff : 0xffffffff;
}

/** The context of the inbound SA with this SPI, 0 where there is none. */
export function inboundContext(spi: u32): usize {
  if (spi == 0) return 0;
  for (let index = 0; index < CONTEXT_COUNT; index++) {
    if (load<u32>(INBOUND_SPIS + (index << 2)) == spi) return contextAt(index);
  }
  return 0;
}

/** Sets up context `index` from the keys in `IO`, and wipes them there. */
export function openContext(
  index: i32,
  spi: u32,
  inbound: i32,
  cipher: i32,
  cipherKeyLength: i32,
  integrity: i32,
  integrityKeyLength: i32,
  icvLength: i32,
  extended: i32,
): void {
  const context = contextAt(index);
  memory.fill(context, 0, CONTEXT_SIZE);
  store<u32>(context, spi, SPI);
  store<i32>(context, cipher, CIPHER);
  store<i32>(context, integrity, INTEGRITY);
  store<i32>(context, icvLength, ICV);
  store<i32>(context, extended, EXTENDED);
  if (cipher == AES_GCM) gcmExpandKey(IO, cipherKeyLength - 4, context + CIPHER_KEY);
  else if (cipher == AES_CTR) counterExpandKey(IO, cipherKeyLength - 4, context + CIPHER_KEY);
  else if (cipher != NULL_CIPHER) {
    cbcExpandKey(cipher, IO, cipherKeyLength, context + CIPHER_KEY);
  }
  if (integrity != NO_HASH) {
    const key = IO + INTEGRITY_KEY;
    hmacKey(integrity, key, integrityKeyLength, context + INNER, context + OUTER);
  }
  if (inbound != 0) store<u32>(INBOUND_SPIS + (index << 2), spi);
  memory.fill(IO, 0, INTEGRITY_KEY + integrityKeyLength);
  wipeScratch();
}

export function closeContext(index: i32): void {
  store<u32>(INBOUND_SPIS + (index << 2), 0);
  memory.fill(contextAt(index), 0, CONTEXT_SIZE);
  wipeScratch();
}

export function wipeSlots(): void {
  memory.fill(SLOTS, 0, SLOT_COUNT * SLOT_STRIDE);
}
