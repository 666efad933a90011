/** The packet inspector over a simulated session: list, filters, details and downloads, as real Chromium shows them. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { SESSION_PASSWORD } from '../support/simulated-session.ts';
import { appear, axeViolations, connect, disconnect, overflow, screenshots } from './page.ts';
import { launch, openPage } from './support/browser.ts';
import { screenshotFolder } from './support/environment.ts';
import { type StagedPortal, stagePortal } from './support/staged-portal.ts';

let folder: string;
let portal: StagedPortal;
let browser: Browser;
let page: Page;
let complaints: readonly string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-portal-'));
  const gateways = [
    { id: 'demo', name: 'Head office' },
    { id: 'pap-only', name: 'Old factory' },
  ];
  portal = await stagePortal(folder, { json: { gateways } });
  browser = await launch();
});

afterAll(async () => {
  await browser?.close();
  await portal?.close();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  ({ page, complaints } = await openPage(browser, portal.url));
});

afterEach(async () => {
  await page.context().close();
});

const packets = (): Locator => page.getByRole('listbox', { name: 'Packets' });
const packet = (name: string | RegExp): Locator => packets().getByRole('option', { name });
const layer = (name: string | RegExp): Locator => page.getByRole('treeitem', { name });

async function dial(gateway = 'demo'): Promise<void> {
  const credentials = { gateway, preSharedKey: 'sesame', userName: 'alice', password: 'x' };
  await connect(page, credentials);
}

test('shows a dial as a ladder, takes a packet apart, and looks right while it does', async () => {
  await page.getByRole('button', { name: 'Show packets' }).click();
  await page.getByText('Nothing has passed yet.').waitFor();
  await dial();
  await packet(/HTTP request: GET \/menu/).click();
  await page.getByRole('heading', { name: /HTTP request: GET \/menu/ }).waitFor();
  const layers = await page.getByRole('treeitem').locator('.tree-name').allInnerTexts();
  expect(layers.join(' ')).toMatch(/^Relay record IP UDP ESP UDP L2TP PPP IP TCP HTTP /);
  await layer('TCP').click();
  await layer(/^Sequence Number/).click();
  expect((await page.locator('.hex mark').allInnerTexts()).join(' ')).toMatch(
    /^(?:[0-9a-f]{2} ?){4}/,
  );
  for (const appearance of ['light', 'dark', 'phone'] as const) {
    await appear(page, appearance);
    expect(await axeViolations(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
  }
  await screenshots(page, screenshotFolder(), 'packets');
  expect(complaints).toEqual([]);
});
