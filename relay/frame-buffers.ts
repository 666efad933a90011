/**
 * Buffers in which frames toward tabs are put together. All sessions share them, the one used last comes first: a
 * burst is written where the processor's cache still is, whosever it is, and an idle session holds none.
 */

/** Bytes of a buffer: a frame that is due (32 KB) and the record that made it so, unless that is a giant. */
const BUFFER_BYTES: number = 48 * 1024;

/** Buffers kept for later. */
const SPARE_LIMIT = 64;

const spare: Buffer[] = [];

/** A buffer of at least `bytes`, with whatever was in it before. */
export function takeBuffer(bytes: number): Buffer {
  if (bytes > BUFFER_BYTES) return Buffer.allocUnsafeSlow(bytes);
  return spare.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
}

/** Nobody reads the buffer any more. */
export function giveBuffer(buffer: Buffer): void {
  if (buffer.length === BUFFER_BYTES && spare.length < SPARE_LIMIT) spare.push(buffer);
}
