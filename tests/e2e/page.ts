/** The portal driven as a person would: by labels, roles and visible words only. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Locator, Page } from 'playwright-core';

/** Longest wait for a tunnel, in milliseconds. */
const CONNECT_TIMEOUT = 60_000;

export interface Credentials {
  /** The profile's id. */
  readonly gateway: string;
  readonly preSharedKey: string;
  readonly userName: string;
  readonly password: string;
}

/** The status region. */
export function status(page: Page): Locator {
  return page.getByRole('status');
}

/** The visible `Connect`, `Cancel` or `Disconnect` button. */
export function mainButton(page: Page, name: 'Connect' | 'Cancel' | 'Disconnect'): Locator {
  return page.getByRole('button', { name, exact: true });
}

/** Fills in the sign-in form. */
export async function fillSignIn(page: Page, credentials: Credentials): Promise<void> {
  const gateway = page.getByLabel('Gateway', { exact: true });
  await gateway.locator(`option[value="${credentials.gateway}"]`).waitFor({ state: 'attached' });
  await gateway.selectOption(credentials.gateway);
  await page.getByLabel('Pre-shared key', { exact: true }).fill(credentials.preSharedKey);
  await page.getByLabel('User name', { exact: true }).fill(credentials.userName);
  await page.getByLabel('Password', { exact: true }).fill(credentials.password);
}

/**
 * Signs in and answers the titles of the status line in the order in which they were shown.
 * Throws with the page's own words when the tunnel fails.
 */
export async function connect(page: Page, credentials: Credentials): Promise<readonly string[]> {
  await fillSignIn(page, credentials);
  const titles = await watchStatus(page);
  await mainButton(page, 'Connect').click();
  await connected(page);
  return titles();
}

/** Waits until the status says `Connected`. Throws with the alert's words when it fails instead. */
export async function connected(page: Page): Promise<void> {
  const stands = status(page).getByText('Connected', { exact: true });
  const alert = page.getByRole('alert');
  await stands.or(alert).first().waitFor({ timeout: CONNECT_TIMEOUT });
  if (await alert.isVisible()) throw new Error(`not connected: ${await alert.innerText()}`);
}

/** Presses `Disconnect` and waits until one can connect again. */
export async function disconnect(page: Page): Promise<void> {
  await mainButton(page, 'Disconnect').click();
  await mainButton(page, 'Connect').waitFor({ timeout: 10_000 });
}

/** The value beside `term` in the connection's details. */
export async function detail(page: Page, term: string): Promise<string> {
  const panel = page.getByRole('region', { name: 'Connection', exact: true });
  const row = panel.locator('dl > div').filter({ has: page.getByText(term, { exact: true }) });
  return (await row.locator('dd').innerText()).trim();
}

export interface PingResults {
  /** One line per reply or failure, as shown. */
  readonly rows: readonly string[];
  readonly summary: string;
}

/** Pings `host` and waits for the summary. */
export async function ping(page: Page, host: string): Promise<PingResults> {
  await page.getByLabel('Host', { exact: true }).fill(host);
  await page.getByRole('button', { name: 'Ping', exact: true }).click();
  const results = page.getByRole('region', { name: 'Ping results' });
  const summary = results.getByText(/\d of \d answered/);
  await summary.waitFor({ timeout: 60_000 });
  return {
    rows: await results.locator('tbody tr').allInnerTexts(),
    summary: await summary.innerText(),
  };
}

export interface FetchFigures {
  readonly status: string;
  readonly size: string;
  readonly sha256: string;
}

/** Fetches `url` and waits for the answer. Throws with the page's own words when it fails. */
export async function fetchUrl(page: Page, url: string, timeout = 120_000): Promise<FetchFigures> {
  await page.getByLabel('URL', { exact: true }).fill(url);
  await page.getByRole('button', { name: 'Fetch', exact: true }).click();
  const result = fetchResult(page);
  await result.getByRole('progressbar').waitFor({ state: 'detached', timeout });
  const digest = result.getByText(/^[0-9a-f]{64}$/);
  if (!(await digest.isVisible())) throw new Error(`not fetched: ${await result.innerText()}`);
  const figure = async (term: string): Promise<string> => {
    const row = result.locator('dl > div').filter({ has: page.getByText(term, { exact: true }) });
    return (await row.locator('dd').innerText()).trim();
  };
  return {
    status: await figure('Status'),
    size: await figure('Size'),
    sha256: await digest.innerText(),
  };
}

/** Fetches a long file from the playground and cancels that once something has arrived. */
export async function cancelledFetch(page: Page): Promise<void> {
  await page
    .getByLabel('URL', { exact: true })
    .fill('http://speed.intranet.test/down?bytes=100000000');
  await page.getByRole('button', { name: 'Fetch', exact: true }).click();
  const result = fetchResult(page);
  await result.getByText(/\d MB of 100\.0 MB/).waitFor();
  const tool = page.getByRole('region', { name: 'Fetch', exact: true });
  await tool.getByRole('button', { name: 'Cancel' }).click();
  await result.getByText('Cancelled after').waitFor();
}

/** The region that holds what `Fetch` brought. */
export function fetchResult(page: Page): Locator {
  return page.getByRole('region', { name: 'Fetch result' });
}

/** Accessibility violations on the page as it stands, one line each (axe-core, WCAG 2.2 A and AA). */
export async function axeViolations(page: Page): Promise<readonly string[]> {
  const path = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
  // Through the debugger rather than a script element, which the page's CSP would refuse.
  await page.evaluate(await readFile(path, 'utf8'));
  return await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') };
    const { violations } = await axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    });
    return violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`,
    );
  });
}

/** The appearances every screen is looked at in. */
export const APPEARANCES = {
  light: { width: 1280, height: 900, colorScheme: 'light' },
  dark: { width: 1280, height: 900, colorScheme: 'dark' },
  phone: { width: 360, height: 780, colorScheme: 'light' },
} as const;

/** Shows the page in one of the `APPEARANCES`. */
export async function appear(page: Page, name: keyof typeof APPEARANCES): Promise<void> {
  const { width, height, colorScheme } = APPEARANCES[name];
  await page.setViewportSize({ width, height });
  // Without motion, so that a picture never catches a colour half-way.
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  await page.evaluate(() => scrollTo(0, 0));
}

/** Writes `<folder>/<name>-<appearance>.png` in each appearance, the whole page. */
export async function screenshots(page: Page, folder: string, name: string): Promise<void> {
  for (const appearance of Object.keys(APPEARANCES) as (keyof typeof APPEARANCES)[]) {
    await appear(page, appearance);
    await page.screenshot({ path: `${folder}/${name}-${appearance}.png`, fullPage: true });
  }
  await appear(page, 'light');
}

/** How far the page is wider than its window, in pixels: sideways scrolling is a defect. */
export async function overflow(page: Page): Promise<number> {
  return await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
}

/** Collects the status line's titles from now on; the answer reads what was seen so far. */
async function watchStatus(page: Page): Promise<() => Promise<readonly string[]>> {
  const seen = await status(page).evaluateHandle((region) => {
    const titles: string[] = [];
    new MutationObserver(() => {
      const title = region.querySelector('strong')?.textContent ?? '';
      if (titles.at(-1) !== title) titles.push(title);
    }).observe(region, { childList: true, characterData: true, subtree: true });
    return titles;
  });
  return async () => await seen.jsonValue();
}
