/** What a person does first, in Firefox: connect to the playground, look around, break something. */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { eventually } from '../../unit/relay/support.ts';
import {
  axeViolations,
  cancelledFetch,
  connected,
  detail,
  fetchUrl,
  mainButton,
  overflow,
  ping,
} from '../page.ts';
import { openPage } from '../support/browser.ts';
import { launchFirefox } from '../support/firefox.ts';
import { type Program, startProgram } from '../support/program.ts';

let program: Program;
let browser: Browser;
let page: Page;
let complaints: readonly string[];
let downloads: string;

beforeAll(async () => {
  downloads = await mkdtemp(join(tmpdir(), 'culvert-downloads-'));
  program = await startProgram();
  browser = await launchFirefox(downloads);
});

afterAll(async () => {
  await browser?.close();
  await program?.stop();
  await rm(downloads, { recursive: true, force: true });
});

beforeEach(async () => {
  ({ page, complaints } = await openPage(browser, program.url));
});

afterEach(async () => {
  await page.context().close();
});

const oneClick = () => page.getByRole('button', { name: 'Connect to the playground', exact: true });

async function dial(): Promise<void> {
  await oneClick().click();
  await connected(page);
}

/** What a button has saved under a name that ends so, once it is written as far as `text`. */
async function saved(button: string, ending: string, text: string): Promise<Buffer> {
  await page.getByRole('button', { name: button }).click();
  return await eventually(() => {
    const name = readdirSync(downloads).find((each) => each.endsWith(ending));
    const content = name === undefined ? undefined : readFileSync(join(downloads, name));
    return content?.includes(text) && content;
  });
}

test('connects, pings, fetches, looks right, and connects again', async () => {
  await dial();
  expect(await detail(page, 'Transport')).toBe('UDP 4500');
  expect((await ping(page, 'wiki.intranet.test')).summary).toMatch(/^4 of 4 answered/);
  const url = 'http://speed.intranet.test/down?bytes=10000000';
  const { status, size } = await fetchUrl(page, url);
  expect([status, size]).toEqual(['200 OK', '10.0 MB (10,000,000 bytes)']);
  expect(await axeViolations(page)).toEqual([]);
  for (const width of [360, 1280]) {
    await page.setViewportSize({ width, height: 900 });
    expect(await overflow(page)).toBe(0);
  }
  await mainButton(page, 'Disconnect').click();
  await dial();
  expect(complaints).toEqual([]);
});

test('its clock is fine enough for round trips, and the best build of the module runs', async () => {
  const fetched: string[] = [];
  page.on('request', (request) => fetched.push(request.url()));
  await dial();
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  expect(fetched.filter((url) => /culvert\.\w+.*\.wasm$/.test(url))).toEqual([
    expect.stringContaining('culvert.relaxed'),
  ]);
});

test('every packet is shown, and saved with its keys', async () => {
  await page.getByRole('button', { name: 'Show packets' }).click();
  await dial();
  await fetchUrl(page, 'http://wiki.intranet.test/');
  const packets = page.getByRole('listbox', { name: 'Packets' });
  await page.getByLabel('Contains').fill('HTTP request');
  await packets.getByRole('option', { name: /HTTP request: GET \// }).click();
  await page.getByRole('heading', { name: /HTTP request: GET \// }).waitFor();
  await page.getByRole('treeitem', { name: 'TCP' }).waitFor();
  await mainButton(page, 'Disconnect').click();
  const capture = await saved('Download capture (decrypted)', '.pcapng', 'GET / HTTP/1.1');
  expect(capture.subarray(0, 4).toString('hex')).toBe('0a0d0d0a');
  await saved('Download keys', '.txt', '# ikev1_decryption_table\n');
  expect(complaints).toEqual([]);
});

test('a wrong password ends in plain words, and the right one connects afterwards', async () => {
  await oneClick().waitFor();
  const field = page.getByLabel('Password', { exact: true });
  const password = await field.inputValue();
  await field.fill(`not ${password}`);
  await oneClick().click();
  await page.getByRole('alert').getByText('PPP_AUTH_FAILED').waitFor();
  await field.fill(password);
  await dial();
  expect(complaints).toEqual([]);
});

test('after a fetch that was cancelled one can disconnect and connect again', async () => {
  await dial();
  await cancelledFetch(page);
  await mainButton(page, 'Disconnect').click();
  await dial();
  expect((await fetchUrl(page, 'http://wiki.intranet.test/')).status).toBe('200 OK');
  expect(complaints).toEqual([]);
});
