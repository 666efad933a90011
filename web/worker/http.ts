/**
 * HTTP through the tunnel with libcurl.js (LGPL): its two files are shipped unmodified and loaded at run time,
 * never bundled. TLS ends in this worker.
 */

import moduleUrl from 'libcurl.js?url';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import wasmUrl from 'libcurl.js/libcurl.wasm?url';
import { type Failure, TunnelError } from '../../shared/errors.ts';
import { type Bytes, concat } from '../../shared/wire/bytes.ts';
import { BODY_LIMIT, type FetchReply } from './api.ts';
import { type CurlResponse, type HttpSession, mended } from './http-session.ts';
import type { Sockets, TcpSocket } from './sockets.ts';
import type { WebClient } from './tunnel-service.ts';

/** The part of libcurl.js that is used here. */
interface Libcurl {
  load_wasm(url: string): Promise<void>;
  set_websocket(url: string): void;
  transport: unknown;
  HTTPSession: new () => HttpSession;
}

interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** libcurl.js appends `/host:port` to this when it opens a connection. */
const TRANSPORT_URL = 'ws://tunnel.invalid/';

/** The page hears of progress at most this often. */
const PROGRESS_MILLIS = 100;

/** How long arriving data is gathered into one message. */
const GATHER_MILLIS = 1;

let loading: Promise<Libcurl> | undefined;

/** What the transport of every connection goes through; libcurl.js knows one transport for all. */
let current: HttpClient | undefined;

async function load(): Promise<Libcurl> {
  const { libcurl } = (await import(
    /* @vite-ignore */ new URL(moduleUrl, self.location.href).href
  )) as {
    libcurl: Libcurl;
  };
  await libcurl.load_wasm(new URL(wasmUrl, self.location.href).href);
  libcurl.transport = TunnelTransport;
  libcurl.set_websocket(TRANSPORT_URL);
  return libcurl;
}

/** Loads libcurl.js once; a failed try leaves nothing behind that would fail the next. */
async function loaded(): Promise<Libcurl> {
  loading ??= load();
  try {
    return await loading;
  } catch (error) {
    loading = undefined;
    throw new TunnelError('HTTP_FAILED', `the program for web requests did not load: ${error}`);
  }
}

function cancelled(): TunnelError {
  return new TunnelError('CANCELLED');
}

/** One tunnel's web requests. */
export class HttpClient implements WebClient {
  readonly sockets: Sockets;
  /** Why the connection that failed last did: libcurl reports only that one did. */
  connectFailure: Failure | undefined;
  #session: HttpSession | undefined;

  constructor(sockets: Sockets) {
    this.sockets = sockets;
  }

  /** A GET request without following redirects. Throws `TunnelError`, `CANCELLED` after `signal`. */
  async get(
    url: string,
    progress: ((received: number, total: number | undefined) => void) | undefined,
    signal: AbortSignal,
  ): Promise<FetchReply> {
    const target = parseUrl(url);
    const begin = performance.now();
    try {
      const response = await this.request(target, { signal });
      const body = await readBody(response, progress);
      return {
        url: target.href,
        status: response.status,
        statusText: response.statusText,
        headers: response.raw_headers ?? [...response.headers],
        ...body,
        millis: performance.now() - begin,
      };
    } catch (error) {
      if (signal.aborted) throw cancelled();
      if (error instanceof TunnelError) throw error;
      if (this.connectFailure) throw TunnelError.of(this.connectFailure);
      throw new TunnelError('HTTP_FAILED', error instanceof Error ? error.message : String(error));
    }
  }

  /** A GET request without following redirects, answered as `fetch` does. Throws whatever libcurl.js throws. */
  async request(target: URL, options: RequestOptions): Promise<CurlResponse> {
    const libcurl = await loaded();
    // libcurl.js only listens for what is still to come.
    if (options.signal?.aborted) throw cancelled();
    current = this;
    this.#takeConnectFailure();
    this.#session ??= new (mended(libcurl.HTTPSession))();
    return await this.#session.fetch(target.href, {
      redirect: 'manual',
      ...options,
      // Without TLS there is no ALPN, and an upgrade to HTTP/2 only costs a header.
      ...(target.protocol === 'http:' && { _libcurl_http_version: 1.1 }),
    });
  }

  #takeConnectFailure(): Failure | undefined {
    const failure = this.connectFailure;
    this.connectFailure = undefined;
    return failure;
  }

  close(): void {
    this.#session?.close();
    this.#session = undefined;
    if (current === this) current = undefined;
  }
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.hostname === '') {
    throw new TunnelError('BAD_INPUT', 'URL: http:// or https:// and a host are needed');
  }
  return url;
}

