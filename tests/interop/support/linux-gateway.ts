/**
 * A real L2TP/IPsec gateway: strongSwan, xl2tpd and pppd over the ESP, L2TP and PPP of a Linux kernel, which runs
 * as a process (User-Mode Linux) in the gateway's namespace. The guest reads its root from `.cache/linux` and writes
 * into memory; folder `cfg` is shared with it and carries its configuration, its logs and the jobs it is given.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { GuestSystem } from '../../../scripts/support/guest.ts';
import { Daemon } from './daemon.ts';
import {
  guestFiles,
  ipsecConf,
  LAN_TAP,
  type Policy,
  pppOptions,
  WAN_TAP,
} from './linux-gateway-config.ts';
import type { Namespace } from './namespace.ts';

const MEMORY = '192M';
const BOOT_WAIT_MS = 60_000;
const JOB_WAIT_MS = 30_000;
const STOP_WAIT_MS = 8_000;
const POLL_MS = 25;

const LOGS = ['charon.log', 'xl2tpd.log', 'pppd.log', 'ipv6-up.log', 'radvd.log'];

export interface LinuxGatewayOptions {
  readonly guest: GuestSystem;
  /** Has the two TAP devices. */
  readonly namespace: Namespace;
  /** An empty folder to live in. */
  readonly folder: string;
}

export class LinuxGateway {
  readonly #daemon: Daemon;
  readonly #cfg: string;
  #jobs = 0;
  #policies = 0;

  private constructor(daemon: Daemon, cfg: string) {
    this.#daemon = daemon;
    this.#cfg = cfg;
  }

  /** Resolves when its services listen. */
  static async start({ guest, namespace, folder }: LinuxGatewayOptions): Promise<LinuxGateway> {
    const cfg = join(folder, 'cfg');
    for (const name of ['cfg/log', 'cfg/jobs', 'memory']) {
      mkdirSync(join(folder, name), { recursive: true });
    }
    for (const [path, text] of Object.entries(guestFiles())) {
      mkdirSync(dirname(join(cfg, path)), { recursive: true });
      writeFileSync(join(cfg, path), text);
    }
    const network = [WAN_TAP, LAN_TAP].map((tap, i) => `vec${i}:transport=tap,ifname=${tap}`);
    const child = namespace.spawn(
      'unshare',
      [
        // A process namespace of its own: what the kernel runs as guest processes dies with it, at once, even if it
        // is killed. Left behind, they would go on as ordinary processes of this machine.
        ...['--pid', '--fork', '--kill-child', '--mount-proc', guest.kernel],
        ...[`mem=${MEMORY}`, 'rootfstype=hostfs', `rootflags=${guest.root}`, 'ro'],
        ...['init=/culvert-init', `cfg=${cfg}`, ...network, `uml_dir=${folder}`, 'umid=gateway'],
        ...['con=null', 'con0=null,fd:1', 'noreboot', 'panic=-1', 'quiet'],
      ],
      { env: { TMPDIR: join(folder, 'memory') } },
    );
    const daemon = new Daemon('Linux gateway', child);
    const gateway = new LinuxGateway(daemon, cfg);
    try {
      await daemon.until('ready', () => existsSync(join(cfg, 'ready')), BOOT_WAIT_MS);
    } catch (error) {
      await gateway.stop();
      throw error;
    }
    return gateway;
  }

  get alive(): boolean {
    return this.#daemon.alive;
  }

  /** The console, then what the services wrote. */
  get log(): string {
    const logs = LOGS.map((name) => `--- ${name}\n${this.logOf(name)}`);
    return `${this.#daemon.log}\n${logs.join('\n')}`;
  }

  /** One service's log: `charon.log`, `xl2tpd.log` or `pppd.log`. */
  logOf(name: string): string {
    const file = join(this.#cfg, 'log', name);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  /** Runs a shell script inside, as root. Resolves with what it wrote; throws when it fails. */
  async run(script: string): Promise<string> {
    const job = join(this.#cfg, 'jobs', String(++this.#jobs));
    writeFileSync(`${job}.draft`, script);
    renameSync(`${job}.draft`, job);
    const giveUpAt = performance.now() + JOB_WAIT_MS;
    while (!existsSync(`${job}.status`)) {
      if (!this.alive) throw new Error(`the gateway ended: ${this.#daemon.log}`);
      if (performance.now() > giveUpAt) throw new Error(`no end of ${JSON.stringify(script)}`);
      await delay(POLL_MS);
    }
    const output = readFileSync(`${job}.out`, 'utf8');
    const status = readFileSync(`${job}.status`, 'utf8').trim();
    if (status !== '0') throw new Error(`${script}\nfailed (${status}): ${output}`);
    return output;
  }

  /** What it accepts from now on. */
  async configure(policy: Policy): Promise<void> {
    const name = `policy-${++this.#policies}`;
    await this.run(`set -e
cat > /etc/ipsec.conf <<'END'
${ipsecConf(name, policy)}END
cat > /etc/ppp/options.xl2tpd <<'END'
${pppOptions(policy)}END
ipsec update
for i in $(seq 100); do ipsec statusall | grep -q "^ *${name}:" && exit 0; usleep 100000; done
exit 1`);
  }

  /** The kernel's IPsec security associations, as `ip xfrm state` has them. The shell's own `ip` knows none. */
  securityAssociations(): Promise<string> {
    return this.run('/bin/ip xfrm state');
  }

  /** Stops the guest in order; its process namespace goes with it in any case. */
  async stop(): Promise<void> {
    if (!this.alive) return;
    const kernel = childOf(this.#daemon.pid);
    if (kernel !== undefined) process.kill(kernel, 'SIGTERM');
    await this.#daemon.ended(STOP_WAIT_MS).catch(() => this.#daemon.stop(0));
  }
}

/** IKE SAs and IPsec SAs that the gateway ever had, by its own account. */
export function renewals(gateway: LinuxGateway): { readonly ike: number; readonly esp: number } {
  const log = gateway.logOf('charon.log');
  const count = (pattern: RegExp): number => [...log.matchAll(pattern)].length;
  return {
    ike: count(/IKE_SA .* established between/g),
    esp: count(/CHILD_SA .* established with SPIs/g),
  };
}

/** The process that `unshare` started: it does not pass signals on. */
function childOf(pid: number): number | undefined {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return Number(children.split(' ')[0]) || undefined;
}
