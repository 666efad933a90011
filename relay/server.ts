/**
 * The relay as one HTTP server: the WebSocket of `culvert.v1`, the list of gateways, a health check and the
 * portal's files. Left out: TLS (a proxy's work), sign-in and resuming a session.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { FRAME_BYTES_LIMIT, RELAY_PATH, RELAY_SUBPROTOCOL } from '../shared/relay/channels.ts';
import { UPGRADE_REFUSALS, type UpgradeRefusalCode } from '../shared/relay/close-codes.ts';
import type { Millis } from '../shared/wire/bytes.ts';
import { admittedHost, type Host, isAdmittedOrigin, upgradeRefusal } from './admission.ts';
import type { RelayConfig } from './config.ts';
import { addCounters, type Counters, dropped, newCounters } from './counters.ts';
import { securityHeaders } from './headers.ts';
import { type PortalFiles, readPortal, servePortal } from './portal-files.ts';
import { resolveName, Session } from './session.ts';

export interface RelayOptions {
  /** Folder of the built portal; without it none is served. */
  readonly portal?: string;
  /** Gets one line per event, without its time; never anything out of a packet. */
  readonly log?: (line: string) => void;
  /** The IPv4 address of a host name; the system's resolver without it. */
  readonly resolve?: (name: string) => Promise<string>;
  /** Time for a tab's first message; `OPEN_TIMEOUT` without it. */
  readonly openTimeout?: Millis;
}

export interface Relay {
  readonly address: string;
  readonly port: number;
  /** Counts over all sessions so far. */
  readonly counters: Readonly<Counters>;
  /** Ends every session in order and stops listening. */
  close(): Promise<void>;
}

/** Time a tab has for its first message. */
const OPEN_TIMEOUT: Millis = 5000;

const DEFAULT_SESSIONS = 100;
const DEFAULT_SESSIONS_PER_ADDRESS = 16;
const DEFAULT_IDLE_SECONDS = 900;

/** Time for the answers under way when the relay stops. */
const DOWNLOAD_GRACE: Millis = 1000;

/** Connections beyond the sessions: page loads, upgrades under way. */
const SPARE_CONNECTIONS = 512;

/** Starts listening. Rejects with the system's error when it cannot. */
export async function startRelay(config: RelayConfig, options: RelayOptions = {}): Promise<Relay> {
  const server = new RelayServer(config, options);
  await server.listen();
  return server;
}

