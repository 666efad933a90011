/**
 * A kernel's TCP to measure ours against: a namespace of its own whose only ways out are TUN devices that we hold,
 * and a program in it that works on order.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Outcome, TcpHost, Work } from '../../support/net/work.ts';
import type { Order, Report } from './kernel-orders.ts';
import { Namespace } from './namespace.ts';
import { nodeArguments, ROOT } from './node-script.ts';
import { TunDevice } from './tun-device.ts';

/** A device's queue holds a whole window, so that nothing is lost but what the wire loses. */
const QUEUE_PACKETS = 20_000;

/** The same on every device: each is a link of its own. */
const LINK_LOCAL = 'fe80::2';

const SETTINGS = {
  tcp_rmem: '4096 131072 16777216',
  tcp_wmem: '4096 131072 16777216',
  // Each connection learns its path anew, whatever the one before it met.
  tcp_no_metrics_save: '1',
};

export interface KernelInterfaceOptions {
  /** Dotted quads: its own, and the one that is reached through it. */
  readonly address: string;
  readonly peer: string;
  readonly mtu: number;
}

interface Waiting {
  answered(report: Report): void;
  failed(error: Error): void;
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
type OrderWithoutId = DistributiveOmit<Order, 'id'>;

export class KernelHost {
  readonly #namespace: Namespace;
  readonly #program: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #devices: TunDevice[] = [];
  #attached = 0;
  #serial = 0;
  #log = '';

  /** `settings`: below /proc/sys/net/ipv4, besides those above. */
  constructor(settings: Readonly<Record<string, string>> = {}) {
    this.#namespace = Namespace.create('k');
    const script = fileURLToPath(new URL('kernel-peer.ts', import.meta.url));
    const args = Object.entries({ ...SETTINGS, ...settings }).map((each) => each.join('='));
    const command = this.#namespace.command(process.execPath, nodeArguments(script, args));
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

  /** What the program in the namespace wrote on standard error. */
  get log(): string {
    return this.#log;
  }

  /** A new device with an address. */
  async attach({ address, peer, mtu }: KernelInterfaceOptions): Promise<KernelInterface> {
    const name = `tun${this.#attached++}`;
    const namespace = this.#namespace;
    namespace.ip('tuntap', 'add', 'dev', name, 'mode', 'tun');
    namespace.ip('addr', 'add', address, 'peer', peer, 'dev', name);
    namespace.ip('link', 'set', 'dev', name, 'mtu', `${mtu}`, 'txqueuelen', `${QUEUE_PACKETS}`);
    namespace.ip('link', 'set', 'dev', name, 'up');
    namespace.ip('addr', 'add', `${LINK_LOCAL}/64`, 'dev', name, 'nodad');
    const device = await TunDevice.open(name, (file, args) => namespace.command(file, args));
    this.#devices.push(device);
    return new KernelInterface(address, device, {
      name,
      order: (order, waiting) => this.#order(order, waiting),
      // The namespace's default cannot be set: only what the whole machine allows may be one.
      use: (algorithm) => namespace.ip('route', 'replace', peer, 'dev', name, 'congctl', algorithm),
    });
  }

  stop(): void {
    this.#waiting.clear();
    for (const device of this.#devices) device.close();
    this.#program.stdin!.end();
    this.#namespace.destroy();
  }

  #order(order: OrderWithoutId, waiting: Waiting): void {
    const id = ++this.#serial;
    this.#waiting.set(id, waiting);
    this.#program.stdin!.write(`${JSON.stringify({ ...order, id })}\n`);
  }
}

interface KernelControl {
  /** Of the device. */
  readonly name: string;
  order(order: OrderWithoutId, waiting: Waiting): void;
  use(algorithm: string): void;
}

/** The kernel behind one of its addresses. */
export class KernelInterface implements TcpHost {
  readonly address: string;
  readonly linkLocal: string = LINK_LOCAL;
  /** The other end of its device. */
  readonly port: TunDevice;
  readonly #control: KernelControl;

  constructor(address: string, port: TunDevice, control: KernelControl) {
    this.address = address;
    this.port = port;
    this.#control = control;
  }

  /** Which congestion control its new connections use: one of `availableCongestionControls`. */
  use(algorithm: string): void {
    this.#control.use(algorithm);
  }

  connect(address: string, port: number, work: Work): Promise<Outcome> {
    return new Promise((resolve, failed) => {
      const answered = (report: Report) => {
        if (report.kind === 'over') resolve(report.outcome);
      };
      const { order, name } = this.#control;
      const host = address.startsWith('fe80:') ? `${address}%${name}` : address;
      order({ kind: 'connect', address: host, port, work }, { answered, failed });
    });
  }

  listen(port: number, work: Work, over: (outcome: Outcome) => void): Promise<void> {
    return new Promise((resolve, failed) => {
      const answered = (report: Report) => {
        if (report.kind === 'over') over(report.outcome);
        else resolve();
      };
      this.#control.order({ kind: 'listen', port, work }, { answered, failed });
    });
  }

  close(): void {
    this.port.close();
  }
}

/** What this kernel has. */
export function availableCongestionControls(): string[] {
  return readFileSync('/proc/sys/net/ipv4/tcp_available_congestion_control', 'utf8')
    .trim()
    .split(' ');
}
