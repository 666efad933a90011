/**
 * A page in a real Chromium, from a server of its own on loopback. Nothing of the browser's developer tools is switched on but
 * what evaluates an expression: Playwright's own pages report every WebSocket frame, of workers too, and that costs a tab
 * half of its time.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type Browser, type CDPSession, chromium } from 'playwright-core';
import { preparedTools } from '../../scripts/support/tools.ts';

export interface ServedFile {
  readonly type: string;
  /** A function answers what the page asks with what it sends. */
  readonly content?: string | Uint8Array | ((request: string) => string);
  /** Read from here where there is no content. */
  readonly file?: string;
}

/** Cross-origin isolated, so that the page's clock has its full resolution. */
const HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** Of a command that the page answers. */
interface Reply {
  readonly id?: number;
  readonly result?: {
    readonly result: { readonly value?: unknown };
    readonly exceptionDetails?: {
      readonly text: string;
      readonly exception?: { description?: string };
    };
  };
  readonly error?: { readonly message: string };
}

export class Page {
  readonly #session: CDPSession;
  readonly #sessionId: string;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #id = 0;

  private constructor(session: CDPSession, sessionId: string) {
    this.#session = session;
    this.#sessionId = sessionId;
    session.on('Target.receivedMessageFromTarget', ({ message }) => {
      const reply = JSON.parse(message) as Reply;
      if (reply.id !== undefined) this.#waiting.get(reply.id)?.(reply);
    });
  }

  /** In a context of its own, of which Playwright keeps its hands. */
  static async open(browser: Browser, url: string): Promise<Page> {
    const session = await browser.newBrowserCDPSession();
    const { browserContextId } = await session.send('Target.createBrowserContext');
    const { targetId } = await session.send('Target.createTarget', { url, browserContextId });
    const { sessionId } = await session.send('Target.attachToTarget', { targetId });
    const page = new Page(session, sessionId);
    while (!(await page.#isAt(url)));
    return page;
  }

  async #isAt(url: string): Promise<boolean> {
    const place = () => (document.readyState === 'complete' ? location.href : '');
    // On the way from one document to the next there is nothing that could evaluate.
    return (await this.evaluate(place).catch(() => '')) === url;
  }

  /** What `work` returns or resolves to, there: it is a function without a closure, its argument and result JSON. */
  async evaluate<A, R>(work: (argument: A) => R | Promise<R>, argument?: A): Promise<R> {
    const id = ++this.#id;
    // tsx has functions named by a helper of its own, which is not there.
    const expression = `((__name) => (${work})(${JSON.stringify(argument)}))((named) => named)`;
    const params = { expression, awaitPromise: true, returnByValue: true };
    const { result, error } = await new Promise<Reply>((resolve, reject) => {
      this.#waiting.set(id, resolve);
      const message = JSON.stringify({ id, method: 'Runtime.evaluate', params });
      this.#session
        .send('Target.sendMessageToTarget', { sessionId: this.#sessionId, message })
        .catch(reject);
    });
    this.#waiting.delete(id);
    const failure = result?.exceptionDetails;
    if (failure) throw new Error(failure.exception?.description ?? failure.text);
    if (error) throw new Error(error.message);
    return result?.result.value as R;
  }

  /** The process ids of what runs pages, workers and their helper threads; one is the page's, others are kept in reserve. */
  async renderers(): Promise<readonly number[]> {
    return await this.#processIds((type) => type === 'renderer');
  }

  /** The process ids of the whole browser. */
  async processes(): Promise<readonly number[]> {
    return await this.#processIds(() => true);
  }

  async #processIds(isWanted: (type: string) => boolean): Promise<readonly number[]> {
    const { processInfo } = await this.#session.send('SystemInfo.getProcessInfo');
    return processInfo.filter(({ type }) => isWanted(type)).map(({ id }) => id);
  }
}

/** An empty page beside the files, at a free port without `serverPort`; browser and server end with `work`. */
export async function onChromiumPage<T>(
  files: Readonly<Record<string, ServedFile>>,
  work: (page: Page) => Promise<T>,
  serverPort = 0,
): Promise<T> {
  const all = { '/': { type: 'text/html', content: '<!doctype html>' }, ...files };
  const server = createServer(async (request, response) => {
    const { url = '/' } = request;
    const found = (all as Readonly<Record<string, ServedFile>>)[url];
    response.writeHead(found === undefined ? 404 : 200, {
      ...HEADERS,
      'Content-Type': found?.type ?? 'text/plain',
    });
    if (found?.file !== undefined) response.end(await readFile(found.file));
    else if (typeof found?.content !== 'function') response.end(found?.content);
    else response.end(found.content(await text(request)));
  });
  await new Promise<void>((resolve) => server.listen(serverPort, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const browser = await chromium.launch({
    executablePath: preparedTools().chromium,
    // Test machines run as root, where Chromium's own sandbox does not.
    args: ['--no-sandbox'],
  });
  try {
    return await work(await Page.open(browser, `http://127.0.0.1:${port}/`));
  } finally {
    await browser.close();
    server.close();
  }
}
