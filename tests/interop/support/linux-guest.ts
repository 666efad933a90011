/**
 * A Linux kernel of a test's own, which runs as a process (User-Mode Linux) in a namespace. It reads its root from
 * `.cache/linux` and writes into memory; folder `cfg` is shared with it and carries its configuration, its logs and the
 * jobs it is given.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { GuestSystem } from '../../../scripts/support/guest.ts';
import { Daemon } from './daemon.ts';
import type { Namespace } from './namespace.ts';

const MEMORY = '192M';
const BOOT_WAIT_MS = 60_000;
const JOB_WAIT_MS = 60_000;
const STOP_WAIT_MS = 8_000;
const POLL_MS = 25;

/** What a guest's script ends with: it says that it is ready, and works on jobs one after the other. */
export const SERVE_JOBS = `touch /cfg/ready
n=1
while :; do
  if [ -e /cfg/jobs/$n ]; then
    sh /cfg/jobs/$n > /cfg/jobs/$n.out 2>&1
    echo $? > /cfg/jobs/$n.new
    mv /cfg/jobs/$n.new /cfg/jobs/$n.status
    n=$((n + 1))
  else
    usleep 50000
  fi
done
`;

export interface LinuxGuestOptions {
  readonly guest: GuestSystem;
  /** For the reader of a failure. */
  readonly name: string;
  readonly namespace: Namespace;
  /** TAP devices of the namespace, which are `vec0` and so on inside. */
  readonly taps: readonly string[];
  /** What is under `/cfg`, by path; `rc` is its script, which ends with `SERVE_JOBS`. */
  readonly files: Readonly<Record<string, string>>;
  /** Names of what its services write below `/cfg/log`. */
  readonly logs: readonly string[];
  /** An empty folder to live in. */
  readonly folder: string;
}

export class LinuxGuest {
  readonly #daemon: Daemon;
  readonly #cfg: string;
  readonly #logs: readonly string[];
  #jobs = 0;

  private constructor(daemon: Daemon, cfg: string, logs: readonly string[]) {
    this.#daemon = daemon;
    this.#cfg = cfg;
    this.#logs = logs;
  }

  /** Resolves when its script says that it is ready. */
  static async start(options: LinuxGuestOptions): Promise<LinuxGuest> {
    const { guest, name, namespace, taps, files, logs, folder } = options;
    const cfg = join(folder, 'cfg');
    for (const room of ['cfg/log', 'cfg/jobs', 'memory']) {
      mkdirSync(join(folder, room), { recursive: true });
    }
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(cfg, path)), { recursive: true });
      writeFileSync(join(cfg, path), text);
    }
    const network = taps.map((tap, i) => `vec${i}:transport=tap,ifname=${tap}`);
    const child = namespace.spawn(
      'unshare',
      [
        // A process namespace of its own: what the kernel runs as guest processes dies with it, at once, even if it
        // is killed. Left behind, they would go on as ordinary processes of this machine.
        ...['--pid', '--fork', '--kill-child', '--mount-proc', guest.kernel],
        ...[`mem=${MEMORY}`, 'rootfstype=hostfs', `rootflags=${guest.root}`, 'ro'],
        ...['init=/culvert-init', `cfg=${cfg}`, ...network, `uml_dir=${folder}`, 'umid=guest'],
        ...['con=null', 'con0=null,fd:1', 'noreboot', 'panic=-1', 'quiet'],
      ],
      { env: { TMPDIR: join(folder, 'memory') } },
    );
    const daemon = new Daemon(name, child);
    const system = new LinuxGuest(daemon, cfg, logs);
    try {
      await daemon.until('ready', () => existsSync(join(cfg, 'ready')), BOOT_WAIT_MS);
    } catch (error) {
      await system.stop();
      throw error;
    }
    return system;
  }

  get alive(): boolean {
    return this.#daemon.alive;
  }

  /** The console, then what the services wrote. */
  get log(): string {
    const logs = this.#logs.map((name) => `--- ${name}\n${this.logOf(name)}`);
    return `${this.#daemon.log}\n${logs.join('\n')}`;
  }

  /** One service's log. */
  logOf(name: string): string {
    const file = join(this.#cfg, 'log', name);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  /** Runs a shell script inside, as root. Resolves with what it wrote; throws when it fails. */
  async run(script: string, waitMillis = JOB_WAIT_MS): Promise<string> {
    const job = join(this.#cfg, 'jobs', String(++this.#jobs));
    writeFileSync(`${job}.draft`, script);
    renameSync(`${job}.draft`, job);
    const giveUpAt = performance.now() + waitMillis;
    while (!existsSync(`${job}.status`)) {
      if (!this.alive) throw new Error(`the guest ended: ${this.#daemon.log}`);
      if (performance.now() > giveUpAt) throw new Error(`no end of ${JSON.stringify(script)}`);
      await delay(POLL_MS);
    }
    const output = readFileSync(`${job}.out`, 'utf8');
    const status = readFileSync(`${job}.status`, 'utf8').trim();
    if (status !== '0') throw new Error(`${script}\nfailed (${status}): ${output}`);
    return output;
  }

  /** Stops the guest in order; its process namespace goes with it in any case. */
  async stop(): Promise<void> {
    if (!this.alive) return;
    const kernel = childOf(this.#daemon.pid);
    if (kernel !== undefined) process.kill(kernel, 'SIGTERM');
    await this.#daemon.ended(STOP_WAIT_MS).catch(() => this.#daemon.stop(0));
  }
}

/** The process that `unshare` started: it does not pass signals on. */
function childOf(pid: number): number | undefined {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return Number(children.split(' ')[0]) || undefined;
}
