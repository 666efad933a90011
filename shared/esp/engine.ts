/**
 * The ESP packet path behind one interface: slots of a single buffer, sealed and opened in place, a run of
 * slots per call. The transport (raw protocol 50 or UDP 4500) is not its business: a packet begins with its SPI.
 * @rfc 4303 §2
 */
import type { Bytes } from '../wire/bytes.ts';
import type { Packet } from '../wire/packet.ts';

/** Encryption algorithms of an ESP SA; AES key lengths follow from the key. */
export type EspCipher = 'aes-cbc' | '3des-cbc' | 'aes-gcm-16' | 'null';

/** Integrity algorithms with their truncation; none with `aes-gcm-16`, which authenticates itself. */
export type EspIntegrity = 'hmac-md5-96' | 'hmac-sha1-96' | 'hmac-sha2-256-128';

/** What both ends of one direction share. */
export interface EspSaParameters {
  /** 32-bit number of the receiver's choosing, never 0. */
  readonly spi: number;
  readonly cipher: EspCipher;
  /** AES-GCM: 16, 24 or 32 bytes of key and 4 bytes of salt (RFC 4106 §8.1). */
  readonly cipherKey: Bytes;
  readonly integrity?: EspIntegrity;
  readonly integrityKey?: Bytes;
}

/** Bytes from one slot's beginning to the next. */
export const SLOT_SIZE = 2048;

/** Slots of one engine; the caller divides them between the directions. */
export const SLOT_COUNT = 512;

/** Where an outbound packet starts in its slot: room in front of it for every header down to the relay's. */
export const SLOT_HEADROOM = 256;

/**
 * CBC's IVs come from a generator with a key of this many bytes, which is fed from the system's randomness with every
 * outbound SA and before it would have given more IVs than these. Whoever has read its memory then knows the IVs of at most the
 * next 1,024 packets, about 1.4 MB, or on an idle tunnel those until the next rekey: there is no clock here. One seed for
 * 1,024 packets costs nothing that could be measured. AES-GCM's IVs are the sequence numbers.
 */
export const IV_SEED_LENGTH = 32;
export const IVS_PER_SEED = 1024;

/** What `open` found, per slot. */
export const OpenResult = {
  ok: 0,
  malformed: 1,
  badIcv: 2,
  replayed: 3,
  badPadding: 4,
} as const;
export type OpenResult = (typeof OpenResult)[keyof typeof OpenResult];

export interface EspEngine {
  /**
   * Every slot, with its cursor; slot `i` owns `SLOT_SIZE` bytes of one buffer. Made once. `bytes` is the slot's
   * own view, so cursors count from the slot's beginning; at first each is empty at `SLOT_HEADROOM`.
   */
  readonly slots: readonly Packet[];
  /** Both throw `RangeError` on parameters that no SA can have: SPI 0, a key of another length, no integrity. */
  sealer(parameters: EspSaParameters): EspSealer;
  opener(parameters: EspSaParameters): EspOpener;
}

/** One outbound SA. */
export interface EspSealer {
  readonly spi: number;
  /** Sequence number of the last packet sealed; 0 before the first. */
  readonly sequence: number;
  /** Bytes of ESP packets the SA has sealed, as a kilobyte lifetime counts them. */
  readonly octets: number;
  /** Most bytes that sealing adds to a packet: header, IV, worst padding, trailer, ICV. */
  readonly overhead: number;
  /** Largest payload whose sealed packet fits `size` bytes. */
  payloadRoom(size: number): number;
  /**
   * Seals the packets in slots `[first, first + count)` in place, each payload in its cursor, with
   * `nextHeader` in the trailer. Afterwards each cursor spans the ESP packet. Answers how many were sealed:
   * fewer than `count` only when the sequence number would wrap (RFC 4303 §3.3.3). Throws `RangeError`, and
   * seals nothing, when a packet leaves no room in its slot or a slot does not exist.
   */
  seal(first: number, count: number, nextHeader: number): number;
  /** Wipes the keys, with the engine's last SA also the slots; `seal` after it throws `TypeError`. */
  close(): void;
}

/** One inbound SA. */
export interface EspOpener {
  readonly spi: number;
  /** Bytes of ESP packets that were authentic and new. */
  readonly octets: number;
  /**
   * Opens the packets in slots `[first, first + count)` in place: ICV, replay window, decryption, padding.
   * `results[i]` becomes an `OpenResult` and `nextHeaders[i]` the trailer's number for slot `first + i`; where the result is
   * `ok` the cursor spans the payload; otherwise it is empty and nothing of the plaintext is left to see.
   * A packet that repeats an earlier one of the same call is `replayed`. Throws `RangeError` when a slot does
   * not exist, a cursor leaves its slot, or an array is shorter than `count`.
   */
  open(first: number, count: number, results: Uint8Array, nextHeaders: Uint8Array): void;
  /** Wipes the keys, with the engine's last SA also the slots; `open` after it throws `TypeError`. */
  close(): void;
}
