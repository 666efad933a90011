/** A real tunnel as the packet inspector saw it, read by Wireshark. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { connect, disconnect, fetchUrl, mainButton } from './page.ts';
import { launch, openPage } from './support/browser.ts';
import { environment } from './support/environment.ts';
import { Wireshark } from './support/wireshark.ts';

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

test.each([
  ['UDP 4500', expected.gateway],
  ['raw ESP', expected.rawGateway],
])('Wireshark understands a session over %s, and decrypts it with the keys', async (_, gateway) => {
  await connect(page, { ...expected, gateway });
  const { status } = await fetchUrl(page, new URL('/', expected.fileUrl).href);
  expect(status).toMatch(/^200/);
  await disconnect(page);
  const capture = await save('Download capture (decrypted)');
  const wireshark = new Wireshark(folder, capture);

  const wrong = '_ws.malformed || _ws.expert.severity == "Error"';
  expect(await wireshark.fields(wrong, 'frame.number', '_ws.col.Info')).toEqual([]);
  const outer = 'frame.interface_name == "outer"';
  const inner = 'frame.interface_name == "inner"';
  const l2tp = 'frame.interface_name == "l2tp"';
  const seen = async (filter: string) => (await wireshark.fields(filter, 'frame.number')).length;
  // Main mode has six messages, Quick Mode three.
  expect(await seen(`${outer} && isakmp`)).toBeGreaterThanOrEqual(9);
  const encrypted = await seen(`${outer} && esp`);
  expect(encrypted).toBeGreaterThan(20);
  const decrypted = (await seen(inner)) + (await seen(l2tp));
  expect(decrypted).toBe(encrypted);
  expect(await seen(`${outer} && !isakmp && !esp && !udpencap`)).toBe(0);
  expect(await wireshark.fields(`${inner} && http.request`, 'http.request.method')).toEqual([
    'GET',
  ]);
  expect(await wireshark.fields(`${inner} && http.response`, 'http.response.code')).toEqual([
    '200',
  ]);
  expect(await seen(`${l2tp} && l2tp.type == 1`)).toBeGreaterThan(5);

  const tcp = ['tcp.srcport', 'tcp.seq_raw', 'tcp.ack_raw', 'tcp.flags', 'tcp.payload'];
  const control = ['l2tp.Ns', 'l2tp.Nr', 'l2tp.avp.message_type', 'ppp.protocol', 'chap.code'];
  const carried = await wireshark.fields(`${inner} && tcp`, ...tcp);
  expect(carried.length).toBeGreaterThan(5);
  const setUp = await wireshark.fields(l2tp, ...control);
  await wireshark.useKeys(await readFile(await save('Download keys'), 'utf8'));
  expect(await wireshark.fields(`${outer} && tcp`, ...tcp)).toEqual(carried);
  expect(
    await wireshark.fields(`${outer} && l2tp && !(ppp.protocol in {0x0021, 0x0057})`, ...control),
  ).toEqual(setUp);
  expect(await seen(`${outer} && esp.icv_bad == 1`)).toBe(0);
  // An Identification payload is encrypted wherever it occurs.
  expect(await seen('isakmp.exchangetype == 32 && isakmp.typepayload == 5')).toBeGreaterThan(0);
  expect(complaints).toEqual([]);
});

test('a long download neither stops the page nor pushes out how the tunnel began', async () => {
  await connect(page, { ...expected, gateway: expected.gateway });
  expect((await fetchUrl(page, expected.fileUrl)).sha256).toBe(expected.fileSha256);
  await page.getByText(/older ones made room/).waitFor();
  await page.getByLabel('Protocol').selectOption('IKE');
  await page.getByRole('option', { name: /Main mode 1: offers algorithms/ }).click();
  await page.getByRole('treeitem', { name: 'ISAKMP' }).waitFor();
  expect(complaints).toEqual([]);
});
