/** Counts the datagrams in a server's WebSocket stream without keeping or copying a byte of them. @rfc 6455 §5.2 */

/** Longest head of an unmasked frame. */
const HEAD = 10;
const BINARY = 0x82;
const PONG = 0x8a;

export class FrameCounter {
  datagrams = 0;
  /** Frames of any kind that have begun. */
  frames = 0;
  /** The number in the last pong. */
  pong = 0;
  readonly #datagramsIn: (length: number) => number;
  readonly #head = Buffer.alloc(HEAD);
  #headLength = 0;
  /** Bytes of the current frame's payload that are yet to come. */
  #left = 0;
  /** Of the pong that is arriving. */
  #number = 0;

  constructor(datagramsIn: (length: number) => number) {
    this.#datagramsIn = datagramsIn;
  }

  /** Takes the stream's next bytes, `chunk[start, end)`. */
  push(chunk: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; ) {
      if (this.#left === 0) {
        this.#head[this.#headLength++] = chunk[at++]!;
        this.#beginPayload();
      } else if (this.#head[0] === PONG) {
        this.#number = this.#number * 256 + chunk[at++]!;
        if (--this.#left === 0) this.pong = this.#number;
      } else {
        const skipped = Math.min(this.#left, end - at);
        this.#left -= skipped;
        at += skipped;
      }
    }
  }

  /** Once the head is whole. */
  #beginPayload(): void {
    const length = this.#payloadLength();
    if (length === undefined) return;
    this.frames++;
    if (this.#head[0] === BINARY) this.datagrams += this.#datagramsIn(length);
    this.#number = 0;
    this.#headLength = 0;
    this.#left = length;
  }

  #payloadLength(): number | undefined {
    if (this.#headLength < 2) return undefined;
    const short = this.#head[1]!;
    if (short < 126) return short;
    if (short === 126) return this.#headLength < 4 ? undefined : this.#head.readUInt16BE(2);
    return this.#headLength < HEAD ? undefined : this.#head.readUInt32BE(6);
  }
}
