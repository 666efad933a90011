/** `dial` under test: the tab's machines as a process in the relay's namespace. */
import { Daemon } from './daemon.ts';
import type { Namespace } from './namespace.ts';
import { nodeArguments, ROOT } from './node-script.ts';

export interface DialOptions {
  readonly relay: string;
  readonly gateway: string;
  readonly user: string;
  readonly password: string;
  readonly preSharedKey: string;
  /** Further variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** `['ping', host]`, `['get', url]` or `['hold']`, after further options. */
  readonly command: readonly string[];
}

export interface DialResult {
  /** `undefined` when it did not end by itself in time. */
  readonly status: number | undefined;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Long enough for every time limit of the machines on a slow computer. */
const DIAL_WAIT_MS = 90_000;

/** A `dial` that runs, with its standard output kept apart. */
export class Dial {
  readonly daemon: Daemon;
  readonly #body: Buffer[] = [];

  constructor(namespace: Namespace, options: DialOptions) {
    const { relay, gateway, user, password, preSharedKey, command } = options;
    const args = ['--relay', relay, '--gateway', gateway, '--user', user, ...command];
    const child = namespace.spawn(process.execPath, nodeArguments('dial/main.ts', args), {
      cwd: ROOT,
      env: { CULVERT_PASSWORD: password, CULVERT_PSK: preSharedKey, ...options.env },
    });
    child.stdout?.on('data', (chunk: Buffer) => this.#body.push(chunk));
    // Standard output is the body and may be large: only standard error is its log.
    this.daemon = new Daemon('dial', child, [child.stderr]);
  }

  /** Waits for its end, at most `wait` milliseconds. */
  async result(wait = DIAL_WAIT_MS): Promise<DialResult> {
    try {
      await this.daemon.ended(wait);
    } catch {
      await this.daemon.stop(0);
    }
    const { outcome, log } = this.daemon;
    const status = typeof outcome === 'number' ? outcome : undefined;
    return { status, stdout: Buffer.concat(this.#body), stderr: log };
  }
}
