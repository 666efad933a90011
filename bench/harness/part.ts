/**
 * A part of the benchmarks as a process of its own, pinned to one processor where the system can: nothing that an
 * earlier part compiled, allocated or left running tells on it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Row } from './results.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface PartOptions {
  /** Rounds that count, of every race. */
  readonly rounds: number;
  /** Size of a transfer through the tunnel, in millions of bytes. */
  readonly megabytes: number;
  /** Length of a transfer over a link in real time. */
  readonly seconds: number;
}

export interface Part {
  /** The program, from the project's root. */
  readonly program: string;
  readonly args?: readonly string[];
  /** Keeps it, and whatever it starts, on one processor. */
  readonly pinned: boolean;
}

/** Where Linux has the program that pins others. */
const TASKSET = ['/usr/bin/taskset', '/bin/taskset'];

type Message =
  | { readonly kind: 'line'; readonly line: string }
  | { readonly kind: 'rows'; readonly rows: readonly Row[] };

/** Runs a part to its end. Rejects when it brings no rows. */
export async function runPart(
  { program, args: programArgs = [], pinned }: Part,
  options: PartOptions,
  say: (line: string) => void,
): Promise<readonly Row[]> {
  const command = [process.execPath, '--import', 'tsx', program, ...programArgs];
  const [file, ...args] = pinned ? [...pin(), ...command] : command;
  const child = spawn(file!, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  let rows: readonly Row[] | undefined;
  child.on('message', (message: Message) => {
    if (message.kind === 'line') say(message.line);
    else rows = message.rows;
  });
  child.send(options);
  const [status] = await once(child, 'close');
  if (rows === undefined) throw new Error(`${program} brought no figures (${status})`);
  return rows;
}

/** The other side of `runPart`: waits for the options, works, sends the rows and ends. */
export async function answer(
  work: (options: PartOptions, say: (line: string) => void) => Promise<readonly Row[]>,
): Promise<void> {
  const send = (message: Message) => process.send?.(message);
  process.on('disconnect', () => process.exit(1));
  const [options] = (await once(process, 'message')) as [PartOptions];
  send({ kind: 'rows', rows: await work(options, (line) => send({ kind: 'line', line })) });
  process.removeAllListeners('disconnect');
  process.disconnect?.();
}

/** What to put before a command to keep it on the last processor; empty where that cannot be done. */
export function pin(processor: number = cpus().length - 1): readonly string[] {
  const taskset = TASKSET.find((path) => existsSync(path));
  return taskset === undefined || cpus().length === 1
    ? []
    : [taskset, '--cpu-list', String(processor)];
}
