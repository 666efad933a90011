/**
 * A laboratory around the Linux gateway: its network, the intranet behind it, and two relays, one beside the
 * gateway and one at home, behind a NAT that masquerades.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../../../scripts/support/command.ts';
import { type GuestSystem, guestProgram, preparedGuest } from '../../../scripts/support/guest.ts';
import type { KeyFile } from '../../../shared/pki/key-files.ts';
import type { Daemon } from './daemon.ts';
import { Dial, type DialOptions, type DialResult } from './dial.ts';
import { type Intranet, startIntranet } from './intranet.ts';
import { LinuxGateway } from './linux-gateway.ts';
import {
  LAN_ADDRESS,
  LAN_TAP,
  LINUX_PSK,
  LINUX_USERS,
  PPP_NETWORK,
  WAN_TAP,
} from './linux-gateway-config.ts';
import { Namespace, temporaryFolder } from './namespace.ts';
import { GATEWAY_ADDRESS, type Network, startNetwork } from './network.ts';
import { startRelay } from './relay.ts';
import { INTRANET_ADDRESS } from './softether-config.ts';

const GATEWAY = 'linux';
const RELAY_PORT = 8443;
const ROUTER_ADDRESS = '10.99.1.9';
const HOME_ROUTER = '10.88.0.1';
const HOME_ADDRESS = '10.88.0.7';

/** `near` has the gateway on its own network, `behind NAT` is in another. */
export type Place = 'near' | 'behind NAT';

export class LinuxLaboratory {
  readonly gateway: LinuxGateway;
  readonly intranet: Intranet;
  /** Why there is no relay behind a NAT. */
  readonly natObstacle: string | undefined;
  readonly #folder: string;
  readonly #namespaces: readonly Namespace[];
  readonly #relays: ReadonlyMap<Place, { namespace: Namespace; relay: Daemon }>;

  private constructor(
    folder: string,
    namespaces: readonly Namespace[],
    gateway: LinuxGateway,
    intranet: Intranet,
    relays: ReadonlyMap<Place, { namespace: Namespace; relay: Daemon }>,
    natObstacle: string | undefined,
  ) {
    this.#folder = folder;
    this.#namespaces = namespaces;
    this.gateway = gateway;
    this.intranet = intranet;
    this.#relays = relays;
    this.natObstacle = natObstacle;
  }

