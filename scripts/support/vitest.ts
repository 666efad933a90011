/** Running vitest with its output on the screen and its counts as the result. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Tally, tally } from './tally.ts';

export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url));

export interface VitestOptions {
  readonly config: string;
  /** Only test files whose path contains one of these. */
  readonly filters?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Makes the command line that is run, to run it elsewhere. */
  readonly wrap?: (file: string, args: readonly string[]) => [file: string, args: string[]];
  /** Runs beside others: its output, in one piece, goes here at the end. */
  readonly aside?: (output: string) => void;
  /** Gets what processor time others leave. */
  readonly yields?: boolean;
  /** Ends the run early, with everything it has started. */
  readonly signal?: AbortSignal;
}

/** Resolves when vitest has ended, however it ended. */
export async function runVitest(options: VitestOptions): Promise<Tally> {
  const { config, filters = [], environment, wrap, aside, yields, signal } = options;
  const folder = mkdtempSync(join(tmpdir(), 'culvert-report-'));
  const report = join(folder, 'report.json');
  const program = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const args = [program, 'run', '--config', config, ...filters];
  args.push('--reporter=default', '--reporter=json', `--outputFile.json=${report}`);
  const command: [string, string[]] = wrap?.(process.execPath, args) ?? [process.execPath, args];
  try {
    const status = await new Promise<number | undefined>((resolve) => {
      const child = spawn(...command, {
        cwd: ROOT,
        env: { ...process.env, ...environment },
        stdio: aside ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
        // A process group of its own: vitest's workers outlive vitest when it is interrupted.
        detached: true,
      });
      const output: Buffer[] = [];
      for (const stream of [child.stdout, child.stderr]) {
        stream?.on('data', (chunk: Buffer) => output.push(chunk));
      }
      if (yields && child.pid !== undefined)
        setPriority(child.pid, constants.priority.PRIORITY_LOW);
      const end = () => killGroup(child);
      signal?.addEventListener('abort', end);
      child.on('error', () => resolve(undefined));
      child.on('close', (code) => {
        signal?.removeEventListener('abort', end);
        end();
        aside?.(Buffer.concat(output).toString());
        resolve(code ?? undefined);
      });
    });
    return tally(read(report), status, ROOT);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing of it runs any more.
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
