/**
 * The relay as one HTTP server: who gets a connection, a WebSocket of `culvert.v1` and a session, and for how
 * long. Left out: TLS (a proxy's work), sign-in and resuming a session.
 */
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { FRAME_BYTES_LIMIT, RELAY_SUBPROTOCOL } from '../shared/relay/channels.ts';
import type { RefusalCode, UpgradeRefusalCode } from '../shared/relay/close-codes.ts';
import type { Millis } from '../shared/wire/bytes.ts';
import { upgradeRefusal } from './admission.ts';
import { answer, type PlaygroundDoor, writeRefusal } from './answers.ts';
import { clientOf, PerClient } from './clients.ts';
import { DEFAULT_LIMITS, type Limits, type RelayConfig } from './config.ts';
import {
  addCounters,
  type Counters,
  dropped,
  newCounters,
  type RefusalCounts,
  type RelayReport,
} from './counters.ts';
import type { EspPorts } from './datagrams.ts';
import { type Addon, loadAddon } from './native.ts';
import { NativeSockets } from './native-sockets.ts';
import { NODE_SOCKETS } from './node-sockets.ts';
import { readPortal } from './portal-files.ts';
import { RelayRequest } from './request.ts';
import { type Resolve, resolveName, sharedResolver } from './resolver.ts';
import { Session } from './session.ts';
import type { Sockets } from './sockets.ts';
import { tune } from './tcp.ts';
import { TokenBucket } from './token-bucket.ts';

export interface RelayOptions {
  /** Folder of the built portal; without it none is served. */
  readonly portal?: string;
  /** Gets one line per event, without its time; never anything out of a packet. */
  readonly log?: (line: string) => void;
  /** The system's resolver without it. */
  readonly resolve?: Resolve;
  /** What raw ESP goes by; there is none without it. */
  readonly espPorts?: EspPorts;
  /** Where the playground is among the gateways; it is not without this. */
  readonly playground?: PlaygroundDoor;
  /** Time for a request's headers; `HEADERS_TIMEOUT` without it. */
  readonly headersTimeout?: Millis;
}

export interface Relay {
  readonly address: string;
  readonly port: number;
  /** Counts over all sessions so far. */
  readonly counters: Readonly<Counters>;
  report(): RelayReport;
  /** Ends every session in order and stops listening. */
  close(): Promise<void>;
}

/** Time for a request's headers, from the start of the connection or, on one that is kept, of the request. */
const HEADERS_TIMEOUT: Millis = 5000;

/** Time for a whole request, its body included, which nobody reads. */
const REQUEST_TIMEOUT: Millis = 10_000;

/** Time without a byte in either direction: a download that nobody takes ends then. */
const INACTIVITY_TIMEOUT: Millis = 30_000;

/** Bytes of a request line and its headers. */
const HEADERS_LIMIT: number = 16 * 1024;

/**
 * Most fragments of a message, each of which costs as much as a message of its own and is not seen before the last one;
 * and most pieces in which the network delivers a frame.
 */
const FRAGMENTS_LIMIT = 64;
const PIECES_LIMIT = 4096;

/** Time for the answers under way when the relay stops. */
const DOWNLOAD_GRACE: Millis = 1000;

/** Connections beyond the sessions: page loads, upgrades under way. In all, and of one client. */
const SPARE_CONNECTIONS = 512;
export const SPARE_CONNECTIONS_PER_CLIENT = 128;

/** Lines of the log: as many at once, as many a second after that. */
const LOG_BURST = 200;
const LOG_LINES_PER_SECOND = 20;

/** Starts listening. Rejects with the system's error when it cannot. */
export async function startRelay(config: RelayConfig, options: RelayOptions = {}): Promise<Relay> {
  const server = new RelayServer(config, options);
  await server.listen();
  return server;
}

