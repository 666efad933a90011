import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '../unit/relay/support.ts';

// The program as an operator starts it.

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

let folder: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-relay-'));
});

afterEach(async () => {
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

interface Run {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly exit: Promise<number | null>;
}

/** Starts the relay in `folder`, where it finds a configuration or none. */
function run(...options: string[]): Run {
  const child = spawn(
    process.execPath,
    ['--import', import.meta.resolve('tsx'), join(PROJECT, 'relay/main.ts'), ...options],
    { cwd: folder, env: { PATH: process.env.PATH } },
  );
  children.push(child);
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  child.stderr.on('data', (chunk) => (text += chunk));
  return { child, out: () => text, exit: once(child, 'close').then(([code]) => code) };
}

function configFile(name: string, document: unknown): string {
  const file = join(folder, name);
  writeFileSync(file, typeof document === 'string' ? document : JSON.stringify(document));
  return file;
}

const CONFIG = {
  listen: { host: '127.0.0.1', port: 0 },
  gateways: [{ id: 'office', name: 'Office', address: '127.0.0.2' }],
};

test('starts without a configuration, says so, and stops on a signal', async () => {
  const { child, out, exit } = run('--no-portal', '--port', '0');
  await eventually(() => out().includes('start again'));
  expect(out()).toMatch(
    /^The relay is ready at ws:\/\/127\.0\.0\.1:\d+\/culvert\nNo gateway is configured\./,
  );
  const port = /:(\d+)\/culvert/.exec(out())![1];
  const reply = await fetch(`http://127.0.0.1:${port}/culvert/gateways`);
  expect(await reply.json()).toEqual({ gateways: [] });
  child.kill('SIGTERM');
  expect(await exit).toBe(0);
});

test('goes on, and stops in order, where nobody reads its log any more', async () => {
  configFile('culvert.config.json', CONFIG);
  const { child, out, exit } = run('--no-portal');
  await eventually(() => out().includes('gateway office'));
  const { port } = new URL(/ws:\S+/.exec(out())![0]);
  child.stdout!.destroy();
  child.stderr!.destroy();
  for (let i = 0; i < 3; i++) {
    const url = `http://127.0.0.1:${port}/culvert`;
    const refused = request(url, { headers: { Connection: 'Upgrade', Upgrade: 'websocket' } });
    const [{ statusCode }] = await once(refused.end(), 'response');
    expect(statusCode).toBe(400);
    child.kill('SIGUSR2');
    expect((await fetch(`${url}/health`)).status).toBe(200);
  }
  child.kill('SIGTERM');
  expect(await exit).toBe(0);
});

test('finds culvert.config.json where it is started', async () => {
  configFile('culvert.config.json', CONFIG);
  const { child, out, exit } = run('--no-portal');
  await eventually(() => out().includes('gateway office: Office (127.0.0.2)'));
  child.kill('SIGINT');
  expect(await exit).toBe(0);
});

test('warns when it is open, and reports its totals on SIGUSR2', async () => {
  const file = configFile('open.json', {
    ...CONFIG,
    listen: { host: '0.0.0.0', port: 0 },
    open: true,
    portal: false,
    addon: false,
  });
  const { child, out } = run('--config', file);
  await eventually(() => out().includes('Any host name is accepted'));
  await eventually(() =>
    out().includes('ESP: in UDP 4500 (protocol 50 needs the addon and CAP_NET_RAW).'),
  );
  expect(out()).toContain('Warning: anyone who reaches 0.0.0.0 can send packets of IKE, ESP');
  child.kill('SIGUSR2');
  const line = await eventually(() => /^\{.*\}$/m.exec(out())?.[0]);
  const { time, rssBytes, datagrams, ...report } = JSON.parse(line);
  expect(time).toMatch(/^\d{4}-\d\d-\d\dT/);
  expect(rssBytes).toBeGreaterThan(1e6);
  expect(Object.values(datagrams)).toEqual(Object.values(datagrams).map(() => 0));
  expect(report).toEqual({
    sessions: 0,
    opened: 0,
    connections: 0,
    connectionsRefused: 0,
    refused: {},
    logLinesLeftOut: 0,
  });
  child.kill('SIGTERM');
});

test('starts the playground beside it, and one signal ends both', async () => {
  const { child, out, exit } = run('--no-portal', '--playground', '--port', '0');
  await eventually(() => out().includes('gateway playground: Playground (127.0.0.1)'));
  const port = /:(\d+)\/culvert/.exec(out())![1];
  const reply = await fetch(`http://127.0.0.1:${port}/culvert/playground`);
  expect(await reply.json()).toEqual({
    preSharedKey: 'playground',
    userName: expect.stringMatching(/^visitor-/),
    password: expect.stringMatching(/^[0-9a-f]{24}$/),
    bookmarks: expect.arrayContaining([
      expect.objectContaining({ url: 'http://wiki.intranet.test/' }),
    ]),
  });
  child.kill('SIGTERM');
  // The output closes when the last of the two processes has ended.
  expect(await exit).toBe(0);
});

test('the playground’s id is its own', async () => {
  const gateways = [{ id: 'playground', name: 'Mine', address: '127.0.0.2' }];
  const file = configFile('mine.json', { ...CONFIG, gateways });
  const { out, exit } = run('--no-portal', '--playground', '--config', file);
  expect(await exit).toBe(2);
  expect(out()).toContain('“playground” is the id of the playground itself');
});

test('a bad configuration stops the start and names the key', async () => {
  const file = configFile('bad.json', {
    ...CONFIG,
    gateways: [{ id: 'a', name: 'A', psk: 'hunter2' }],
  });
  const { out, exit } = run('--no-portal', '--config', file);
  expect(await exit).toBe(2);
  expect(out()).toContain('gateways[0].address: is required');
  expect(out()).toContain('gateways[0].psk: secrets do not belong in this file');
  expect(out()).not.toContain('hunter2');
  expect(out()).not.toContain('    at ');
});

test('a port that is taken is said in plain words', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const { out, exit } = run('--no-portal', '--port', String(port));
  expect(await exit).toBe(2);
  other.close();
  expect(out()).toBe(
    `Port ${port} on 127.0.0.1 is already taken. Stop the other program, or choose another port with --port.\n`,
  );
});

test.each([
  ['a file that is not there', ['--config', 'gone.json'], 'gone.json: cannot be read (ENOENT).'],
  [
    'an address of another machine',
    ['--no-portal', '--host', '192.0.2.1', '--config', 'open.json'],
    '192.0.2.1 is not an address',
  ],
  [
    'an address that others reach',
    ['--no-portal', '--host', '0.0.0.0', '--config', 'plain.json'],
    'open: must be true for the relay to listen on 0.0.0.0.',
  ],
  ['an unknown option', ['--prot', '1'], 'Usage:'],
])('%s ends with exit status 2', async (_what, options, words) => {
  configFile('plain.json', CONFIG);
  configFile('open.json', { ...CONFIG, open: true });
  const { out, exit } = run(...options);
  expect(await exit).toBe(2);
  expect(out()).toContain(words);
});
