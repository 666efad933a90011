/** Running a command: its output kept, its outcome as a value. */
import { spawn } from 'node:child_process';

export interface CommandResult {
  /** `undefined` when a signal ended it or it could not be started. */
  readonly status: number | undefined;
  /** Standard output. */
  readonly stdout: string;
  /** Standard output and standard error in the order they came. */
  readonly output: string;
  readonly seconds: number;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a command without a shell and without standard input. Never rejects. */
export function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const started = performance.now();
  return new Promise((resolve) => {
    const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let output = '';
    const done = (status: number | undefined) =>
      resolve({ status, stdout, output, seconds: (performance.now() - started) / 1000 });
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.on('error', (error) => {
      output += `${error.message}\n`;
      done(undefined);
    });
    child.on('close', (status) => done(status ?? undefined));
  });
}

/** As `runCommand`, but a failure is an exception that carries the output's end. */
export async function mustRun(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { status, stdout, output } = await runCommand(file, args, options);
  if (status === 0) return stdout;
  const tail = output.trim().split('\n').slice(-12).join('\n');
  throw new Error(`${file} ${args.slice(0, 4).join(' ')} failed (${status ?? 'ended'}):\n${tail}`);
}