class RelayServer implements Relay {
  readonly #config: RelayConfig;
  readonly #limits: Limits;
  readonly #log: (line: string) => void;
  readonly #resolve: Resolve;
  readonly #addon: Addon | undefined;
  readonly #sockets: Sockets;
  readonly #http;
  readonly #websockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: FRAME_BYTES_LIMIT,
    maxFragments: FRAGMENTS_LIMIT,
    maxBufferedChunks: PIECES_LIMIT,
    allowSynchronousEvents: true,
    clientTracking: false,
    autoPong: false,
    handleProtocols: () => RELAY_SUBPROTOCOL,
  });
  readonly #sessions = new Set<Session>();
  readonly #sessionsOf = new PerClient();
  readonly #connectionsOf = new PerClient();
  readonly #espPorts: EspPorts | undefined;
  readonly #ended: Counters = newCounters();
  readonly #refused: RefusalCounts = {};
  readonly #logRate = new TokenBucket(LOG_LINES_PER_SECOND, LOG_BURST, performance.now());
  #sessionNumber = 0;
  #opened = 0;
  #connections = 0;
  #connectionsRefused = 0;
  #logLinesLeftOut = 0;

  constructor(config: RelayConfig, options: RelayOptions) {
    this.#config = config;
    this.#limits = { ...DEFAULT_LIMITS, ...config.limits };
    this.#log = options.log ?? (() => {});
    this.#resolve = sharedResolver(options.resolve ?? resolveName);
    this.#addon = config.addon === false ? undefined : loadAddon();
    this.#espPorts = options.espPorts;
    this.#sockets = (config.addon === false ? undefined : NativeSockets.load()) ?? NODE_SOCKETS;
    const portal = options.portal === undefined ? undefined : readPortal(options.portal);
    const headersTimeout = options.headersTimeout ?? HEADERS_TIMEOUT;
    this.#http = createServer(
      {
        headersTimeout,
        requestTimeout: Math.max(REQUEST_TIMEOUT, headersTimeout),
        connectionsCheckingInterval: headersTimeout / 5,
        maxHeaderSize: HEADERS_LIMIT,
        IncomingMessage: RelayRequest,
        // Node would answer by itself, however many there are: `answer` refuses them.
        requireHostHeader: false,
      },
      (request, response) => {
        request.answeredBy(response);
        answer(request, response, {
          config,
          portal,
          playground: options.playground,
          sessions: () => this.#sessions.size,
          refused: (code) => this.#countRefusal(code),
        });
      },
    );
    this.#http.timeout = INACTIVITY_TIMEOUT;
    this.#http.maxConnections = this.#limits.sessions + SPARE_CONNECTIONS;
    this.#http.on('drop', () => this.#connectionsRefused++);
    this.#http.on('connection', (stream) => this.#connection(stream));
    this.#http.on('clientError', (error, stream) => this.#badRequest(error, stream));
    this.#http.on('upgrade', (request, stream, head) => {
      if (request.isBehind) {
        this.#cut(stream);
        return;
      }
      const refusal = request.hasBody ? 'RELAY_BAD_REQUEST' : upgradeRefusal(request, config);
      if (refusal === undefined) {
        tune(stream as Socket, this.#addon);
        this.#websockets.handleUpgrade(request, stream, head, (socket) => {
          this.#accept(socket, stream, request.socket.remoteAddress);
        });
      } else {
        this.#refuse(stream, refusal);
      }
    });
    this.#websockets.on('wsClientError', (_error, stream) =>
      this.#refuse(stream, 'RELAY_BAD_REQUEST'),
    );
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
    total.unclaimed += this.#espPorts?.unclaimed ?? 0;
    total.foreign += this.#espPorts?.strangers ?? 0;
    for (const session of this.#sessions) addCounters(total, session.counters);
    return total;
  }

  report(): RelayReport {
    return {
      sessions: this.#sessions.size,
      opened: this.#opened,
      connections: this.#connections,
      connectionsRefused: this.#connectionsRefused,
      refused: { ...this.#refused },
      datagrams: this.counters,
      logLinesLeftOut: this.#logLinesLeftOut,
    };
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
      for (const session of this.#sessions) session.refuse('RELAY_SHUTTING_DOWN');
    });
  }

  /** A line in the log, unless there were too many: whoever knocks must not fill the operator's disk. */
  #say(line: string): void {
    if (this.#logRate.take(1, performance.now())) this.#log(line);
    else this.#logLinesLeftOut++;
  }

  #countRefusal(code: RefusalCode | UpgradeRefusalCode): void {
    this.#refused[code] = (this.#refused[code] ?? 0) + 1;
  }

  #connection(stream: Socket): void {
    const client = clientOf(stream.remoteAddress);
    const limit = this.#limits.sessionsPerAddress + SPARE_CONNECTIONS_PER_CLIENT;
    if (this.#connectionsOf.of(client) >= limit) {
      this.#connectionsRefused++;
      stream.resetAndDestroy();
      return;
    }
    this.#connections++;
    this.#connectionsOf.add(client);
    stream.on('error', () => stream.destroy());
    stream.once('close', () => {
      this.#connections--;
      this.#connectionsOf.remove(client);
    });
  }

  #badRequest(error: NodeJS.ErrnoException, stream: Duplex): void {
    // Behind an answer that has begun, another one would be taken for a part of it.
    if (!stream.writable || (stream as Socket).bytesWritten > 0 || error.code === 'ECONNRESET') {
      stream.destroy();
      return;
    }
    this.#refuse(stream, badRequestCode(error.code));
  }

  #refuse(stream: Duplex, code: UpgradeRefusalCode): void {
    this.#noteRefusal(code);
    writeRefusal(stream, code);
  }

  /** There is no place for a refusal where another answer is under way. */
  #cut(stream: Duplex): void {
    this.#noteRefusal('RELAY_BAD_REQUEST');
    stream.destroy();
  }

  #noteRefusal(code: UpgradeRefusalCode): void {
    this.#countRefusal(code);
    this.#say(`request refused: ${code}`);
  }

  #accept(socket: WebSocket, stream: Duplex, address = ''): void {
    const { openSeconds, idleSeconds, packetsPerSecond } = this.#limits;
    const number = ++this.#sessionNumber;
    const client = clientOf(address);
    const started = performance.now();
    const session = new Session(socket, stream, {
      gateways: this.#config.gateways,
      openTimeout: 1000 * openSeconds,
      idleTimeout: 1000 * idleSeconds,
      packetsPerSecond,
      resolve: this.#resolve,
      sockets: this.#sockets,
      espPorts: this.#espPorts,
      opened: (gateway) => {
        this.#opened++;
        this.#say(`session ${number} of ${address}: opened ${gateway.id}`);
      },
      refused: (code) => this.#countRefusal(code),
    });
    const isFull = this.#isFullFor(client);
    // One that is turned away takes nobody's place while it closes.
    if (!isFull) {
      this.#sessions.add(session);
      this.#sessionsOf.add(client);
    }
    socket.once('close', (code) => {
      if (this.#sessions.delete(session)) this.#sessionsOf.remove(client);
      addCounters(this.#ended, session.counters);
      const { toGateway, toTab } = session.counters;
      this.#say(
        `session ${number} of ${address}: closed (${code}) after ${Math.round((performance.now() - started) / 1000)} s, ` +
          `${toGateway} datagrams up, ${toTab} down, ${dropped(session.counters)} dropped`,
      );
    });
    if (isFull) session.refuse('RELAY_FULL');
    if (!this.#http.listening) session.refuse('RELAY_SHUTTING_DOWN');
  }

  #isFullFor(client: string): boolean {
    const { sessions, sessionsPerAddress } = this.#limits;
    return this.#sessions.size >= sessions || this.#sessionsOf.of(client) >= sessionsPerAddress;
  }
}

function badRequestCode(code: string | undefined): UpgradeRefusalCode {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return 'RELAY_BIG_HEADERS';
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 'RELAY_SLOW_REQUEST';
    default:
      return 'RELAY_BAD_REQUEST';
  }
}
