/** The packet inspector over a simulated session: list, filters, details and downloads, as real Chromium shows them. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { SESSION_PASSWORD } from '../../support/simulated-session.ts';
import {
  appear,
  axeViolations,
  connect,
  disconnect,
  fillSignIn,
  mainButton,
  overflow,
  screenshots,
} from '../page.ts';
import { launch, openPage } from '../support/browser.ts';
import { screenshotFolder } from '../support/environment.ts';
import { type StagedPortal, stagePortal } from '../support/staged-portal.ts';

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

test('is walked through with the keyboard alone', async () => {
  await page.getByRole('button', { name: 'Show packets' }).focus();
  await page.keyboard.press('Enter');
  await dial();
  await packet(/HTTP request/).waitFor();
  await packets().focus();
  await page.keyboard.press('Home');
  await page.getByRole('heading', { name: /^Relay: Asks|^IKE: Main mode 1/ }).waitFor();
  await page.keyboard.press('End');
  await page.getByRole('heading', { name: 'IKE: Deletes the IKE SA' }).waitFor();
  await page.keyboard.press('ArrowUp');
  await page.getByRole('heading', { name: 'IKE: Deletes 1 ESP SA' }).waitFor();
  const selected = packets().getByRole('option', { selected: true });
  expect(await packets().getAttribute('aria-activedescendant')).toBe(
    await selected.getAttribute('id'),
  );
  const decrypted = layer('ISAKMP payloads');
  await decrypted.focus();
  expect(await decrypted.getAttribute('aria-expanded')).toBe('true');
  await page.keyboard.press('End');
  await page.keyboard.press('ArrowLeft');
  await expect.poll(() => layer('ISAKMP payloads').evaluate(hasFocus)).toBe(true);
  await page.keyboard.press('ArrowLeft');
  await expect.poll(() => decrypted.getAttribute('aria-expanded')).toBe('false');
});

test('lists what is asked for, stands still, and forgets', async () => {
  await page.getByRole('button', { name: 'Show packets' }).click();
  await dial();
  await packet(/HTTP request/).waitFor();
  await page.getByLabel('Protocol').selectOption('DNS');
  await expect.poll(() => packets().getByRole('option').count()).toBe(1);
  await page.getByLabel('Protocol').selectOption('All');
  await page.getByLabel('Contains').fill('main MODE');
  await expect.poll(() => packets().getByRole('option').count()).toBe(6);
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByText('The list stands still').waitFor();
  await page.getByRole('button', { name: 'Clear' }).click();
  await page.getByText('Nothing has passed yet.').waitFor();
  expect(await packets().getByRole('option').count()).toBe(0);
});

test('shows no password of PAP, and says where it is', async () => {
  await page.getByRole('button', { name: 'Show packets' }).click();
  await fillSignIn(page, { gateway: 'pap-only', preSharedKey: 'k', userName: 'a', password: 'x' });
  await mainButton(page, 'Connect').click();
  await page.getByRole('button', { name: 'Allow PAP' }).click();
  await mainButton(page, 'Connect').click();
  await packet(/PAP: signs in as “alice”/).click();
  await layer(/^Password not shown/).click();
  await page.getByText('The password is not shown here').waitFor();
  expect((await page.locator('.hex mark').allInnerTexts()).join('')).toMatch(/^[• ]+$/);
  expect(await page.locator('.hex').innerText()).not.toContain(SESSION_PASSWORD);
});

test('records while it is closed when that is asked for, and hands over both files', async () => {
  await page.getByLabel('Record packets').check();
  await dial();
  await disconnect(page);
  await page.getByRole('button', { name: 'Show packets' }).click();
  await packet(/HTTP request/).waitFor();
  const file = await saved('Download capture (decrypted)');
  expect(file.subarray(0, 4).toString('hex')).toBe('0a0d0d0a');
  expect(file.includes('GET /menu HTTP/1.1')).toBe(true);
  expect((await saved('Download keys')).toString()).toContain('# ikev1_decryption_table\n');
  expect(complaints).toEqual([]);
});

function hasFocus(element: Element): boolean {
  return element === document.activeElement;
}

/** What a button hands over as a file. */
async function saved(button: string): Promise<Buffer> {
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: button }).click();
  return await readFile(await (await download).path());
}
