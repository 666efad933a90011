/** A program that runs in a namespace until it is stopped, with its log and its vital signs. */
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 25;
/** The kernel counts a process's time in hundredths of a second (USER_HZ). */
const TICK_MS = 10;

export class Daemon {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #closed: Promise<void>;
  #log = '';

  /** @param logged The streams that make up its log. */
  constructor(
    name: string,
    child: ChildProcess,
    logged: readonly (Readable | null)[] = [child.stdout, child.stderr],
  ) {
    this.name = name;
    this.#child = child;
    for (const stream of logged) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#log += text;
      });
    }
    this.#closed = new Promise((resolve) => {
      child.on('close', () => resolve());
      child.on('error', (error) => {
        this.#log += `${error.message}\n`;
        resolve();
      });
    });
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error(`${this.name} did not start: ${this.#log}`);
    return pid;
  }

  /** What it wrote on the logged streams. */
  get log(): string {
    return this.#log;
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** How it ended: an exit status, or the name of a signal. */
  get outcome(): number | NodeJS.Signals | undefined {
    return this.#child.exitCode ?? this.#child.signalCode ?? undefined;
  }

  /** Resolves when `condition` holds; rejects when it does not in time, or when the program ends first. */
  async until(what: string, condition: () => boolean, timeoutMs = 15_000): Promise<void> {
    const giveUpAt = performance.now() + timeoutMs;
    while (!condition()) {
      if (!this.alive) throw new Error(`${this.name} ended (${this.outcome}): ${this.#log}`);
      if (performance.now() > giveUpAt) {
        throw new Error(`${this.name}: not ${what} after ${timeoutMs} ms: ${this.#log}`);
      }
      await delay(POLL_MS);
    }
  }

  /** Whether its namespace has a socket on this local port (for TCP: a listening one). */
  holdsPort(protocol: 'tcp' | 'udp', port: number): boolean {
    const hex = port.toString(16).toUpperCase().padStart(4, '0');
    return ['', '6'].some((family) =>
      this.#processFile(`net/${protocol}${family}`)
        .split('\n')
        .slice(1)
        .map((line) => line.trim().split(/\s+/))
        .some(([, local, , state]) => {
          return local?.endsWith(`:${hex}`) && (protocol === 'udp' || state === '0A');
        }),
    );
  }

  /** The share of one processor it uses over an interval: near 1 when it spins. */
  async load(intervalMs: number): Promise<number> {
    const before = this.#busyMillis();
    const started = performance.now();
    await delay(intervalMs);
    return (this.#busyMillis() - before) / (performance.now() - started);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves when it has ended and its output is complete; rejects after the timeout. */
  async ended(timeoutMs: number): Promise<void> {
    const late = Symbol('late');
    const timer = new AbortController();
    const timeout = delay(timeoutMs, late, { signal: timer.signal }).catch(() => undefined);
    const first = await Promise.race([this.#closed, timeout]);
    timer.abort();
    if (first === late) throw new Error(`${this.name} still runs after ${timeoutMs} ms`);
  }

  /** Asks it to end, and ends it when it does not. */
  async stop(graceMs = 3_000): Promise<void> {
    if (!this.alive) return;
    this.signal('SIGTERM');
    await this.ended(graceMs).catch(() => this.signal('SIGKILL'));
    await this.#closed;
  }

  /** User and system time of all its threads: fields 14 and 15 of its stat, proc(5). */
  #busyMillis(): number {
    const stat = this.#processFile('stat');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  }

  /** Empty when it has ended, or when the kernel has no such file (IPv6 may be missing). */
  #processFile(name: string): string {
    try {
      return readFileSync(`/proc/${this.pid}/${name}`, 'utf8');
    } catch {
      return '';
    }
  }
}
