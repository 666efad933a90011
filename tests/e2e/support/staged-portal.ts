/** The real page with a scripted worker, served under the CSP that the relay uses. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

/** What a page may do; the relay sends the same. */
const CSP =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; " +
  "img-src 'self' data: blob:; connect-src 'self'; worker-src 'self'; " +
  "form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** What `GET /culvert/gateways` answers: a JSON value, or a status without one. */
export type GatewaysAnswer = { readonly json: unknown } | { readonly status: number };

export interface StagedPortal {
  readonly url: string;
  /** May be replaced between two page loads. */
  gateways: GatewaysAnswer;
  close(): Promise<void>;
}

/** Builds the page into `folder` and serves it on a free loopback port. */
export async function stagePortal(folder: string, gateways: GatewaysAnswer): Promise<StagedPortal> {
  await build({
    configFile: fileURLToPath(new URL('../../../vite.config.ts', import.meta.url)),
    logLevel: 'warn',
    build: { outDir: folder },
    plugins: [
      {
        name: 'scripted-worker',
        enforce: 'pre',
        transform: (code, id) =>
          id.endsWith('/web/ui/tunnel.ts')
            ? code.replace('../worker/main.ts', '../../tests/e2e/support/fake-worker.ts')
            : undefined,
      },
    ],
  });
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    response.setHeader('Content-Security-Policy', CSP);
    if (path === '/culvert/gateways') {
      const answer = portal.gateways;
      response.statusCode = 'status' in answer ? answer.status : 200;
      response.end('json' in answer ? JSON.stringify(answer.json) : '');
      return;
    }
    const file = path === '/' ? '/index.html' : path;
    try {
      const body = await readFile(join(folder, file));
      response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream');
      response.end(body);
    } catch {
      response.statusCode = 404;
      response.end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const portal: StagedPortal = {
    url: `http://127.0.0.1:${address.port}/`,
    gateways,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return portal;
}
