/** A page in a real Chromium, from a server of its own on loopback. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chromium, type Page } from 'playwright-core';
import { preparedTools } from '../../scripts/support/tools.ts';

export interface ServedFile {
  readonly type: string;
  readonly content?: string | Uint8Array;
  /** Read from here where there is no content. */
  readonly file?: string;
}

/** Cross-origin isolated, so that the page's clock has its full resolution. */
const HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** An empty page beside the files, at a free port without `serverPort`; browser and server end with `work`. */
export async function onChromiumPage<T>(
  files: Readonly<Record<string, ServedFile>>,
  work: (page: Page) => Promise<T>,
  serverPort = 0,
): Promise<T> {
  const all = { '/': { type: 'text/html', content: '<!doctype html>' }, ...files };
  const server = createServer(async ({ url = '/' }, response) => {
    const found = (all as Readonly<Record<string, ServedFile>>)[url];
    response.writeHead(found === undefined ? 404 : 200, {
      ...HEADERS,
      'Content-Type': found?.type ?? 'text/plain',
    });
    response.end(found?.file === undefined ? found?.content : await readFile(found.file));
  });
  await new Promise<void>((resolve) => server.listen(serverPort, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const browser = await chromium.launch({
    executablePath: preparedTools().chromium,
    // Test machines run as root, where Chromium's own sandbox does not.
    args: ['--no-sandbox'],
  });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${port}/`);
    return await work(page);
  } finally {
    await browser.close();
    server.close();
  }
}

/** The process ids of what runs pages, workers and their helper threads; one is the page's, others are kept in reserve. */
export async function renderersOf(page: Page): Promise<readonly number[]> {
  return await processIds(page, (type) => type === 'renderer');
}

/** The process ids of the whole browser. */
export async function processesOf(page: Page): Promise<readonly number[]> {
  return await processIds(page, () => true);
}

async function processIds(
  page: Page,
  isWanted: (type: string) => boolean,
): Promise<readonly number[]> {
  const session = await page.context().browser()!.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  return processInfo.filter(({ type }) => isWanted(type)).map(({ id }) => id);
}
