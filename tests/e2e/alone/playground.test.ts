/** Who has no gateway: the program as `npm start` runs it, its playground, and one click. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  appear,
  axeViolations,
  cancelledFetch,
  connected,
  detail,
  fetchResult,
  fetchUrl,
  mainButton,
  overflow,
  ping,
  screenshots,
  status,
} from '../page.ts';
import { launch, openPage } from '../support/browser.ts';
import { screenshotFolder } from '../support/environment.ts';
import { type Program, startProgram } from '../support/program.ts';

let program: Program;
let url: string;
let browser: Browser;
let page: Page;
let complaints: readonly string[];

beforeAll(async () => {
  program = await startProgram();
  ({ url } = program);
  browser = await launch();
});

afterAll(async () => {
  await browser?.close();
  await program?.stop();
});

beforeEach(async () => {
  ({ page, complaints } = await openPage(browser, url));
});

afterEach(async () => {
  await page.context().close();
});

const oneClick = () => page.getByRole('button', { name: 'Connect to the playground', exact: true });

test('one click connects, and what is there answers', async () => {
  await oneClick().click();
  await connected(page);
  expect(await detail(page, 'Peer')).toBe('10.99.0.1');
  expect(await detail(page, 'Transport')).toBe('UDP 4500');
  expect(await detail(page, 'Authentication')).toBe('MS-CHAPv2');
  expect((await ping(page, 'wiki.intranet.test')).summary).toMatch(/^4 of 4 answered/);
  await page.getByRole('button', { name: 'Wiki', exact: true }).click();
  const wiki = fetchResult(page);
  await wiki.getByText('200 OK', { exact: true }).waitFor();
  // The page's source: a stranger's HTML is never rendered.
  expect(await wiki.innerText()).toContain('wiki.intranet.test</title>');
  await screenshots(page, screenshotFolder(), 'playground');
  for (const appearance of ['light', 'dark', 'phone'] as const) {
    await appear(page, appearance);
    expect(await axeViolations(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
  }
  await mainButton(page, 'Disconnect').click();
  await oneClick().click();
  await connected(page);
  expect(complaints).toEqual([]);
});

test('a certificate that no browser knows is what is said to be wrong, more than once', async () => {
  await oneClick().click();
  await connected(page);
  for (let times = 0; times < 2; times += 1) {
    const fetching = fetchUrl(page, 'https://wiki.intranet.test/');
    await expect(fetching).rejects.toThrow(/certificate.*HTTP_FAILED/s);
  }
});

test('who presses before the account is there is connected once it is', async () => {
  let deliver!: () => void;
  const held = new Promise<void>((resolve) => {
    deliver = resolve;
  });
  await page.route('**/culvert/playground', async (route) => {
    await held;
    await route.continue();
  });
  await page.reload();
  await oneClick().click();
  await page.getByRole('button', { name: 'Making an account…', exact: true }).waitFor();
  deliver();
  await connected(page);
  expect(complaints).toEqual([]);
});

test('who presses in the moment in which the account arrives is connected', async () => {
  await page.addInitScript(() => {
    // A busy machine draws late, and what the page puts off until then is late as well.
    window.requestAnimationFrame = () => 0;
    const { json } = Response.prototype;
    Response.prototype.json = async function (this: Response) {
      if (this.url.endsWith('/culvert/playground')) {
        setTimeout(() => {
          const buttons = [...document.querySelectorAll('button')];
          buttons.find(({ textContent }) => textContent === 'Connect to the playground')?.click();
        }, 5);
      }
      return await json.call(this);
    };
  });
  await page.reload();
  await connected(page);
  expect(complaints).toEqual([]);
});

test('two visitors have accounts and addresses of their own', async () => {
  const other = await openPage(browser, url);
  const visitors = [page, other.page];
  const accounts: string[] = [];
  for (const visitor of visitors) {
    await visitor.getByRole('button', { name: 'Connect to the playground' }).click();
    await connected(visitor);
    accounts.push(await visitor.getByLabel('User name', { exact: true }).inputValue());
  }
  expect(new Set(accounts).size).toBe(2);
  expect(await detail(page, 'Assigned address')).not.toBe(
    await detail(other.page, 'Assigned address'),
  );
  await other.page.context().close();
});

test('a link names the gateway and an address, and dials only when it is pressed', async () => {
  const target = 'http://wiki.intranet.test/';
  await page.goto(`${url}#/connect/playground?open=${encodeURIComponent(target)}`);
  await page.reload();
  await oneClick().waitFor();
  expect(await status(page).innerText()).toContain('Ready to connect');
  await oneClick().click();
  await connected(page);
  expect(await page.getByLabel('URL', { exact: true }).inputValue()).toBe(target);
  expect(await page.getByRole('region', { name: 'Fetch result' }).innerText()).toBe('');
});

test('after a fetch that was cancelled one can disconnect and connect again', async () => {
  await oneClick().click();
  await connected(page);
  await cancelledFetch(page);
  expect((await fetchUrl(page, 'http://wiki.intranet.test/')).status).toBe('200 OK');
  await mainButton(page, 'Disconnect').click();
  await oneClick().click();
  await connected(page);
  expect((await fetchUrl(page, 'http://wiki.intranet.test/')).status).toBe('200 OK');
  expect(complaints).toEqual([]);
});
