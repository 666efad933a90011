/** A recorded packet as the page gets it: text and byte ranges, nothing that could act. */
import type { Bytes } from '../wire/bytes.ts';

/** What a packet is about: the innermost protocol that says so. */
export const PROTOCOLS = [
  'Relay',
  'IKE',
  'ESP',
  'L2TP',
  'PPP',
  'ICMP',
  'DNS',
  'UDP',
  'TCP',
  'IP',
] as const;
export type PacketProtocol = (typeof PROTOCOLS)[number];

/** One line of the list. */
export interface PacketRow {
  /** Counts up from 1; never used twice. */
  readonly id: number;
  /** When it passed the tab, as `Date` counts, with fractions. */
  readonly time: number;
  readonly direction: 'out' | 'in';
  /** How far it goes: control messages end at the relay. */
  readonly peer: 'relay' | 'gateway';
  readonly protocol: PacketProtocol;
  /** What it is for, in plain words. */
  readonly meaning: string;
  /** Bytes as the relay carries them, without the headers it adds. */
  readonly size: number;
}

/** A field, or a structure with fields of its own: where it lies and what it says. */
export interface PacketField {
  /** The RFC's name for it. */
  readonly name: string;
  readonly value: string;
  /** `[start, end)` in the layer's buffer; empty for what has no bytes of its own. */
  readonly start: number;
  readonly end: number;
  readonly fields: readonly PacketField[];
}

export interface PacketLayer extends PacketField {
  /** Which of the packet's buffers the ranges are about. */
  readonly buffer: number;
}

/** The same packet as it is at one place: in the relay's frame, on the wire, decrypted. */
export interface PacketBuffer {
  readonly name: string;
  readonly bytes: Bytes;
  /** Ranges that are zeroed here since they are a password. */
  readonly masked: readonly PacketRange[];
}

export interface PacketRange {
  readonly start: number;
  readonly end: number;
}

/** Layers from the outside in. */
export interface PacketDetails {
  readonly row: PacketRow;
  readonly layers: readonly PacketLayer[];
  readonly buffers: readonly PacketBuffer[];
}

export interface PacketQuery {
  /** All when missing. */
  readonly protocol?: PacketProtocol;
  /** Has to occur in what a line shows; letter case does not matter. */
  readonly text: string;
  /** Most lines of the answer. */
  readonly limit: number;
  /** Only packets with a smaller id; the newest when missing. */
  readonly before?: number;
}

export interface PacketPage {
  /** The newest that match, oldest first. */
  readonly rows: readonly PacketRow[];
  /** There are older ones that match, or that have not been looked at: asking again looks further. */
  readonly older: boolean;
}

/** What the recorder holds. */
export interface RecordingState {
  readonly recording: boolean;
  /** When the first packet since the beginning or `clear` passed, as `Date` counts. */
  readonly since: number | undefined;
  /** Changes with every packet and every `clear`. */
  readonly version: number;
  readonly packets: number;
  /** Bytes held, decrypted copies included. */
  readonly bytes: number;
  /** Packets that made room for others. */
  readonly dropped: number;
  /** SAs whose keys are known. */
  readonly keys: number;
}
