/**
 * Every read of a connection, every frame of a tab and every datagram of Node's sockets comes in a buffer of its own,
 * dead a moment later. V8 sees little of them: buffers lie outside of its heap, and all they count for is a bound of
 * 64 MB, at which it marks the whole heap, several times a second under load. A look at the youngest objects alone,
 * before the bound is reached, frees the same buffers for next to nothing.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Bytes } from '../shared/wire/bytes.ts';

/** Bytes of buffers after which to look. */
const YOUNG_BYTES: number = 8 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void;

let bytes = 0;

/** Counts what was made. */
export function madeBuffers(count: number): void {
  bytes += count;
  if (bytes < YOUNG_BYTES) return;
  bytes = 0;
  collect({ type: 'minor' });
}

/**
 * The frame that the WebSocket library hands over as `fragments`, which is left empty. The library makes the array for a
 * frame when it hands over the one before: with many sessions it is old by the time it is filled, and then, though nobody
 * has it any more, keeps the frame alive for a look at the youngest objects. Every frame would stay until the whole heap
 * is marked.
 */
export function takeFrame(fragments: Buffer<ArrayBuffer>[]): Bytes {
  const frame = fragments.length === 1 ? fragments[0]! : Buffer.concat(fragments);
  fragments.length = 0;
  return frame;
}
