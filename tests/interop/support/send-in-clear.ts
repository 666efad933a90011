/**
 * A program: sends a text in clear to the gateway and to the relay, so that a test can show that its search
 * would find one. Usage: `send-in-clear.ts GATEWAY RELAY-URL TEXT`.
 */
import { createSocket } from 'node:dgram';
import { WebSocket } from 'ws';

/** Nobody listens there, and nobody needs to. */
const DISCARD_PORT = 9;

const [gateway, relay, text] = process.argv.slice(2);
if (gateway === undefined || relay === undefined || text === undefined) {
  throw new TypeError('a gateway, a relay and a text are needed');
}

const socket = createSocket('udp4');
socket.send(text, DISCARD_PORT, gateway, () => socket.close());

const tunnel = new WebSocket(relay, 'culvert.v1', { perMessageDeflate: false });
tunnel.on('open', () => tunnel.send(JSON.stringify({ text })));
tunnel.on('error', (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
// The relay refuses such a message; it has crossed the network by then.
tunnel.on('message', () => tunnel.close());
