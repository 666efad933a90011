/** Our relay under test, with limits out of the way that are there against those who flood it. */
import type { RelayConfig } from '../../relay/config.ts';
import { RawEsp } from '../../relay/raw-esp.ts';
import { startRelay } from '../../relay/server.ts';
import { obey } from '../harness/child.ts';
import { openGate } from './gate.ts';
import { gatewayId } from './protocols.ts';

/** Port 9, where nobody listens: nothing is sent there. */
const DISCARD = 9;

/** Where it listens for clients, and for who wants it to pause. */
export interface ServerPorts {
  readonly port: number;
  readonly gate: number;
}

/** What both relays under test answer to. */
export interface ServerCommands {
  /** Listens on loopback, toward these ports of a gateway. */
  listen(gateway: string, ports: readonly number[]): Promise<ServerPorts>;
}

obey<ServerCommands>({
  async listen(address, ports) {
    const espPorts = RawEsp.load();
    const config: RelayConfig = {
      listen: { host: '127.0.0.1', port: 0 },
      portal: false,
      gateways: ports.map((port) => ({
        id: gatewayId(address, port),
        name: 'load',
        address,
        ports: { ike: DISCARD, natt: port, l2tp: DISCARD },
      })),
      limits: { sessions: 10_000, sessionsPerAddress: 10_000, packetsPerSecond: 1_000_000 },
    };
    const relay = await startRelay(config, { log: () => {}, ...(espPorts && { espPorts }) });
    return { port: relay.port, gate: await openGate() };
  },
});
