/**
 * Files that are not there: their bytes are AES-256-CTR's key stream under a key made of the file's name, so any part of any
 * file can be made when it is asked for, and is the same every time.
 */
import { createCipheriv, createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';

const BLOCK = 16;

/** Bytes made at a time. */
const PIECE = 65_536;

const ZEROS = Buffer.alloc(PIECE);

export class GeneratedFile {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  #digest: Promise<string> | undefined;
  #known: string | undefined;

  constructor(name: string, size: number) {
    this.name = name;
    this.size = size;
  }

  /** Bytes from `start` up to and without `end`. */
  read(start: number, end: number): Readable {
    return Readable.from(this.#pieces(start, end), { objectMode: false });
  }

  /** In hexadecimal, once somebody has asked for it. */
  get knownDigest(): string | undefined {
    return this.#known;
  }

  /** SHA-256 in hexadecimal: computed once, in turns with everything else that is to be done. */
  digest(): Promise<string> {
    this.#digest ??= this.#hash();
    return this.#digest;
  }

  async #hash(): Promise<string> {
    const hash = createHash('sha256');
    for (const piece of this.#pieces(0, this.size)) {
      hash.update(piece);
      await setImmediate();
    }
    this.#known = hash.digest('hex');
    return this.#known;
  }

  *#pieces(start: number, end: number): Generator<Buffer> {
    const cipher = this.#keyStream(Math.floor(start / BLOCK));
    cipher.update(ZEROS.subarray(0, start % BLOCK));
    for (let at = start; at < end; at += PIECE) {
      yield cipher.update(ZEROS.subarray(0, Math.min(PIECE, end - at)));
    }
  }

  #keyStream(block: number): ReturnType<typeof createCipheriv> {
    const key = createHash('sha256').update(this.name).digest();
    const counter = Buffer.alloc(BLOCK);
    counter.writeUInt32BE(block, BLOCK - 4);
    return createCipheriv('aes-256-ctr', key, counter);
  }
}
