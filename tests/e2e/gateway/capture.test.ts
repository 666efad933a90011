/** A real tunnel as the packet inspector saw it, read by Wireshark. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { connect, disconnect, fetchUrl, mainButton } from '../page.ts';
import { launch, openPage } from '../support/browser.ts';
import { environment } from '../support/environment.ts';
import { type Dissected, dissect, isFaulty } from '../support/wireshark.ts';

const expected = environment();
let browser: Browser;
let page: Page;
let complaints: readonly string[];
let folder: string;

beforeAll(async () => {
  browser = await launch();
});

afterAll(async () => {
  await browser?.close();
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culvert-capture-'));
  ({ page, complaints } = await openPage(browser, expected.url));
  await page.getByRole('button', { name: 'Show packets' }).click();
});

afterEach(async () => {
  if (await mainButton(page, 'Disconnect').isVisible()) await disconnect(page);
  await page.context().close();
  await rm(folder, { recursive: true, force: true });
});

/** Presses a download button; the answer is the file's path. */
async function save(button: string): Promise<string> {
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: button }).click();
  const path = join(folder, button);
  await (await download).saveAs(path);
  return path;
}

const tcp = ({ sourcePort, sequence, acknowledgment, flags, data }: Dissected) =>
  [sourcePort, sequence, acknowledgment, flags, data].join(' ');
const setUp = ({ ns, nr, message, ppp, chap }: Dissected) => [ns, nr, message, ppp, chap].join(' ');
const isIp = ({ ppp }: Dissected) => ppp === '0x0021' || ppp === '0x0057';

test('Wireshark understands sessions over UDP and raw ESP, and with the keys decrypts them', async () => {
  for (const gateway of [expected.gateway, expected.rawGateway]) {
    await connect(page, { ...expected, gateway });
    const { status } = await fetchUrl(page, new URL('/', expected.fileUrl).href);
    expect(status).toMatch(/^200/);
    await disconnect(page);
  }
  const capture = await save('Download capture (decrypted)');
  const keys = await readFile(await save('Download keys'), 'utf8');

  const packets = await dissect(folder, capture);
  expect(packets.filter(isFaulty)).toEqual([]);
  const on = (name: string) => packets.filter((packet) => packet.on === name);
  const has = (protocol: string) => (packet: Dissected) =>
    packet.protocols.split(':').includes(protocol);
  const [outer, inner, l2tp] = [on('outer'), on('inner'), on('l2tp')];
  // Main mode has six messages and Quick Mode three, twice.
  expect(outer.filter(has('isakmp')).length).toBeGreaterThanOrEqual(18);
  const encrypted = outer.filter(has('esp'));
  expect(encrypted.filter(has('udpencap')).length).toBeGreaterThan(20);
  expect(encrypted.filter((packet) => !has('udp')(packet)).length).toBeGreaterThan(20);
  expect(outer.some(has('l2tp'))).toBe(false);
  expect(inner.length + l2tp.length).toBe(encrypted.length);
  expect(inner.flatMap(({ request }) => request || [])).toEqual(['GET', 'GET']);
  expect(inner.flatMap(({ response }) => response || [])).toEqual(['200', '200']);
  expect(packets.some(({ payloads }) => payloads.split(',').includes('5'))).toBe(false);

  const decrypted = (await dissect(folder, capture, keys)).filter(({ on }) => on === 'outer');
  const carried = inner.filter(has('tcp')).map(tcp);
  expect(carried.length).toBeGreaterThan(10);
  expect(decrypted.filter(has('tcp')).map(tcp)).toEqual(carried);
  const control = decrypted.filter((packet) => has('l2tp')(packet) && !isIp(packet));
  expect(control.map(setUp)).toEqual(l2tp.map(setUp));
  expect(decrypted.some(({ badIcv }) => badIcv === '1')).toBe(false);
  // Identification payloads are encrypted wherever they occur.
  expect(decrypted.some(({ payloads }) => payloads.split(',').includes('5'))).toBe(true);
  expect(complaints).toEqual([]);
});
