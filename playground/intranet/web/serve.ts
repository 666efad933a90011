/** A site on a host: Node's own HTTP server, fed with the connections of our stack, over TLS and without. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Duplex, pipeline, Readable } from 'node:stream';
import { type SecureContext, TLSSocket } from 'node:tls';
import type { Host } from '../../network/host.ts';
import { hostName } from '../hosts.ts';
import { html } from './html.ts';
import { page, SHARED_ASSETS } from './page.ts';
import { type Answer, Refusal, type Site, type Visit } from './site.ts';

const HTTP = 80;
const HTTPS = 443;

/** How long a TLS handshake may take. */
const HANDSHAKE_MILLIS = 15_000;

/** How long a connection may be silent while something is asked or answered. */
const IDLE_MILLIS = 60_000;

/** The same between two requests. */
const KEEP_ALIVE_MILLIS = 5000;

const HEADER_LIMIT = 16_384;

const METHODS = ['GET', 'HEAD', 'POST'] as const;

/** Nothing is loaded from elsewhere, and no script runs that is not a file of the site. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
].join('; ');

const EVERYWHERE: Readonly<Record<string, string>> = {
  'Content-Security-Policy': POLICY,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
};

/** Serves `site` on the host's ports 80 and 443. */
export function serveSite(host: Host, site: Site, context: SecureContext): void {
  /** By connection: whoever is at its other end. */
  const visitors = new WeakMap<Duplex, string>();
  const server = createServer(
    { maxHeaderSize: HEADER_LIMIT, keepAliveTimeout: KEEP_ALIVE_MILLIS },
    (request, response) => {
      respond(site, request, response, visitors.get(request.socket) ?? '').catch(() =>
        response.destroy(),
      );
    },
  );
  server.timeout = IDLE_MILLIS;
  if (site.upgrade !== undefined) {
    server.on('upgrade', (request, socket, head) => site.upgrade?.(request, socket, head));
  }
  host.listen(HTTP, (connection) => {
    visitors.set(connection, connection.remoteAddress);
    server.emit('connection', connection);
  });
  // Not `https.Server`, over whose sockets nobody can tell who is at the other end.
  host.listen(HTTPS, (connection) => {
    const secure = new TLSSocket(connection, { isServer: true, secureContext: context });
    const patience = setTimeout(() => connection.destroy(), HANDSHAKE_MILLIS).unref();
    connection.once('close', () => clearTimeout(patience));
    secure.on('error', () => connection.destroy());
    secure.once('secure', () => {
      clearTimeout(patience);
      visitors.set(secure, connection.remoteAddress);
      server.emit('connection', secure);
    });
  });
}

async function respond(
  site: Site,
  request: IncomingMessage,
  response: ServerResponse,
  visitor: string,
): Promise<void> {
  const { method = '' } = request;
  const answer = await answerTo(site, request, visitor);
  const { status = 200, headers, body } = answer;
  // What of the request was not read is not worth reading.
  const done = request.complete || method !== 'POST';
  response.writeHead(status, {
    ...EVERYWHERE,
    ...headers,
    ...(!(body instanceof Readable) && { 'Content-Length': Buffer.byteLength(body) }),
    ...(!done && { Connection: 'close' }),
  });
  if (!(body instanceof Readable)) response.end(body);
  else if (method === 'HEAD') {
    body.destroy();
    response.end();
  } else {
    pipeline(body, response, () => undefined);
  }
}

async function answerTo(site: Site, request: IncomingMessage, visitor: string): Promise<Answer> {
  const { method, url = '/' } = request;
  const known = METHODS.find((each) => each === method);
  const secure = request.socket instanceof TLSSocket;
  const base = `${secure ? 'https' : 'http'}://${hostName(site.host)}/`;
  const valid = URL.canParse(url, base);
  const visit: Visit = {
    method: known ?? 'GET',
    url: new URL(valid ? url : '/', base),
    secure,
    visitor,
    request,
  };
  try {
    if (known === undefined) throw new Refusal(405, 'This server knows GET, HEAD and POST.');
    if (!valid) throw new Refusal(400, 'That is not an address.');
    return SHARED_ASSETS.get(visit.url.pathname) ?? (await site.answer(visit));
  } catch (error) {
    // Whoever asked went away in the middle of it.
    if (request.errored !== null) throw error;
    if (!(error instanceof Refusal)) console.error(error);
    const { status, message } =
      error instanceof Refusal ? error : new Refusal(500, 'This site has a defect.');
    const heading = status === 404 ? 'Not here' : 'That did not work';
    const body = html`<h1>${heading}</h1>
<p>${message}</p>
<p><a href="/">To the first page of this site</a></p>`;
    return page(site, visit, heading, body, { status });
  }
}