class RelayServer implements Relay {
  readonly #config: RelayConfig;
  readonly #options: RelayOptions;
  readonly #portal: PortalFiles | undefined;
  readonly #http = createServer((request, response) => this.#answer(request, response));
  readonly #websockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: FRAME_BYTES_LIMIT,
    allowSynchronousEvents: true,
    clientTracking: false,
    autoPong: false,
    handleProtocols: () => RELAY_SUBPROTOCOL,
  });
  /** Sessions, and the client's address of each. */
  readonly #sessions = new Map<Session, string>();
  readonly #ended: Counters = newCounters();
  #sessionNumber = 0;

  constructor(config: RelayConfig, options: RelayOptions) {
    this.#config = config;
    this.#options = options;
    this.#portal = options.portal === undefined ? undefined : readPortal(options.portal);
    this.#http.maxConnections = this.#sessionLimit + SPARE_CONNECTIONS;
    this.#http.on('upgrade', (request, stream, head) => this.#upgrade(request, stream, head));
  }

  get address(): string {
    return (this.#http.address() as AddressInfo).address;
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }

  get counters(): Readonly<Counters> {
    const total = newCounters();
    addCounters(total, this.#ended);
    for (const session of this.#sessions.keys()) addCounters(total, session.counters);
    return total;
  }

  listen(): Promise<void> {
    const { host, port } = this.#config.listen;
    return new Promise((resolve, reject) => {
      this.#http.once('error', reject);
      this.#http.listen({ host, port }, () => {
        this.#http.off('error', reject);
        resolve();
      });
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#http.close(() => resolve());
      this.#http.closeIdleConnections();
      setTimeout(() => this.#http.closeAllConnections(), DOWNLOAD_GRACE).unref();
      for (const session of this.#sessions.keys()) session.refuse('RELAY_SHUTTING_DOWN');
    });
  }

  get #sessionLimit(): number {
    return this.#config.limits?.sessions ?? DEFAULT_SESSIONS;
  }

  #log(line: string): void {
    this.#options.log?.(line);
  }

  #upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    stream.on('error', () => stream.destroy());
    const refusal = upgradeRefusal(request, this.#config);
    if (refusal !== undefined) {
      this.#refuseUpgrade(stream, refusal);
      return;
    }
    (stream as Socket).setNoDelay(true);
    this.#websockets.handleUpgrade(request, stream, head, (socket) => {
      this.#accept(socket, stream, request.socket.remoteAddress ?? '');
    });
  }

  #accept(socket: WebSocket, stream: Duplex, client: string): void {
    const config = this.#config;
    const number = ++this.#sessionNumber;
    const started = performance.now();
    const session = new Session(socket, stream, {
      gateways: config.gateways,
      openTimeout: this.#options.openTimeout ?? OPEN_TIMEOUT,
      idleTimeout: 1000 * (config.limits?.idleSeconds ?? DEFAULT_IDLE_SECONDS),
      resolve: this.#options.resolve ?? resolveName,
      opened: (gateway) => this.#log(`session ${number} of ${client}: opened ${gateway.id}`),
    });
    const isFull = this.#isFullFor(client);
    // One that is turned away takes nobody's place while it closes.
    if (!isFull) this.#sessions.set(session, client);
    socket.once('close', (code) => {
      this.#sessions.delete(session);
      addCounters(this.#ended, session.counters);
      const { toGateway, toTab } = session.counters;
      this.#log(
        `session ${number} of ${client}: closed (${code}) after ${Math.round((performance.now() - started) / 1000)} s, ` +
          `${toGateway} datagrams up, ${toTab} down, ${dropped(session.counters)} dropped`,
      );
    });
    if (isFull) session.refuse('RELAY_FULL');
    if (!this.#http.listening) session.refuse('RELAY_SHUTTING_DOWN');
  }

  #isFullFor(client: string): boolean {
    if (this.#sessions.size >= this.#sessionLimit) return true;
    const limit = this.#config.limits?.sessionsPerAddress ?? DEFAULT_SESSIONS_PER_ADDRESS;
    let count = 0;
    for (const address of this.#sessions.values()) if (address === client) count++;
    return count >= limit;
  }

  #refuseUpgrade(stream: Duplex, code: UpgradeRefusalCode): void {
    const { status, text } = UPGRADE_REFUSALS[code];
    this.#log(`upgrade refused: ${code}`);
    const body = JSON.stringify({ code, message: text });
    const headers = {
      ...securityHeaders(undefined),
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
      'Cache-Control': 'no-store',
      Connection: 'close',
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    stream.once('finish', () => stream.destroy());
    stream.end(`HTTP/1.1 ${status} Refused\r\n${lines.join('')}\r\n${body}`);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const host = admittedHost(request, this.#config);
    for (const [name, value] of Object.entries(securityHeaders(host?.authority))) {
      response.setHeader(name, value);
    }
    if (host === undefined) {
      const { status, text } = UPGRADE_REFUSALS.RELAY_BAD_HOST;
      sendJson(request, response, status, { code: 'RELAY_BAD_HOST', message: text });
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      sendJson(request, response, 405, { message: 'GET and HEAD only.' });
    } else {
      this.#resource(host, request, response);
    }
  }

  #resource(host: Host, request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? '').split('?', 1)[0]!;
    if (path === RELAY_PATH) {
      response.setHeader('Upgrade', 'websocket');
      sendJson(request, response, 426, { message: 'A WebSocket is spoken here.' });
    } else if (path === `${RELAY_PATH}/gateways`) {
      const { origin } = request.headers;
      if (origin !== undefined && isAdmittedOrigin(origin, host, this.#config)) {
        response.setHeader('Access-Control-Allow-Origin', origin);
        response.setHeader('Vary', 'Origin');
      }
      const gateways = this.#config.gateways.map(({ id, name }) => ({ id, name }));
      sendJson(request, response, 200, { gateways });
    } else if (path === `${RELAY_PATH}/health`) {
      sendJson(request, response, 200, { status: 'ok', sessions: this.#sessions.size });
    } else if (this.#portal === undefined || !servePortal(this.#portal, path, request, response)) {
      const message = this.#portal ? 'There is no such file.' : 'This relay serves no portal.';
      sendJson(request, response, 404, { message });
    }
  }
}

function sendJson(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  value: unknown,
): void {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
