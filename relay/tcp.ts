/** The connection to a tab. */
import type { Socket } from 'node:net';
import type { Addon } from './native.ts';

/**
 * Bytes the kernel may hold of a connection that it has not sent yet. `bufferedAmount` does not see them: without a
 * bound they are some megabytes, which a tab on a slow path gets late.
 */
const UNSENT_BYTES: number = 128 * 1024;

/** Nothing waits for more to come; with the addon, little waits in the kernel, and BBR where the system has it. */
export function tune(stream: Socket, addon: Addon | undefined): void {
  stream.setNoDelay(true);
  const fd = descriptor(stream);
  if (fd !== undefined) addon?.tuneTcp(fd, UNSENT_BYTES);
}

/** Node has no public name for it. */
function descriptor(stream: Socket): number | undefined {
  const { _handle: handle } = stream as { readonly _handle?: { readonly fd?: number } };
  return handle?.fd !== undefined && handle.fd >= 0 ? handle.fd : undefined;
}
