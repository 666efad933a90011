/** The addon for tests: built where it must be, and why not where that is impossible; and what a socket tells. */

import { type Addon, loadAddon } from '../../../relay/native.ts';
import type { SocketEvents } from '../../../relay/sockets.ts';
import { buildAddon } from '../../../scripts/build-addon.mjs';

/** Why the addon cannot be tested here; `undefined` when it can. */
export const ADDON_OBSTACLE: string | undefined = buildAddon();

/** Appended to the name of what is skipped, so that the reason is read with the count. */
export function because(obstacle: string | undefined): string {
  return obstacle === undefined ? '' : ` (cannot be tested here: ${obstacle})`;
}

export function addon(): Addon {
  const loaded = loadAddon();
  if (loaded === undefined) throw new Error('the addon was built and does not load');
  return loaded;
}

/** Remembers what became of a socket's datagrams. */
export class SocketLog implements SocketEvents {
  /** What arrived. */
  readonly arrived: Buffer[] = [];
  readonly errors: string[] = [];
  counts = { sent: 0, full: 0, failed: 0 };

  received(bytes: Uint8Array, start: number, end: number): void {
    this.arrived.push(Buffer.from(bytes.subarray(start, end)));
  }
  foreign(): void {
    throw new Error('the kernel lets nothing foreign through');
  }
  sent(count: number): void {
    this.counts.sent += count;
  }
  full(count: number): void {
    this.counts.full += count;
  }
  failed(code: string, count: number): void {
    this.errors.push(code);
    this.counts.failed += count;
  }

  /** Of what arrived the first byte and the length. */
  get shapes(): [tag: number, length: number][] {
    return this.arrived.map((bytes) => [bytes[0]!, bytes.length]);
  }
}
