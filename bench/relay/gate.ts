/**
 * A way to make a relay look elsewhere for a moment, as it does when it is busy: a datagram to a port of its process lets
 * its event loop stand still. What comes meanwhile waits in its sockets, and is there all at once.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

const PAUSE_MILLIS = 1;

/** Opens the gate's port and answers it. */
export async function openGate(): Promise<number> {
  const never = new Int32Array(new SharedArrayBuffer(4));
  const gate = createSocket('udp4');
  gate.on('message', () => Atomics.wait(never, 0, 0, PAUSE_MILLIS));
  gate.bind(0, '127.0.0.1');
  await once(gate, 'listening');
  return gate.address().port;
}
