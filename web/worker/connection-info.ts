/** A connection of the stack's in the words of the page's table. */
import { formatAddress } from '../../shared/ip/address.ts';
import type { ConnectionSnapshot } from '../../shared/ip/tcp/snapshot.ts';
import type { ConnectionInfo } from './api.ts';

/** `host`: what the caller asked for, where there was one. */
export function describeConnection(
  { socket, address, port, state, sent, received, sender }: ConnectionSnapshot,
  host: string | undefined,
): ConnectionInfo {
  const text = formatAddress(address);
  return {
    id: socket,
    ...(host !== undefined && host !== text && { host }),
    remote: address.length === 4 ? `${text}:${port}` : `[${text}]:${port}`,
    state,
    sent,
    received,
    ...(sender !== undefined && {
      sender: {
        roundTripMillis: sender.smoothedRtt,
        window: sender.window,
        retransmissions: sender.retransmissions,
      },
    }),
  };
}