  static async start(): Promise<LinuxLaboratory> {
    const guest = await preparedGuest();
    const folder = temporaryFolder();
    const network = startNetwork();
    const home = Namespace.create('h');
    const router = Namespace.create('n');
    const namespaces = [home, router, network.client, network.gateway];
    const started: { stop(): Promise<void> }[] = [];
    try {
      bridge(network);
      const natObstacle = await masquerade(network, router, home, guest, folder);
      const room = (name: string) => {
        mkdirSync(join(folder, name));
        return join(folder, name);
      };
      const gateway = await LinuxGateway.start({
        guest,
        namespace: network.gateway,
        folder: room('gateway'),
      });
      started.push(gateway);
      const intranet = await startIntranet(network.gateway, room('intranet'));
      started.push(intranet);
      const near = await relayIn(network.client, room('near'));
      const far = await relayIn(home, room('home'));
      const relays = new Map([
        ['near' as const, near],
        ['behind NAT' as const, far],
      ]);
      return new LinuxLaboratory(folder, namespaces, gateway, intranet, relays, natObstacle);
    } catch (error) {
      await Promise.all(started.map((part) => part.stop()));
      for (const namespace of namespaces) namespace.destroy();
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Starts `dial` as alice with the right secrets, unless told otherwise. */
  startDial(
    command: readonly string[],
    { place = 'near', ...options }: Partial<DialOptions> & { readonly place?: Place } = {},
  ): Dial {
    return new Dial(this.#relays.get(place)!.namespace, {
      relay: `ws://127.0.0.1:${RELAY_PORT}`,
      gateway: GATEWAY,
      user: 'alice',
      password: LINUX_USERS.alice,
      preSharedKey: LINUX_PSK,
      ...options,
      command,
    });
  }

  /** Options of `dial` that name files with this content. */
  keyFileOptions(files: readonly KeyFile[]): readonly string[] {
    return files.flatMap(({ name, bytes }) => {
      const path = join(this.#folder, name);
      writeFileSync(path, bytes);
      return ['--key-file', path];
    });
  }

  /** Runs `dial` to its end. */
  dial(
    command: readonly string[],
    options: Partial<DialOptions> & { readonly place?: Place } = {},
  ): Promise<DialResult> {
    return this.startDial(command, options).result();
  }

  /** What everything wrote, for the report of a test that failed. */
  get logs(): string {
    const relays = [...this.#relays].map(
      ([place, { relay }]) => `--- relay ${place}\n${relay.log}`,
    );
    return `${relays.join('\n')}\n--- gateway\n${this.gateway.log}\n${this.intranet.logs}`;
  }

  async stop(): Promise<void> {
    const relays = [...this.#relays.values()].map(({ relay }) => relay.stop());
    await Promise.all([...relays, this.intranet.stop(), this.gateway.stop()]);
    for (const namespace of this.#namespaces) namespace.destroy();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Joins the relay's network with the guest's device, and gives the intranet's server the other one. */
function bridge({ gateway }: Network): void {
  gateway.ip('addr', 'flush', 'dev', 'wan0');
  gateway.ip('link', 'add', 'wan', 'type', 'bridge', 'forward_delay', '0');
  for (const tap of [WAN_TAP, LAN_TAP]) {
    gateway.tap(tap);
    gateway.ip('link', 'set', tap, 'up');
  }
  for (const port of ['wan0', WAN_TAP]) gateway.ip('link', 'set', port, 'master', 'wan');
  gateway.ip('link', 'set', 'wan', 'up');
  gateway.ip('addr', 'add', `${INTRANET_ADDRESS}/24`, 'dev', LAN_TAP);
  gateway.ip('route', 'add', PPP_NETWORK, 'via', LAN_ADDRESS);
}

/** Puts a home behind a router that gives every connection another port. Answers why that cannot be. */
async function masquerade(
  network: Network,
  router: Namespace,
  home: Namespace,
  guest: GuestSystem,
  folder: string,
): Promise<string | undefined> {
  const { gateway } = network;
  gateway.ip('link', 'add', 'street', 'type', 'veth', 'peer', 'name', 'wan0', 'netns', router.name);
  gateway.ip('link', 'set', 'street', 'master', 'wan', 'up');
  router.ip('link', 'add', 'lan0', 'type', 'veth', 'peer', 'name', 'lan0', 'netns', home.name);
  for (const [namespace, address, device] of [
    [router, ROUTER_ADDRESS, 'wan0'],
    [router, HOME_ROUTER, 'lan0'],
    [home, HOME_ADDRESS, 'lan0'],
  ] as const) {
    namespace.ip('addr', 'add', `${address}/24`, 'dev', device);
    namespace.ip('link', 'set', device, 'up');
  }
  home.ip('route', 'add', 'default', 'via', HOME_ROUTER);
  const rules = join(folder, 'nat.nft');
  writeFileSync(
    rules,
    `table ip nat {
  chain out {
    type nat hook postrouting priority 100;
    oifname "wan0" masquerade fully-random
  }
}
`,
  );
  const forward = ['sh', ['-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward']] as const;
  const nft = guestProgram(guest, 'usr/sbin/nft', ['-f', rules]);
  for (const [file, args] of [forward, nft]) {
    const { status, output } = await runCommand(...router.command(file, args));
    if (status !== 0) return `this kernel cannot masquerade: ${output.trim()}`;
  }
  return undefined;
}

async function relayIn(namespace: Namespace, folder: string) {
  const relay = await startRelay({
    namespace,
    folder,
    config: {
      listen: { host: '127.0.0.1', port: RELAY_PORT },
      gateways: [{ id: GATEWAY, name: 'Linux', address: GATEWAY_ADDRESS }],
    },
  });
  return { namespace, relay };
}
