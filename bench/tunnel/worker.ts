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
import { TunnelService } from '../../web/worker/tunnel-service.ts';
import { random } from '../esp/suites.ts';
import { type ByteStream, getOver, putOver } from './streams.ts';
import { wispStreams } from './wisp-stream.ts';

export type Direction = 'download' | 'upload';

export type WorkerRequest =
  | { readonly kind: 'culvert'; readonly request: ConnectRequest }
  | { readonly kind: 'wisp'; readonly url: string }
  | {
      readonly kind: 'transfer';
      readonly direction: Direction;
      readonly by: 'libcurl.js' | 'TCP stream';
      readonly url: string;
      readonly bytes: number;
    };

/** How long it took and how many bytes were transferred; or why it failed. */
export type WorkerReply =
  | { readonly ok: true; readonly bytes: number; readonly millis: number }
  | { readonly ok: false; readonly error: string };

/** What carries transfers. */
interface Carrier {
  readonly fetch: HttpClient['request'];
  /** A connection to the host and port of a URL. */
  readonly stream: (target: URL) => ByteStream;
}

let carrier: Carrier | undefined;

self.addEventListener('message', ({ data }: MessageEvent<WorkerRequest>) => {
  const began = performance.now();
  serve(data).then(
    (bytes) => reply({ ok: true, bytes, millis: performance.now() - began }),
    (error: unknown) => reply({ ok: false, error: String(error) }),
  );
});

function reply(message: WorkerReply): void {
  self.postMessage(message);
}

/** Answers the bytes transferred. */
async function serve(request: WorkerRequest): Promise<number> {
  if (request.kind === 'culvert') carrier = await ourTunnel(request.request);
  if (request.kind === 'wisp') carrier = await wispServer(request.url);
  if (request.kind !== 'transfer') return 0;
  if (carrier === undefined) throw new Error('not connected');
  const { direction, by, bytes } = request;
  const url = new URL(request.url);
  if (by === 'libcurl.js') return await download(carrier.fetch, url, bytes);
  const transfer = direction === 'download' ? getOver : putOver;
  return await transfer(carrier.stream(url), url, bytes);
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
  };
}

async function wispServer(url: string): Promise<Carrier> {
  const { libcurl } = await import(/* @vite-ignore */ new URL(moduleUrl, self.location.href).href);
  await libcurl.load_wasm(new URL(wasmUrl, self.location.href).href);
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
