/** What the relay answers over HTTP: its own few resources, the portal's files, and refusals. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { RELAY_PATH } from '../shared/relay/channels.ts';
import { UPGRADE_REFUSALS, type UpgradeRefusalCode } from '../shared/relay/close-codes.ts';
import type { Millis } from '../shared/wire/bytes.ts';
import { admittedHost, isListedOrigin } from './admission.ts';
import type { RelayConfig } from './config.ts';
import { securityHeaders } from './headers.ts';
import { type PortalFiles, servePortal } from './portal-files.ts';

interface AnswerOptions {
  readonly config: RelayConfig;
  /** The portal's files; without them none is served. */
  readonly portal: PortalFiles | undefined;
  /** How many sessions there are. */
  readonly sessions: () => number;
  readonly refused: (code: UpgradeRefusalCode) => void;
  readonly playground: PlaygroundDoor | undefined;
}

/** The one gateway that hands out what signs in to it. */
export interface PlaygroundDoor {
  /** The id of its profile. */
  readonly id: string;
  /** What a page needs to visit, as a JSON text that is the playground's alone to write; `undefined` where it is silent. */
  visit(): Promise<string | undefined>;
}

/** How long a refused client has to take its answer. */
const REFUSAL_GRACE: Millis = 1000;

/** Answers a request that is not an upgrade. */
export function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: AnswerOptions,
): void {
  const host = admittedHost(request, options.config);
  for (const [name, value] of Object.entries(securityHeaders(host?.authority))) {
    response.setHeader(name, value);
  }
  if (host === undefined) {
    const code = 'RELAY_BAD_HOST';
    options.refused(code);
    const { status, text } = UPGRADE_REFUSALS[code];
    sendJson(request, response, status, { code, message: text });
  } else if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    sendJson(request, response, 405, { message: 'GET and HEAD only.' });
  } else {
    sendResource(request, response, options);
  }
}

function sendResource(
  request: IncomingMessage,
  response: ServerResponse,
  { config, portal, sessions, playground }: AnswerOptions,
): void {
  const path = (request.url ?? '').split('?', 1)[0]!;
  if (path === RELAY_PATH) {
    response.setHeader('Upgrade', 'websocket');
    sendJson(request, response, 426, { message: 'A WebSocket is spoken here.' });
  } else if (path === `${RELAY_PATH}/gateways`) {
    allowListedOrigins(request, response, config);
    const gateways = config.gateways.map(({ id, name }) => ({
      id,
      name,
      ...(id === playground?.id && { playground: true }),
    }));
    sendJson(request, response, 200, { gateways });
  } else if (path === `${RELAY_PATH}/playground` && playground !== undefined) {
    allowListedOrigins(request, response, config);
    void playground.visit().then((answer) => {
      if (answer !== undefined) sendText(request, response, 200, answer);
      else sendJson(request, response, 503, { message: 'The playground does not answer.' });
    });
  } else if (path === `${RELAY_PATH}/health`) {
    sendJson(request, response, 200, { status: 'ok', sessions: sessions() });
  } else if (portal === undefined || !servePortal(portal, path, request, response)) {
    const message = portal ? 'There is no such file.' : 'This relay serves no portal.';
    sendJson(request, response, 404, { message });
  }
}

/** Lets a portal that is hosted elsewhere read the answer; without credentials, since there are none. */
function allowListedOrigins(
  request: IncomingMessage,
  response: ServerResponse,
  config: RelayConfig,
): void {
  if (config.origins === undefined) return;
  // Said to everyone: a cache must not hand one origin's answer to another.
  response.setHeader('Vary', 'Origin');
  const { origin } = request.headers;
  if (!isListedOrigin(origin, config)) return;
  response.setHeader('Access-Control-Allow-Origin', origin!);
}

/** Writes a refusal where there is no `ServerResponse`: at an upgrade, or before a request is complete. */
export function writeRefusal(stream: Duplex, code: UpgradeRefusalCode): void {
  const { status, text } = UPGRADE_REFUSALS[code];
  const body = JSON.stringify({ code, message: text });
  const headers = {
    ...securityHeaders(undefined),
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    Connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const cut = setTimeout(() => stream.destroy(), REFUSAL_GRACE);
  stream.once('close', () => clearTimeout(cut));
  stream.once('finish', () => stream.destroy());
  stream.end(`HTTP/1.1 ${status} Refused\r\n${lines.join('')}\r\n${body}`);
}

function sendJson(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  value: unknown,
): void {
  sendText(request, response, status, JSON.stringify(value));
}

/** `body` is a JSON text. */
function sendText(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: string,
): void {
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
