/** Recordings of raw IP packets for Wireshark: pcap, link type RAW. */
import { mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Bytes, Millis } from '../../../shared/wire/bytes.ts';

/** The folder where tests leave recordings; nothing is recorded when it is not set. */
const FOLDER_VARIABLE = 'CULVERT_PCAP';

const MAGIC = 0xa1b2c3d4;
const LINKTYPE_RAW = 101;
const SNAPSHOT_LENGTH = 65_535;

export class PcapWriter {
  readonly file: string;
  readonly #fd: number;
  readonly #buffer: number;
  #waiting: Buffer[] = [];
  #size = 0;

  /** `buffer`: bytes that stay in memory before they are written out. */
  constructor(file: string, buffer = 0) {
    this.file = file;
    this.#buffer = buffer;
    this.#fd = openSync(file, 'w');
    const header = Buffer.alloc(24);
    header.writeUInt32LE(MAGIC, 0);
    header.writeUInt16LE(2, 4);
    header.writeUInt16LE(4, 6);
    header.writeUInt32LE(SNAPSHOT_LENGTH, 16);
    header.writeUInt32LE(LINKTYPE_RAW, 20);
    this.#put(header);
  }

  /** Keeps `packet`; virtual time begins in 1970. */
  add(packet: Bytes, now: Millis): void {
    const header = Buffer.alloc(16);
    header.writeUInt32LE(Math.floor(now / 1000), 0);
    header.writeUInt32LE(Math.floor((now % 1000) * 1000), 4);
    header.writeUInt32LE(packet.length, 8);
    header.writeUInt32LE(packet.length, 12);
    this.#put(header);
    this.#put(Buffer.from(packet));
    if (this.#size > this.#buffer) this.flush();
  }

  #put(bytes: Buffer): void {
    this.#waiting.push(bytes);
    this.#size += bytes.length;
  }

  /** Writes out what is still in memory. */
  flush(): void {
    writeSync(this.#fd, Buffer.concat(this.#waiting));
    this.#waiting = [];
    this.#size = 0;
  }
}

let serial = 0;

/** Where recordings are wanted; `undefined` when none are. */
export function recordingFolder(): string | undefined {
  const folder = process.env[FOLDER_VARIABLE];
  if (folder === undefined || folder === '') return undefined;
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** A recording of its own, complete at every moment; `undefined` when none is wanted. */
export function wantedRecording(name: string): PcapWriter | undefined {
  const folder = recordingFolder();
  if (folder === undefined) return undefined;
  const words = name.replaceAll(/[^\w.-]+/g, '-').slice(0, 80);
  return new PcapWriter(join(folder, `${words}-${process.pid}-${serial++}.pcap`));
}