async function readBody(
  response: Response,
  progress: ((received: number, total: number | undefined) => void) | undefined,
): Promise<Pick<FetchReply, 'size' | 'sha256' | 'body'>> {
  const length = response.headers.get('content-length');
  const total =
    length === null || response.headers.has('content-encoding') ? undefined : Number(length);
  const digest = sha256.create();
  const kept: Uint8Array[] = [];
  let size = 0;
  let keptSize = 0;
  let told = Number.NEGATIVE_INFINITY;
  const reader = response.body?.getReader();
  for (let step = await reader?.read(); step && !step.done; step = await reader?.read()) {
    const chunk: Uint8Array = step.value;
    digest.update(chunk);
    size += chunk.length;
    if (keptSize < BODY_LIMIT) {
      const part = chunk.subarray(0, BODY_LIMIT - keptSize);
      kept.push(part);
      keptSize += part.length;
    }
    if (performance.now() - told >= PROGRESS_MILLIS) {
      told = performance.now();
      progress?.(size, total);
    }
  }
  const body = new Uint8Array(keptSize);
  let at = 0;
  for (const part of kept) {
    body.set(part, at);
    at += part.length;
  }
  return { size, sha256: bytesToHex(digest.digest()), body };
}

/** A TCP connection in the tunnel with the shape of a WebSocket, as libcurl.js asks of a transport. */
class TunnelTransport extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  readonly CONNECTING = 0;
  readonly OPEN = 1;
  readonly CLOSING = 2;
  readonly CLOSED = 3;
  readonly url: string;
  readonly protocol = 'binary';
  binaryType = 'arraybuffer';
  readyState = 0;
  bufferedAmount = 0;
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: Event) => void) | null = null;
  onerror: ((event: Event) => void) | null = null;
  onclose: ((event: Event) => void) | null = null;
  #socket: TcpSocket | undefined;
  /** Arrived, and not yet told. */
  #gathered: Bytes[] = [];
  #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>> | undefined;

  constructor(url: string) {
    super();
    this.url = url;
    void this.#run(current);
  }

  send(data: ArrayBuffer | Uint8Array<ArrayBuffer>): void {
    const bytes = data instanceof ArrayBuffer ? new Uint8Array(data.slice(0)) : data.slice();
    this.bufferedAmount += bytes.length;
    this.#writer?.write(bytes).then(
      () => {
        this.bufferedAmount -= bytes.length;
      },
      () => {},
    );
  }

  close(): void {
    if (this.readyState >= this.CLOSING) return;
    this.readyState = this.CLOSING;
    void this.#socket?.close();
  }

  async #run(client: HttpClient | undefined): Promise<void> {
    const target = /\/([^/]+):(\d+)$/.exec(this.url);
    try {
      if (client === undefined || target === null) throw new TunnelError('NOT_CONNECTED');
      const host = target[1]!.replace(/^\[|\]$/g, '');
      this.#socket = client.sockets.connect(host, Number(target[2]));
      await this.#socket.opened;
      this.#writer = this.#socket.writable.getWriter();
      this.#writer.closed.catch(() => {});
      this.readyState = this.OPEN;
      this.#fire('open', {});
      const reader = this.#socket.readable.getReader();
      for (let step = await reader.read(); !step.done; step = await reader.read()) {
        this.#gather(step.value);
      }
      this.#finish(1000);
    } catch (error) {
      // What libcurl closes, it knows the reason for.
      if (client && error instanceof TunnelError && this.readyState < this.CLOSING) {
        client.connectFailure = error.failure;
      }
      this.#fire('error', {});
      this.#finish(1006);
    }
  }

  /**
   * libcurl.js looks for data every 4 ms and takes ten messages at most: packet by packet that would be 3 MB/s.
   * So what arrives within a moment becomes one message.
   */
  #gather(bytes: Bytes): void {
    if (this.#gathered.length === 0) setTimeout(() => this.#deliver(), GATHER_MILLIS);
    this.#gathered.push(bytes);
  }

  #deliver(): void {
    if (this.#gathered.length === 0) return;
    const data = concat(...this.#gathered).buffer;
    this.#gathered = [];
    this.#fire('message', { data });
  }

  #finish(code: number): void {
    this.#deliver();
    this.readyState = this.CLOSED;
    this.#fire('close', { code, reason: '', wasClean: code === 1000 });
  }

  #fire(type: 'open' | 'message' | 'error' | 'close', fields: Record<string, unknown>): void {
    const event = Object.assign(new Event(type), fields);
    this[`on${type}`]?.(event);
    this.dispatchEvent(event);
  }
}
