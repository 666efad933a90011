/**
 * The browser's side of a transfer, in a worker: over our tunnel or over wisp-js, by libcurl.js as applications use either,
 * or on the bare TCP stream. It answers one request at a time.
 */
import moduleUrl from 'libcurl.js?url';
import wasmUrl from 'libcurl.js/libcurl.wasm?url';
import { RELAY_SUBPROTOCOL } from '../../shared/relay/channels.ts';
import { bestBuild, loadWasmSuite } from '../../wasm/index.ts';
import type { ConnectRequest } from '../../web/worker/api.ts';
import { HttpClient } from '../../web/worker/http.ts';
import type { Sockets } from '../../web/worker/sockets.ts';
import { TunnelService } from '../../web/worker/tunnel-service.ts';
import { random } from '../esp/suites.ts';
import { pings } from './pings.ts';
import { trusting } from './private-authority.ts';
import { relayEchoes } from './relay-echo.ts';
import { type ByteStream, getOver, putOver } from './streams.ts';
import { wispStreams } from './wisp-stream.ts';

export type Direction = 'download' | 'upload';

export type WorkerRequest =
  | { readonly kind: 'culvert'; readonly request: ConnectRequest }
  /** `authority`: a certificate that is trusted, in PEM. */
  | { readonly kind: 'wisp'; readonly url: string; readonly authority: string }
  | {
      readonly kind: 'transfer';
      readonly direction: Direction;
      readonly by: 'libcurl.js' | 'TCP stream';
      readonly url: string;
      readonly bytes: number;
      /** Is pinged meanwhile. */
      readonly ping?: string;
    }
  /** One packet at a time, `count` of them: to a host through the tunnel, or without one to the relay's echo. */
  | { readonly kind: 'ping'; readonly host: string; readonly count: number }
  | {
      readonly kind: 'echo';
      readonly relay: string;
      readonly gateway: string;
      readonly count: number;
    };

/** How long it took, how many bytes were transferred and how long each ping took; or why it failed. */
export type WorkerReply =
  | ({ readonly ok: true; readonly millis: number } & Result)
  | { readonly ok: false; readonly error: string };

interface Result {
  readonly bytes: number;
  readonly pings: readonly number[];
}

/** Between one ping's answer and the next ping. */
const PING_INTERVAL = 20;

/** What carries transfers. */
interface Carrier {
  /** Where there is a tunnel. */
  readonly sockets?: Sockets;
  readonly fetch: HttpClient['request'];
  /** A connection to the host and port of a URL. */
  readonly stream: (target: URL) => ByteStream;
}

let carrier: Carrier | undefined;

self.addEventListener('message', ({ data }: MessageEvent<WorkerRequest>) => {
  const began = performance.now();
  serve(data).then(
    (result) => reply({ ok: true, ...result, millis: performance.now() - began }),
    (error: unknown) => reply({ ok: false, error: String(error) }),
  );
});

function reply(message: WorkerReply): void {
  self.postMessage(message);
}

async function serve(request: WorkerRequest): Promise<Result> {
  switch (request.kind) {
    case 'culvert':
      carrier = await ourTunnel(request.request);
      return NOTHING;
    case 'wisp':
      carrier = await wispServer(request.url, request.authority);
      return NOTHING;
    case 'transfer':
      return await transfer(request);
    case 'ping': {
      const { host, count } = request;
      return { bytes: 0, pings: await ping(host, (sent) => sent === count) };
    }
    case 'echo': {
      const { relay, gateway, count } = request;
      return { bytes: 0, pings: await relayEchoes(relay, gateway, count, PING_INTERVAL) };
    }
  }
}

const NOTHING: Result = { bytes: 0, pings: [] };

async function transfer(request: Extract<WorkerRequest, { kind: 'transfer' }>): Promise<Result> {
  if (carrier === undefined) throw new Error('not connected');
  let isOver = false;
  const meanwhile = request.ping === undefined ? [] : ping(request.ping, () => isOver);
  const bytes = await bytesOf(carrier, request);
  isOver = true;
  return { bytes, pings: await meanwhile };
}

async function bytesOf(
  { fetch, stream }: Carrier,
  { direction, by, bytes, url: text }: Extract<WorkerRequest, { kind: 'transfer' }>,
): Promise<number> {
  const url = new URL(text);
  if (by === 'libcurl.js') return await download(fetch, url, bytes);
  return await (direction === 'download' ? getOver : putOver)(stream(url), url, bytes);
}

async function ping(host: string, enough: (count: number) => boolean): Promise<number[]> {
  if (carrier?.sockets === undefined) throw new Error('there is no tunnel');
  return await pings(carrier.sockets, host, PING_INTERVAL, enough);
}

function ourTunnel(request: ConnectRequest): Promise<Carrier> {
  let web: HttpClient;
  const service = new TunnelService({
    random,
    loadSuite: async () => await loadWasmSuite(await fetch(`/${bestBuild()}.wasm`), random),
    openSocket: (relay) => new WebSocket(relay, RELAY_SUBPROTOCOL),
    openWeb: (sockets) => {
      web = new HttpClient(sockets);
      return web;
    },
    online: () => true,
  });
  return new Promise((resolve, reject) => {
    service.subscribe((state) => {
      if (state.kind === 'connected') {
        resolve({
          get sockets() {
            return web.sockets;
          },
          fetch: (url, options) => web.request(url, options),
          stream: (target) => tunnelStream(web, target),
        });
      }
      if (state.kind === 'idle' && state.failure) reject(new Error(JSON.stringify(state.failure)));
    });
    service.connect(request);
  });
}

function tunnelStream({ sockets }: HttpClient, target: URL): ByteStream {
  const socket = sockets.connect(target.hostname, Number(target.port) || 80);
  const writer = socket.writable.getWriter();
  const reader = socket.readable.getReader();
  return {
    write: (bytes) => writer.write(bytes),
    read: async () => (await reader.read()).value,
    close: () => void socket.close(),
  };
}

async function wispServer(url: string, authority: string): Promise<Carrier> {
  const { libcurl } = await import(/* @vite-ignore */ new URL(moduleUrl, self.location.href).href);
  await trusting(authority, () => libcurl.load_wasm(new URL(wasmUrl, self.location.href).href));
  libcurl.set_websocket(url);
  const session = new libcurl.HTTPSession();
  return {
    fetch: (target, options) =>
      session.fetch(target.href, { ...options, redirect: 'manual', _libcurl_http_version: 1.1 }),
    stream: await wispStreams(url),
  };
}

/** The first `bytes` of what is there. */
async function download(fetch: Carrier['fetch'], url: URL, bytes: number): Promise<number> {
  const headers = { Range: `bytes=0-${bytes - 1}` };
  const response = await fetch(url, { headers });
  if (response.status !== 206) throw new Error(`status ${response.status}`);
  let received = 0;
  const reader = response.body?.getReader();
  for (let step = await reader?.read(); step && !step.done; step = await reader?.read()) {
    received += step.value.length;
  }
  if (received !== bytes) throw new Error(`${received} bytes of ${bytes}`);
  return received;
}
