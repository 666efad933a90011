/** A whole laboratory: network, gateway, intranet and relay, started in order and removed together. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Capture, startCapture } from './capture.ts';
import type { Daemon } from './daemon.ts';
import { Dial, type DialOptions, type DialResult } from './dial.ts';
import { type Intranet, startIntranet } from './intranet.ts';
import { temporaryFolder } from './namespace.ts';
import { GATEWAY_ADDRESS, type Network, RELAY_ADDRESS, startNetwork } from './network.ts';
import { startRelay } from './relay.ts';
import { type Personality, SoftEther } from './softether.ts';
import { USERS } from './softether-config.ts';

export const PRE_SHARED_KEY = 'stork-and-weir-7315';
/** The gateway in the relay's configuration; the same without NAT traversal; and one where nothing listens. */
export const GATEWAY = 'softether';
export const RAW_GATEWAY = 'softether-raw';
export const DESERTED_GATEWAY = 'deserted';
/** The namespace is the laboratory's own: every port is free. */
const RELAY_PORT = 8443;

export interface LaboratoryOptions {
  readonly personality: Personality;
  /** The relay serves the portal too, as it was built. */
  readonly portal?: boolean;
}

export class Laboratory {
  readonly network: Network;
  readonly gateway: SoftEther;
  readonly intranet: Intranet;
  readonly relay: Daemon;
  readonly relayPort: number = RELAY_PORT;
  readonly #folder: string;

  private constructor(
    folder: string,
    network: Network,
    gateway: SoftEther,
    intranet: Intranet,
    relay: Daemon,
  ) {
    this.#folder = folder;
    this.network = network;
    this.gateway = gateway;
    this.intranet = intranet;
    this.relay = relay;
  }

  static async start({ personality, portal = false }: LaboratoryOptions): Promise<Laboratory> {
    const folder = temporaryFolder();
    const network = startNetwork();
    try {
      const room = (name: string) => {
        mkdirSync(join(folder, name));
        return join(folder, name);
      };
      const gateway = await SoftEther.start({
        network,
        personality,
        preSharedKey: PRE_SHARED_KEY,
        folder: room('gateway'),
      });
      const [intranet, relay] = await Promise.all([
        startIntranet(network.gateway, room('intranet')),
        startRelay({
          namespace: network.client,
          portal,
          folder: room('relay'),
          config: {
            listen: { host: '127.0.0.1', port: RELAY_PORT },
            gateways: [
              { id: GATEWAY, name: `SoftEther (${personality})`, address: GATEWAY_ADDRESS },
              {
                id: RAW_GATEWAY,
                name: 'SoftEther over raw ESP',
                address: GATEWAY_ADDRESS,
                esp: 'raw',
              },
              { id: DESERTED_GATEWAY, name: 'Nobody there', address: RELAY_ADDRESS },
            ],
          },
        }),
      ]);
      return new Laboratory(folder, network, gateway, intranet, relay);
    } catch (error) {
      // Ends every process in the namespaces with them.
      network.destroy();
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Starts `dial` as alice with the right secrets, unless told otherwise. */
  startDial(command: readonly string[], options: Partial<DialOptions> = {}): Dial {
    return new Dial(this.network.client, {
      relay: `ws://127.0.0.1:${RELAY_PORT}`,
      gateway: GATEWAY,
      user: 'alice',
      password: USERS.alice.password,
      preSharedKey: PRE_SHARED_KEY,
      ...options,
      command,
    });
  }

  /** Runs `dial` to its end. */
  dial(command: readonly string[], options: Partial<DialOptions> = {}): Promise<DialResult> {
    return this.startDial(command, options).result();
  }

  /** Records what crosses every interface of the relay's namespace, or what of it `filter` lets through. */
  capture(filter: readonly string[] = []): Promise<Capture> {
    return startCapture(this.network.client, 'any', this.#folder, filter);
  }

  /** What the servers wrote, for the report of a test that failed. */
  get logs(): string {
    const { relay, gateway, intranet } = this;
    return `--- relay\n${relay.log}\n--- SoftEther\n${gateway.log}\n${intranet.logs}`;
  }

  async stop(): Promise<void> {
    await Promise.all([this.relay.stop(), this.intranet.stop(), this.gateway.stop()]);
    this.network.destroy();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
