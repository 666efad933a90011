/** Pings through the tunnel, one after the other. */
import type { Sockets } from '../../web/worker/sockets.ts';

/** Milliseconds that each took, with `interval` ms in between, until `enough`. */
export async function pings(
  sockets: Sockets,
  host: string,
  interval: number,
  enough: (count: number) => boolean,
): Promise<number[]> {
  const times: number[] = [];
  while (!enough(times.length)) {
    times.push((await sockets.ping(host)).roundTripMillis);
    await pause(interval);
  }
  return times;
}

export function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}
