/**
 * The ESP packet path behind one interface: slots of a single buffer, sealed and opened in place, a run of
 * slots per call. A packet begins with its SPI, whatever carries it; a sealed one comes with the header of its record for
 * the relay (shared/relay/frames.ts) in front, so that it is copied once more and no more.
 * @rfc 4303 §2
 */
import type { Bytes } from '../wire/bytes.ts';
import type { Packet } from '../wire/packet.ts';

/** Encryption algorithms of an ESP SA; AES key lengths follow from the key. */
export type EspCipher = 'aes-cbc' | '3des-cbc' | 'aes-ctr' | 'aes-gcm-16' | 'null';

/**
 * Integrity algorithms with their truncation; none with `aes-gcm-16`, which authenticates itself. `hmac-sha2-256-96` is in no RFC: it is
 * what Linux before 2.6.33 and what was made from it do where `hmac-sha2-256-128` was agreed on.
 */
export type EspIntegrity =
  | 'hmac-md5-96'
  | 'hmac-sha1-96'
  | 'hmac-sha2-256-96'
  | 'hmac-sha2-256-128'
  | 'hmac-sha2-384-192'
  | 'hmac-sha2-512-256';

/** What both ends of one direction share. */
export interface EspSaParameters {
  /** 32-bit number of the receiver's choosing, never 0. */
  readonly spi: number;
  readonly cipher: EspCipher;
  /** AES-GCM and AES-CTR: 16, 24 or 32 bytes of key and 4 bytes of salt or nonce (RFC 4106 §8.1, RFC 3686 §5.1). */
  readonly cipherKey: Bytes;
  readonly integrity?: EspIntegrity;
  readonly integrityKey?: Bytes;
  /** Sequence numbers of 64 bits, of which a packet carries the lower half (RFC 4303 §2.2.1). */
  readonly extendedSequenceNumbers?: boolean;
}

/** Bytes from one slot's beginning to the next. */
export const SLOT_SIZE = 2048;

/** Slots of one engine; the caller divides them between the directions. */
export const SLOT_COUNT = 512;

/** Where an outbound packet starts in its slot: room in front of it for every header down to the relay's. */
export const SLOT_HEADROOM = 256;

/** Bytes in front of a sealed packet: channel u8, length u16. */
export const SEALED_HEADER = 3;

/** Inbound and outbound SAs that one engine has room for. */
export const MAX_SAS = 32;
/**
 * CBC's IVs come from a generator with a key of this many bytes, which is fed from the system's randomness with every
 * outbound SA and before it would have given more IVs than these. Whoever has read its memory then knows the IVs of at most the
 * next 1,024 packets, about 1.4 MB, or on an idle tunnel those until the next rekey: there is no clock here. One seed for
 * 1,024 packets costs nothing that could be measured. The IVs of AES-GCM and AES-CTR are the sequence numbers.
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
  /** No inbound SA has the packet's SPI. */
  unknownSpi: 5,
} as const;
export type OpenResult = (typeof OpenResult)[keyof typeof OpenResult];

export interface EspEngine {
  /**
   * Every slot, with its cursor; slot `i` owns `SLOT_SIZE` bytes of one buffer. Made once. `bytes` is the slot's
   * own view, so cursors count from the slot's beginning; at first each is empty at `SLOT_HEADROOM`.
   */
  readonly slots: readonly Packet[];
  /**
   * What `open` found in each slot, an `OpenResult`, and the next header of the packet there; by slot, valid until the
   * slot is opened again.
   */
  readonly results: Uint8Array;
  readonly nextHeaders: Uint8Array;
  /**
   * Both throw `RangeError` on parameters that no SA can have (SPI 0, a key of another length, no integrity), when there
   * are `MAX_SAS`, and `inbound` when another inbound SA has this SPI.
   */
  sealer(parameters: EspSaParameters): EspSealer;
  inbound(parameters: EspSaParameters): EspInbound;
  /**
   * Opens the packets in slots `[first, first + count)` in place, each by the inbound SA that has its SPI: ICV, replay
   * window, decryption, padding. Where the result is `ok` the cursor spans the payload; otherwise it is empty, the next
   * header 0, and nothing of the packet is left to see. A packet that repeats an earlier one of the same call is
   * `replayed`. Throws `RangeError` when a slot does not exist or a cursor leaves its slot.
   */
  open(first: number, count: number): void;
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
   * `nextHeader` in the trailer. Afterwards each cursor spans the record: `channel u8 · length u16 · ESP packet`. Answers
   * how many were sealed: fewer than `count` only when the sequence number would wrap (RFC 4303 §3.3.3). Throws
   * `RangeError`, and seals nothing, when a packet leaves no room in its slot or a slot does not exist.
   */
  seal(first: number, count: number, nextHeader: number, channel: number): number;
  /** Wipes the keys, with the engine's last SA also the slots; `seal` after it throws `TypeError`. */
  close(): void;
}

/** One inbound SA: its packets are opened until it is closed. */
export interface EspInbound {
  readonly spi: number;
  /** Bytes of ESP packets that were authentic and new. */
  readonly octets: number;
  /** Wipes the keys, with the engine's last SA also the slots. */
  close(): void;
}
