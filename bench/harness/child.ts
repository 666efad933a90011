/** A child process as an object whose methods are answered over IPC. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What a child can be asked to do. */
type Commands = { [name: string]: (...args: never[]) => unknown };

type Remote<T> = {
  readonly [K in keyof T]: T[K] extends (...args: infer A) => infer R
    ? (...args: A) => Promise<Awaited<R>>
    : never;
};

interface Request {
  readonly id: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

export interface Child<T> {
  readonly ask: Remote<T>;
  readonly pid: number;
  signal(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Starts a program, a path from the project's root. `before` is what its command line begins with: `taskset …`. */
export async function startChild<T>(
  program: string,
  before: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Child<T>> {
  const [file, ...args] = [...before, process.execPath, '--import', 'tsx', program];
  const child = spawn(file!, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  return { ask: remote<T>(child), pid: child.pid!, signal: (s) => child.kill(s), stop };

  async function stop(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  }
}

function remote<T>(child: ChildProcess): Remote<T> {
  let id = 0;
  const waiting = new Map<number, (reply: Reply) => void>();
  child.on('message', (reply: Reply) => {
    waiting.get(reply.id)?.(reply);
    waiting.delete(reply.id);
  });
  child.on('close', (code, signal) => {
    const error = `${child.spawnargs.at(-1)} ended (${code ?? signal})`;
    for (const [open, answered] of waiting) answered({ id: open, error });
    waiting.clear();
  });
  const ask = (name: string, args: readonly unknown[]): Promise<unknown> => {
    const request: Request = { id: ++id, name, args };
    child.send(request);
    return new Promise((resolve, reject) => {
      waiting.set(request.id, ({ value, error }) => {
        if (error === undefined) resolve(value);
        else reject(new Error(error));
      });
    });
  };
  return new Proxy({} as Remote<T>, {
    get:
      (_target, name) =>
      (...args: readonly unknown[]) =>
        ask(String(name), args),
  });
}

/** The child's side: says that it is there, and does what it is asked. Ends with its parent. */
export function obey<T extends { [K in keyof T]: (...args: never[]) => unknown }>(
  commands: T,
): void {
  process.on('disconnect', () => process.exit());
  process.on('message', async ({ id, name, args }: Request) => {
    try {
      const command = (commands as unknown as Commands)[name]!;
      process.send?.({ id, value: await command(...(args as never[])) } satisfies Reply);
    } catch (error) {
      process.send?.({ id, error: String(error) } satisfies Reply);
    }
  });
  process.send?.({ id: 0 } satisfies Reply);
}
