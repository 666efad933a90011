/**
 * Network namespaces with names of this run, so that runs side by side do not meet and what a killed run
 * left can be told from what a living one uses. Everything inside belongs to the tests and dies with them.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { preparedTools } from '../../../scripts/support/tools.ts';

const PREFIX = 'culv';
const FOLDER_PREFIX = 'culvertrun';
const TERM_WAIT_MS = 3_000;
const POLL_MS = 50;

export interface SpawnOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

let serial = 0;

export class Namespace {
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  /** A new namespace with its loopback interface up. `role` is a letter for readers of `ip netns`. */
  static create(role: string): Namespace {
    const worker = process.pid.toString(36);
    const namespace = new Namespace(`${PREFIX}-${runId()}-${worker}${serial++}${role}`);
    ip('netns', 'add', namespace.name);
    namespace.ip('link', 'set', 'lo', 'up');
    return namespace;
  }

  /** `ip` with this namespace as its world. Throws when it fails. */
  ip(...args: readonly string[]): string {
    return ip('-n', this.name, ...args);
  }

  /** Makes a TAP device: `ip -n` would make it where this process is. */
  tap(name: string): void {
    const { ip: program } = preparedTools();
    ip('netns', 'exec', this.name, program, 'tuntap', 'add', 'dev', name, 'mode', 'tap');
  }

  /** The command line that runs a program inside. */
  command(file: string, args: readonly string[]): [file: string, args: string[]] {
    return [preparedTools().ip, ['netns', 'exec', this.name, file, ...args]];
  }

  /** Starts a program inside; its process id is the child's, since `ip` replaces itself by it. */
  spawn(file: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return spawn(...this.command(file, args), {
      ...options,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** Ends what still runs inside, then removes the namespace. */
  destroy(): void {
    destroyNamespace(this.name);
  }
}

/** Names this run: the process id of whoever started it, in base 36. */
export function runId(): string {
  process.env.CULVERT_RUN ??= process.pid.toString(36);
  return process.env.CULVERT_RUN;
}

/** An empty folder for this run's files. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), `${FOLDER_PREFIX}-${runId()}-`));
}

/** Removes what this run has left of namespaces, processes in them and files, and what dead runs have left. */
export function sweep(): void {
  for (const line of ip('netns', 'list').split('\n')) {
    const name = line.split(' ')[0]!;
    if (isLeftOver(PREFIX, name)) destroyNamespace(name);
  }
  for (const name of readdirSync(tmpdir())) {
    if (!isLeftOver(FOLDER_PREFIX, name)) continue;
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isLeftOver(prefix: string, name: string): boolean {
  const [found, run] = name.split('-');
  if (found !== prefix || run === undefined || !/^[0-9a-z]{1,6}$/.test(run)) return false;
  return run === runId() || !existsSync(`/proc/${Number.parseInt(run, 36)}`);
}

function destroyNamespace(name: string): void {
  signalAll(name, 'SIGTERM');
  const killAt = Date.now() + TERM_WAIT_MS;
  while (pids(name).length > 0 && Date.now() < killAt) sleep(POLL_MS);
  signalAll(name, 'SIGKILL');
  spawnSync(preparedTools().ip, ['netns', 'del', name]);
}

function signalAll(name: string, signal: NodeJS.Signals): void {
  for (const pid of pids(name)) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended meanwhile.
    }
  }
}

function pids(name: string): number[] {
  const { stdout } = spawnSync(preparedTools().ip, ['netns', 'pids', name], { encoding: 'utf8' });
  return stdout.split('\n').filter(Boolean).map(Number);
}

function ip(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(preparedTools().ip, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr.trim()}`);
  return stdout;
}

function sleep(millis: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis);
}
