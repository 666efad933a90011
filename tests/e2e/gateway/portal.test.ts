/** The real thing: page, worker, relay and gateway; nothing in between is made up. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  appear,
  axeViolations,
  type Credentials,
  connect,
  connected,
  detail,
  disconnect,
  fetchUrl,
  fillSignIn,
  mainButton,
  overflow,
  ping,
  screenshots,
  status,
} from '../page.ts';
import { launch, openPage } from '../support/browser.ts';
import { environment, screenshotFolder } from '../support/environment.ts';

const expected = environment();
const credentials: Credentials = expected;
let browser: Browser;
let page: Page;
let complaints: readonly string[];

beforeAll(async () => {
  browser = await launch();
});

afterAll(async () => {
  await browser?.close();
});

beforeEach(async () => {
  ({ page, complaints } = await openPage(browser, expected.url));
});

afterEach(async () => {
  // The gateway hears a farewell, so that the next test finds it free.
  if (await mainButton(page, 'Disconnect').isVisible()) await disconnect(page);
  await page.context().close();
});

test('signs in, pings, fetches 20 MB, and looks right while it does', async () => {
  const titles = await connect(page, credentials);
  expect(titles.at(-1)).toBe('Connected');
  expect(titles).toContain('Agreeing on keys with the gateway…');
  expect(await detail(page, 'Assigned address')).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
  expect(await detail(page, 'Transport')).not.toBe('');

  const echoes = await ping(page, expected.pingHost);
  expect(echoes.summary).toMatch(/^4 of 4 answered; min \/ avg \/ max /);
  expect(echoes.rows).toHaveLength(4);

  const file = await fetchUrl(page, expected.fileUrl);
  expect(file.status).toMatch(/^200/);
  expect(file.sha256).toBe(expected.fileSha256);

  await screenshots(page, screenshotFolder(), 'connected');
  for (const appearance of ['light', 'dark', 'phone'] as const) {
    await appear(page, appearance);
    expect(await axeViolations(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
  }
  expect(complaints).toEqual([]);
});

test('disconnects, keeps what was typed, and connects again', async () => {
  await connect(page, credentials);
  await disconnect(page);
  expect(await status(page).innerText()).toContain('Ready to connect');
  expect(await page.getByLabel('User name', { exact: true }).inputValue()).toBe(
    credentials.userName,
  );
  await mainButton(page, 'Connect').click();
  await connected(page);
  expect((await ping(page, expected.pingHost)).summary).toMatch(/^4 of 4 answered/);
  expect(complaints).toEqual([]);
});

test('can be used with the keyboard alone', async () => {
  const gateway = page.getByLabel('Gateway', { exact: true });
  await gateway.locator(`option[value="${credentials.gateway}"]`).waitFor({ state: 'attached' });
  await page.keyboard.press('Tab');
  for (let tries = 0; (await gateway.inputValue()) !== credentials.gateway; tries += 1) {
    expect(tries).toBeLessThan(10);
    await page.keyboard.press('ArrowDown');
  }
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.type(credentials.preSharedKey);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.type(credentials.userName);
  await page.keyboard.press('Tab');
  await page.keyboard.type(credentials.password);
  await page.keyboard.press('Enter');
  await connected(page);
  await page.keyboard.press('Tab');
  await page.keyboard.type(expected.pingHost);
  await page.keyboard.press('Enter');
  const results = page.getByRole('region', { name: 'Ping results' });
  await results.getByText('4 of 4 answered').waitFor();
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Enter');
  await mainButton(page, 'Connect').waitFor({ timeout: 10_000 });
});

test('a wrong pre-shared key ends in plain words and the form keeps what was typed', async () => {
  await fillSignIn(page, { ...credentials, preSharedKey: `not ${credentials.preSharedKey}` });
  await mainButton(page, 'Connect').click();
  const alert = page.getByRole('alert');
  await alert.waitFor({ timeout: 90_000 });
  expect(await alert.innerText()).toContain('IKE_AUTHENTICATION_FAILED');
  expect(await page.getByLabel('Password', { exact: true }).inputValue()).toBe(
    credentials.password,
  );
});

test('a wrong password ends in plain words, and the right one connects afterwards', async () => {
  await fillSignIn(page, { ...credentials, password: `not ${credentials.password}` });
  await mainButton(page, 'Connect').click();
  const alert = page.getByRole('alert');
  await alert.waitFor({ timeout: 60_000 });
  expect(await alert.innerText()).toContain('PPP_AUTH_FAILED');
  await page.getByLabel('Password', { exact: true }).fill(credentials.password);
  await mainButton(page, 'Connect').click();
  await alert.waitFor({ state: 'detached' });
  await connected(page);
});
