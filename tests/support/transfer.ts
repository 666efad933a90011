import type { IpOutput } from '../../shared/ip/stack.ts';
import type { Bytes } from '../../shared/wire/bytes.ts';
import type { Host } from './ip-pair.ts';

/** A byte of a stream by its place: what arrives can be checked without keeping it. */
export function byteAt(place: number, seed: number): number {
  return (Math.imul(place ^ seed, 0x9e3779b1) >>> 17) & 0xff;
}

/** Writes `length` bytes as fast as the socket takes them, then FIN; reads and checks what the other end sends. */
export class Transfer {
  readonly #host: Host;
  readonly #length: number;
  readonly #seed: number;
  readonly #peerSeed: number;
  readonly #chunk: Bytes;
  #socket = 0;
  #written = 0;
  /** Bytes that arrived and were right. */
  received = 0;
  corrupt = false;
  ended = false;
  closed: Extract<IpOutput, { kind: 'tcp-closed' }> | undefined;
  /** While true, nothing is read. */
  paused = false;
  #owed = 0;

  constructor(host: Host, length: number, seed: number, peerSeed: number, chunk = 65_536) {
    this.#host = host;
    this.#length = length;
    this.#seed = seed;
    this.#peerSeed = peerSeed;
    this.#chunk = new Uint8Array(chunk);
    host.react = (output) => this.#react(output);
  }

  get finished(): boolean {
    return this.closed !== undefined;
  }

  read(): void {
    this.paused = false;
    const length = this.#owed;
    this.#owed = 0;
    this.#host.tell({ kind: 'tcp-consumed', socket: this.#socket, length });
  }

  #react(output: IpOutput): void {
    switch (output.kind) {
      case 'tcp-opened':
      case 'tcp-accepted':
        this.#socket = output.socket;
        this.#write();
        return;
      case 'tcp-wrote':
        this.#written += output.length;
        if (output.length === this.#nextLength(output.length)) this.#write();
        return;
      case 'tcp-writable':
        this.#write();
        return;
      case 'tcp-data':
        for (const byte of output.bytes) {
          if (byte !== byteAt(this.received++, this.#peerSeed)) this.corrupt = true;
        }
        this.#owed += output.bytes.length;
        if (!this.paused) this.read();
        return;
      case 'tcp-end':
        this.ended = true;
        return;
      case 'tcp-closed':
        this.closed = output;
        return;
    }
  }

  /** What the last write asked for, given that it got `length`. */
  #nextLength(length: number): number {
    return Math.min(this.#chunk.length, this.#length - (this.#written - length));
  }

  #write(): void {
    const length = Math.min(this.#chunk.length, this.#length - this.#written);
    if (length === 0) {
      this.#host.tell({ kind: 'tcp-shutdown', socket: this.#socket });
      return;
    }
    for (let i = 0; i < length; i++) this.#chunk[i] = byteAt(this.#written + i, this.#seed);
    const bytes = this.#chunk.subarray(0, length);
    this.#host.tell({ kind: 'tcp-write', socket: this.#socket, bytes });
  }
}
