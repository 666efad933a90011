/**
 * Every read of a connection, every frame of a tab and every datagram of Node's sockets comes in a buffer of its own,
 * dead a moment later. V8 sees little of them: buffers lie outside of its heap, and all they count for is a bound of
 * 64 MB, at which it marks the whole heap, several times a second under load. A look at the youngest objects alone,
 * before the bound is reached, frees the same buffers for next to nothing.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of buffers after which to look. */
const YOUNG_BYTES: number = 16 * 1024 * 1024;

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
