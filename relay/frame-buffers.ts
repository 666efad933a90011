/**
 * Buffers in which frames toward tabs are put together. All sessions share them, the one used last comes first: a
 * burst is written where the processor's cache still is, whosever it is, and an idle session holds none.
 */

/** Bytes of a buffer: the longest payload whose length takes 16 bits. @rfc 6455 §5.2 */
const BUFFER_BYTES = 65_535;

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
