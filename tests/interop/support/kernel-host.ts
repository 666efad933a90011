/** A kernel's TCP to test against: a namespace of its own whose only way out is a TUN device that we hold. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Outcome, TcpHost, Work } from '../../support/net/work.ts';
import type { Order, Report } from './kernel-orders.ts';
import { Namespace } from './namespace.ts';
import { nodeArguments, ROOT } from './node-script.ts';
import { TunDevice } from './tun-device.ts';

const DEVICE = 'tun0';
/** The device's queue holds a whole window, so that nothing is lost but what the wire loses. */
const QUEUE_PACKETS = 20_000;

export interface KernelHostOptions {
  /** Dotted quads: its own, and the one that is reached through the device. */
  readonly address: string;
  readonly peer: string;
  readonly mtu: number;
  readonly settings?: Readonly<Record<string, string>>;
}

const SETTINGS = {
  tcp_rmem: '4096 131072 16777216',
  tcp_wmem: '4096 131072 16777216',
  // Each connection learns its path anew, whatever the one before it met.
  tcp_no_metrics_save: '1',
};

interface Waiting {
  answered(report: Report): void;
  failed(error: Error): void;
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

export class KernelHost implements TcpHost {
  readonly address: string;
  /** The other end of its device. */
  readonly port: TunDevice;
  readonly #options: KernelHostOptions;
  readonly #namespace: Namespace;
  readonly #program: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #serial = 0;
  #log = '';

  private constructor(options: KernelHostOptions, namespace: Namespace, device: TunDevice) {
    this.address = options.address;
    this.port = device;
    this.#options = options;
    this.#namespace = namespace;
    const script = fileURLToPath(new URL('kernel-peer.ts', import.meta.url));
    const settings = Object.entries({ ...SETTINGS, ...options.settings });
    const args = settings.map(([name, value]) => `${name}=${value}`);
    const command = namespace.command(process.execPath, nodeArguments(script, args));
    this.#program = spawn(...command, { cwd: ROOT, stdio: 'pipe' });
    createInterface({ input: this.#program.stdout! }).on('line', (line) => {
      const report: Report = JSON.parse(line);
      this.#waiting.get(report.id)?.answered(report);
    });
    this.#program.stderr!.on('data', (text) => {
      this.#log += text;
    });
    this.#program.on('close', () => {
      const error = new Error(`the program in the namespace ended: ${this.#log}`);
      for (const { failed } of this.#waiting.values()) failed(error);
    });
  }

  static async start(options: KernelHostOptions): Promise<KernelHost> {
    const { address, peer, mtu } = options;
    const namespace = Namespace.create('k');
    namespace.ip('tuntap', 'add', 'dev', DEVICE, 'mode', 'tun');
    namespace.ip('addr', 'add', address, 'peer', peer, 'dev', DEVICE);
    namespace.ip(
      ...['link', 'set', 'dev', DEVICE, 'mtu', `${mtu}`, 'txqueuelen', `${QUEUE_PACKETS}`, 'up'],
    );
    const device = await TunDevice.open(DEVICE, (file, args) => namespace.command(file, args));
    return new KernelHost(options, namespace, device);
  }

  /** What the program in the namespace wrote on standard error. */
  get log(): string {
    return this.#log;
  }

  /** Which congestion control its new connections use: one of `availableCongestionControls`. */
  use(congestionControl: string): void {
    // The namespace's default could not be set: only what the whole machine allows may be one.
    this.#namespace.ip(
      ...['route', 'replace', this.#options.peer, 'dev', DEVICE, 'congctl', congestionControl],
    );
  }

  connect(address: string, port: number, work: Work): Promise<Outcome> {
    return new Promise((resolve, failed) => {
      const answered = (report: Report) => {
        if (report.kind === 'over') resolve(report.outcome);
      };
      this.#order({ kind: 'connect', address, port, work }, { answered, failed });
    });
  }

  listen(port: number, work: Work, over: (outcome: Outcome) => void): Promise<void> {
    return new Promise((resolve, failed) => {
      const answered = (report: Report) => {
        if (report.kind === 'over') over(report.outcome);
        else resolve();
      };
      this.#order({ kind: 'listen', port, work }, { answered, failed });
    });
  }

  stop(): void {
    this.#waiting.clear();
    this.port.close();
    this.#program.stdin!.end();
    this.#namespace.destroy();
  }

  #order(order: DistributiveOmit<Order, 'id'>, waiting: Waiting): void {
    const id = ++this.#serial;
    this.#waiting.set(id, waiting);
    this.#program.stdin!.write(`${JSON.stringify({ ...order, id })}\n`);
  }
}

/** What this kernel has. */
export function availableCongestionControls(): string[] {
  return readFileSync('/proc/sys/net/ipv4/tcp_available_congestion_control', 'utf8')
    .trim()
    .split(' ');
}
