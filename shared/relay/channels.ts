/**
 * `culvert.v1`, the protocol between a tab and its relay: where it is spoken, its channels, its limits.
 * Binary WebSocket frames are batches of records (`frames.ts`), text frames are control messages (`control.ts`).
 * Left out: resuming a session.
 */

/** Path of the WebSocket on the relay. */
export const RELAY_PATH = '/culvert';

/** The one subprotocol; another version gets another name. */
export const RELAY_SUBPROTOCOL = 'culvert.v1';

/** First byte of a record: which of the gateway's services it is for. */
export const Channel = {
  /** IKE on UDP 500. */
  ike: 0,
  /** IKE behind the non-ESP marker, ESP and keepalives on UDP 4500 (RFC 3948). */
  natt: 1,
  /** ESP as IP protocol 50, where the relay has it: behind SPIs that the tab has claimed. */
  esp: 2,
  /** L2TP in the clear on UDP 1701. */
  l2tp: 3,
} as const;

export type ChannelName = keyof typeof Channel;
export const CHANNEL_NAMES: readonly ChannelName[] = ['ike', 'natt', 'esp', 'l2tp'];
export type ChannelNumber = (typeof Channel)[ChannelName];

/** Channels on UDP: every relay has them. */
export const UDP_CHANNEL_NAMES = ['ike', 'natt', 'l2tp'] as const;
export type UdpChannelName = (typeof UDP_CHANNEL_NAMES)[number];

/** SPIs up to here are reserved (RFC 4303 §2.1): none of them can be claimed. */
export const LAST_RESERVED_SPI = 255;

/** Most SPIs that a session holds at once: those of IKE's child SAs, of exchanges under way, and one in reserve. */
export const CLAIMS_LIMIT = 32;

/** Bytes of a record's header: channel u8, length u16. */
export const RECORD_HEADER = 3;

/** Largest record: the largest UDP payload an IPv4 packet can have. */
export const RECORD_BYTES_LIMIT = 65_507;

/** Largest binary frame. */
export const FRAME_BYTES_LIMIT: number = 128 * 1024;

/** Largest control message, in UTF-16 code units. */
export const CONTROL_LENGTH_LIMIT = 4096;

/** Largest IP packet the relay sends and takes without fragmentation, in bytes. */
export const RELAY_MTU = 1500;
