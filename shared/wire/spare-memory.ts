/**
 * The memory of a message that has been read, for what is handed on instead of it: it is mapped and in the processor's
 * cache, where new memory costs a page fault for every 4 KB.
 */
import type { Bytes } from './bytes.ts';

export class SpareMemory {
  #bytes: Bytes | undefined;

  /** Nobody looks at `bytes` any more; kept until `drop`, unless they share their buffer with others. */
  give(bytes: Bytes): void {
    if (bytes.length === bytes.buffer.byteLength) this.#bytes = bytes;
  }

  /**
   * `length` bytes with whatever was in them, which belong to the caller with the buffer that they begin. The buffer has at most twice
   * the size: what waits for its reader takes no more than twice the memory that it seems to.
   */
  take(length: number): Bytes {
    const spare = this.#bytes;
    if (spare === undefined || length > spare.length || 2 * length < spare.length) {
      return new Uint8Array(length);
    }
    this.#bytes = undefined;
    return spare.subarray(0, length);
  }

  drop(): void {
    this.#bytes = undefined;
  }
}
