import type { Bytes } from './bytes.ts';

/**
 * A packet on the data path: `bytes[start, end)` of a buffer with room on both sides. Layers prepend their
 * header by moving `start` down and consume it by moving `start` up; nothing is copied or allocated.
 * One object per slot lives as long as the slot; a holder must not keep it after the call it came with.
 */
export interface Packet {
  readonly bytes: Bytes;
  start: number;
  end: number;
}

/** Where a layer gets an empty packet to write into, and hands it on when it is complete. */
export interface PacketSink {
  /** Largest packet, in bytes, that the layer above may send. */
  readonly mtu: number;
  /** An empty packet (`start === end`) with headroom for every layer below and `mtu` bytes of room. */
  take(): Packet;
  /** Sends the packet that `take` gave last. */
  send(packet: Packet): void;
}
