import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { eventually } from '../unit/relay/support.ts';

// The playground alone, as an operator starts it.

const MAIN = fileURLToPath(new URL('../../playground/main.ts', import.meta.url));
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill('SIGKILL');
});

function run(...options: string[]) {
  const child = spawn(
    process.execPath,
    ['--import', import.meta.resolve('tsx'), MAIN, ...options],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  children.push(child);
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  child.stderr.on('data', (chunk) => (text += chunk));
  return { child, out: () => text, exit: once(child, 'close').then(([code]) => code) };
}

test('says how to dial it and that it is a playground, and stops on a signal', async () => {
  const { child, out, exit } = run('--ike-port', '0', '--natt-port', '0');
  await eventually(() => out().includes('It is a playground'));
  expect(out()).toMatch(
    /^The playground is ready at 127\.0\.0\.1, UDP ports \d+ \(IKE\) and \d+ \(NAT traversal\)\.\n/,
  );
  expect(out()).toMatch(/pre-shared key playground\n +user name +visitor-\S+\n +password +\S+\n/);
  child.kill('SIGTERM');
  expect(await exit).toBe(0);
});

test('a port that is taken is said in plain words', async () => {
  const other = createSocket('udp4');
  other.bind(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address();
  const { out, exit } = run('--ike-port', '0', '--natt-port', String(port));
  expect(await exit).toBe(2);
  other.close();
  expect(out()).toBe(
    `One of the UDP ports 0 and ${port} on 127.0.0.1 is already taken. Stop the other program, or choose others with --ike-port and --natt-port.\n`,
  );
});

test('an address of another machine, and an option that there is none of', async () => {
  const elsewhere = run('--host', '192.0.2.1');
  const unknown = run('--prot', '1');
  expect([await elsewhere.exit, await unknown.exit]).toEqual([2, 2]);
  expect(elsewhere.out()).toContain('192.0.2.1 is not an address of this machine.');
  expect(unknown.out()).toContain('Usage: npm run playground');
});
