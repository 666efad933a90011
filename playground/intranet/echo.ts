/** The echo service: what arrives goes back, by TCP until the visitor ends it, by UDP datagram by datagram. @rfc 862 */
import type { Host } from '../network/host.ts';

const PORT = 7;

const IDLE_MILLIS = 300_000;

export function serveEcho(host: Host): void {
  host.listen(PORT, (connection) => {
    connection.setTimeout(IDLE_MILLIS, () => connection.destroy());
    connection.pipe(connection);
  });
  const port = host.bind(PORT, (datagram) => {
    // Two echo services would never stop to answer each other.
    if (datagram.port !== PORT) port.send(datagram);
  });
}
