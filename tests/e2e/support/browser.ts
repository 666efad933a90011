/** A real Chromium, and pages that report whatever went wrong in them. */
import { type Browser, chromium, type Page } from 'playwright-core';
import { chromiumPath } from './environment.ts';

export async function launch(): Promise<Browser> {
  // Test machines run as root, where Chromium's own sandbox does not.
  return await chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox'] });
}

export interface WatchedPage {
  readonly page: Page;
  /** Uncaught errors and error lines of the console, CSP violations among them. */
  readonly complaints: readonly string[];
}

/** A page in a context of its own. */
export async function openPage(browser: Browser, url: string): Promise<WatchedPage> {
  const context = await browser.newContext({ acceptDownloads: true });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.goto(url);
  return { page, complaints };
}
