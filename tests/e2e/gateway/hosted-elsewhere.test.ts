/** The portal on one origin, its relay on another: by what docs/operate.md tells the operator to do. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Relay, startRelay } from '../../../relay/server.ts';
import { fillSignIn, mainButton } from '../page.ts';
import { launch, openPage } from '../support/browser.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PORTAL = join(ROOT, 'dist/portal');

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

let browser: Browser;
let server: Server;
let origin: string;
let relay: Relay;
/** What `culvert.json` says. */
let location: string;

beforeAll(async () => {
  browser = await launch();
  server = createServer(async ({ url = '/' }, response) => {
    const path = url === '/' ? '/index.html' : url;
    for (const [name, value] of headers(`127.0.0.1:${relay.port}`)) response.setHeader(name, value);
    response.setHeader('Content-Type', TYPES[extname(path)] ?? 'text/plain');
    response.end(path === '/culvert.json' ? location : await readFile(join(PORTAL, path)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  relay = await startRelay({
    listen: { host: '127.0.0.1', port: 0 },
    portal: false,
    // A port where nothing listens: that the tab gets this far is what counts.
    gateways: [{ id: 'far', name: 'Far away', address: '127.0.0.9' }],
    origins: [origin],
  });
});

afterAll(async () => {
  await browser.close();
  server.closeAllConnections();
  server.close();
  await relay.close();
});

/** The headers of the example, with the relay at `authority` and without TLS. */
function headers(authority: string): readonly (readonly [string, string])[] {
  const page = readFileSync(join(ROOT, 'docs/operate.md'), 'utf8');
  const found = page.matchAll(/^ {2}add_header (\S+) "(.*)" always;$/gm);
  return [...found].map(([, name, value]) => [
    name!,
    value!
      .replace('https://relay.example', `http://${authority}`)
      .replace('wss://relay.example', `ws://${authority}`),
  ]);
}

test('the page lists the relay’s gateways and opens a session there', async () => {
  location = JSON.stringify({ relay: `http://127.0.0.1:${relay.port}` });
  const { page, complaints } = await openPage(browser, origin);
  await fillSignIn(page, { gateway: 'far', preSharedKey: 'k', userName: 'u', password: 'p' });
  await mainButton(page, 'Connect').click();
  await page.getByRole('alert').getByText('IKE_UNREACHABLE').waitFor();
  expect(relay.report()).toMatchObject({ opened: 1, refused: {} });
  expect(complaints).toEqual([]);
});

test('a file that cannot be used is said', async () => {
  location = '{ "relay": "relay.example" }';
  const { page } = await openPage(browser, origin);
  await page.getByText('“relay” in culvert.json is not an origin').waitFor();
});

test('a page that the relay does not list gets nothing', async () => {
  location = JSON.stringify({ relay: `http://127.0.0.1:${relay.port}` });
  const { page } = await openPage(browser, origin.replace('127.0.0.1', 'localhost'));
  await page.getByText('RELAY_UNREACHABLE').waitFor();
  expect(relay.report().opened).toBe(1);
});
