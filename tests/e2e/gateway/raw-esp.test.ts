/** The built page over raw ESP, with a gateway that has it, while its packets are watched. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, detail, disconnect, fetchUrl, ping } from '../page.ts';
import { launch, openPage } from '../support/browser.ts';
import { environment } from '../support/environment.ts';

const expected = environment();
let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});

afterAll(async () => {
  await browser?.close();
});

test('connects, says that it is raw ESP, pings and fetches 20 MB', async () => {
  const { page, complaints } = await openPage(browser, expected.url);
  await page.getByRole('button', { name: 'Show packets' }).click();
  await connect(page, { ...expected, gateway: expected.rawGateway });
  expect(await detail(page, 'Transport')).toBe('Raw ESP');
  expect((await ping(page, expected.pingHost)).summary).toMatch(/^4 of 4 answered/);
  const file = await fetchUrl(page, expected.fileUrl);
  expect(file.sha256).toBe(expected.fileSha256);
  // A long download pushes out packets of its own, not how the tunnel began.
  await page.getByText(/older ones made room/).waitFor();
  await page.getByLabel('Protocol').selectOption('IKE');
  await page.getByRole('option', { name: /Main mode 1: offers algorithms/ }).click();
  await page.getByRole('treeitem', { name: 'ISAKMP' }).waitFor();
  await disconnect(page);

  await connect(page, { ...expected, gateway: expected.gateway });
  expect(await detail(page, 'Transport')).toBe('UDP 4500');
  await disconnect(page);
  expect(complaints).toEqual([]);
});
