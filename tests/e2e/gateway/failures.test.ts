/** Failures that a person meets, with page, relay and gateway as they are: the relay is this test's own, to be stopped. */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Daemon } from '../../interop/support/daemon.ts';
import { GATEWAY_ADDRESS } from '../../interop/support/network.ts';
import { nodeArguments, ROOT } from '../../interop/support/node-script.ts';
import {
  type Credentials,
  connect,
  connected,
  disconnect,
  fetchResult,
  fetchUrl,
  fillSignIn,
  mainButton,
} from '../page.ts';
import { launch, openPage } from '../support/browser.ts';
import { environment } from '../support/environment.ts';

const PORT = 8444;
const PORTAL = `http://127.0.0.1:${PORT}/`;

/** What `docs/errors.md` promises, and a moment for the screen. */
const DEAD_GATEWAY_MILLIS = 55_000;
const AT_ONCE_MILLIS = 3_000;

const expected = environment();
const credentials: Credentials = expected;
let browser: Browser;
let folder: string;
let relay: Daemon;
let page: Page;

async function startRelay(...gateways: readonly string[]): Promise<void> {
  const file = join(folder, 'culvert.config.json');
  const list = gateways.map((id) => ({ id, name: id, address: GATEWAY_ADDRESS }));
  writeFileSync(
    file,
    JSON.stringify({ listen: { host: '127.0.0.1', port: PORT }, gateways: list }),
  );
  const command = nodeArguments('relay/main.ts', ['--config', file]);
  relay = new Daemon('relay', spawn(process.execPath, command, { cwd: ROOT }));
  await relay.until('listening', () => relay.holdsPort('tcp', PORT));
}

/** The code in the alert, once it is there. */
async function failure(timeout: number): Promise<string> {
  const alert = page.getByRole('alert');
  await alert.waitFor({ timeout });
  return await alert.locator('.failure-code').innerText();
}

async function expectStillTyped(): Promise<void> {
  const value = (label: string) => page.getByLabel(label, { exact: true }).inputValue();
  expect(await value('Pre-shared key')).toBe(credentials.preSharedKey);
  expect(await value('User name')).toBe(credentials.userName);
  expect(await value('Password')).toBe(credentials.password);
}

/** Without typing anything again. */
async function connectAgain(): Promise<void> {
  await mainButton(page, 'Connect').click();
  await page.getByRole('alert').waitFor({ state: 'detached' });
  await connected(page);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-failures-'));
  browser = await launch();
});

afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  await startRelay(credentials.gateway);
  ({ page } = await openPage(browser, PORTAL));
});

afterEach(async () => {
  if (await mainButton(page, 'Disconnect').isVisible()) await disconnect(page);
  await page.context().close();
  await relay.stop();
});

test('a relay that is stopped while connected is named; once it runs again, Connect is all it takes', async () => {
  await connect(page, credentials);
  await relay.stop();
  expect(await failure(AT_ONCE_MILLIS)).toBe('RELAY_CLOSED');
  await expectStillTyped();
  await mainButton(page, 'Connect').click();
  await page.getByRole('alert').getByText('RELAY_UNREACHABLE').waitFor({ timeout: AT_ONCE_MILLIS });
  await expectStillTyped();
  await startRelay(credentials.gateway);
  await connectAgain();
});

test('a gateway that was removed from the relay is named', async () => {
  await fillSignIn(page, credentials);
  await relay.stop();
  await startRelay('another');
  await mainButton(page, 'Connect').click();
  expect(await failure(AT_ONCE_MILLIS)).toBe('RELAY_UNKNOWN_GATEWAY');
  await expectStillTyped();
});

test('a gateway that dies while connected is missed within a minute', async () => {
  await connect(page, credentials);
  // Stopped, not killed: nothing says that it is gone, and the other tests need it again.
  process.kill(expected.gatewayPid, 'SIGSTOP');
  try {
    expect(await failure(DEAD_GATEWAY_MILLIS)).toMatch(/^(IKE|L2TP)_DEAD_PEER$/);
  } finally {
    process.kill(expected.gatewayPid, 'SIGCONT');
  }
  await expectStillTyped();
  await connectAgain();
});

test('a device that is offline is told so at once', async () => {
  await fillSignIn(page, credentials);
  await page.context().setOffline(true);
  await mainButton(page, 'Connect').click();
  expect(await failure(AT_ONCE_MILLIS)).toBe('TAB_OFFLINE');
  await expectStillTyped();
  await page.context().setOffline(false);
  await connectAgain();
});

test('a fetch under way can be cancelled, and the next one is whole', async () => {
  await connect(page, credentials);
  const result = fetchResult(page);
  // From within the page: the file is here before a click from outside would be.
  const pressed = result.evaluate(
    (region) =>
      new Promise<void>((resolve) => {
        const observer = new MutationObserver(() => {
          if (!/[1-9][\d.]* [kM]B/.test(region.textContent ?? '')) return;
          const buttons = [...document.querySelectorAll('button')];
          buttons.find(({ textContent }) => textContent === 'Cancel')?.click();
          observer.disconnect();
          resolve();
        });
        observer.observe(region, { childList: true, characterData: true, subtree: true });
      }),
  );
  await page.getByLabel('URL', { exact: true }).fill(expected.fileUrl);
  await page.getByRole('button', { name: 'Fetch', exact: true }).click();
  await pressed;
  await result.getByText('Cancelled after').waitFor();
  expect((await fetchUrl(page, expected.fileUrl)).sha256).toBe(expected.fileSha256);
});
