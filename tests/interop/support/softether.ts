/**
 * A real L2TP/IPsec gateway: SoftEther's server in the gateway's namespace. It sees folders of its own in
 * place of /var/lib, /var/log and /run, so nothing of the system is read or written.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { preparedTools } from '../../../scripts/support/tools.ts';
import { Daemon } from './daemon.ts';
import { GATEWAY_ADDRESS, type Network } from './network.ts';
import { runScript } from './node-script.ts';
import { INTRANET_ADDRESS, softEtherConfig, TAP_INTERFACE } from './softether-config.ts';

/**
 * `bound`: listens on a concrete address, with raw ESP and clients without NAT traversal.
 * `any`: listens on 0.0.0.0 as installed, UDP encapsulation only, and claims to be 0.0.0.0.
 */
export type Personality = 'bound' | 'any';

/** A load above this over `LOAD_INTERVAL_MS` is the known endless loop, not work. */
const SPINNING = 0.9;
const LOAD_INTERVAL_MS = 500;
const STEP_WAIT_MS = 2_000;

export interface SoftEtherOptions {
  readonly network: Network;
  readonly personality: Personality;
  readonly preSharedKey: string;
  /** An empty folder to live in. */
  readonly folder: string;
}

export class SoftEther {
  readonly #daemon: Daemon;
  readonly #network: Network;

  private constructor(daemon: Daemon, network: Network) {
    this.#daemon = daemon;
    this.#network = network;
  }

  /** Resolves when it answers IKE and the network behind it has its address. */
  static async start(options: SoftEtherOptions): Promise<SoftEther> {
    const { network, personality, preSharedKey, folder } = options;
    const listenAddress = personality === 'bound' ? GATEWAY_ADDRESS : '0.0.0.0';
    for (const path of ['lib/softether', 'log/softether', 'run/softether']) {
      mkdirSync(join(folder, path), { recursive: true });
    }
    const config = softEtherConfig({ preSharedKey, listenAddress });
    writeFileSync(join(folder, 'lib/softether/vpn_server.config'), config);
    // `ip netns exec` gives the program a mount namespace of its own.
    const script = `set -e
      "$1" --make-rprivate /
      for name in lib log; do "$1" --bind "$0/$name" "/var/$name"; done
      "$1" --bind "$0/run" /run
      cd /; exec "$2" start --foreground`;
    const { mount, vpnserver } = preparedTools();
    const child = network.gateway.spawn('sh', ['-c', script, folder, mount, vpnserver]);
    const daemon = new Daemon('SoftEther', child);
    try {
      await daemon.until('listening', () =>
        [500, 4500, 1701].every((port) => daemon.holdsPort('udp', port)),
      );
      await daemon.until('bridged', () => network.gateway.ip('link').includes(TAP_INTERFACE));
      network.gateway.ip('addr', 'add', `${INTRANET_ADDRESS}/24`, 'dev', TAP_INTERFACE);
      network.gateway.ip('link', 'set', TAP_INTERFACE, 'up');
    } catch (error) {
      await daemon.stop();
      throw error;
    }
    return new SoftEther(daemon, network);
  }

  get pid(): number {
    return this.#daemon.pid;
  }

  get log(): string {
    return this.#daemon.log;
  }

  /**
   * What is wrong with the process: `undefined` while it runs, does not spin and answers IKE. It is known
   * to hang or to die on some packets, which must not pass for a success of the test that sent them.
   */
  async trouble(): Promise<string | undefined> {
    if (!this.#daemon.alive) return `it ended (${this.#daemon.outcome})`;
    if ((await this.#daemon.load(LOAD_INTERVAL_MS)) > SPINNING) {
      // The end of a large transfer may be work; an endless loop is still there later.
      await delay(STEP_WAIT_MS);
      const load = await this.#daemon.load(LOAD_INTERVAL_MS);
      if (load > SPINNING) return `it spins at ${Math.round(load * 100)} % of a processor`;
    }
    const probe = await runScript(this.#network.client, 'ike-probe.ts', [GATEWAY_ADDRESS]);
    return probe.status === 0 ? undefined : `it does not answer IKE: ${probe.output.trim()}`;
  }

  async stop(): Promise<void> {
    await this.#daemon.stop();
  }
}
