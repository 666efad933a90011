/** wisp-js under test, as its own command line program starts it, with loopback allowed. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { logging, server as wisp } from '@mercuryworkshop/wisp-js/server';
import { obey } from '../harness/child.ts';
import type { ServerCommands } from './culvert-server.ts';
import { openGate } from './gate.ts';

logging.set_level(logging.ERROR);
Object.assign(wisp.options, { allow_loopback_ips: true, allow_private_ips: true });

obey<ServerCommands>({
  async listen() {
    const server = createServer();
    server.on('upgrade', (request, socket, head) => wisp.routeRequest(request, socket, head));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { port: (server.address() as AddressInfo).port, gate: await openGate() };
  },
});
