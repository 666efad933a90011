/** The program as `npm start` runs it, with its playground: the portal is built, and no configuration is named. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { eventually } from '../../unit/relay/support.ts';

const ROOT = join(import.meta.dirname, '../../..');

export interface Program {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startProgram(): Promise<Program> {
  const options = ['--playground', '--port', '0'];
  const program = spawn(
    process.execPath,
    ['--import', 'tsx', join(ROOT, 'relay/main.ts'), ...options],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let out = '';
  program.stdout.on('data', (chunk) => (out += chunk));
  return {
    url: await eventually(() => /open (http:\/\/\S+\/)/.exec(out)?.[1]),
    stop: async () => {
      program.kill('SIGTERM');
      if (program.exitCode === null) await once(program, 'exit');
    },
  };
}
