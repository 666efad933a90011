/** Echo requests, one a second, until one is answered. */
import { TunnelError } from '../shared/errors.ts';
import type { PingResult, Sockets } from '../web/worker/sockets.ts';

const TRIES = 5;
const WAIT_MILLIS = 1_000;

/**
 * The first answer. A gateway may route to the link a moment after it assigned the address (pppd runs scripts
 * first), so the first request can be lost. Throws `TunnelError`, `TIMED_OUT` when none was answered.
 */
export async function ping(sockets: Pick<Sockets, 'ping'>, host: string): Promise<PingResult> {
  for (let left = TRIES - 1; ; left--) {
    try {
      return await sockets.ping(host, { timeoutMillis: WAIT_MILLIS });
    } catch (error) {
      const isSilence = error instanceof TunnelError && error.code === 'TIMED_OUT';
      if (!isSilence || left === 0) throw error;
    }
  }
}
