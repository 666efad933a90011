/**
 * The browser's side of a transfer, in a worker: libcurl.js over our tunnel, as the portal has it, or over wisp-js as
 * others do. It answers one request at a time.
 */
import moduleUrl from 'libcurl.js?url';
import wasmUrl from 'libcurl.js/libcurl.wasm?url';
import { RELAY_SUBPROTOCOL } from '../../shared/relay/channels.ts';
import { loadWasmSuite } from '../../wasm/index.ts';
import type { ConnectRequest } from '../../web/worker/api.ts';
import { HttpClient } from '../../web/worker/http.ts';
import { TunnelService } from '../../web/worker/tunnel-service.ts';
import { random } from '../esp/suites.ts';

export type WorkerRequest =
  | { readonly kind: 'culvert'; readonly module: string; readonly request: ConnectRequest }
  | { readonly kind: 'wisp'; readonly url: string }
  | { readonly kind: 'download' | 'upload'; readonly url: string; readonly bytes: number };

/** How long a transfer took, 0 where there was none; or why it failed. */
export type WorkerReply =
  | { readonly ok: true; readonly bytes: number; readonly millis: number }
  | { readonly ok: false; readonly error: string };

type Fetch = HttpClient['request'];

/** The largest body of one request: libcurl.js keeps a copy of it. */
const UPLOAD_PIECE = 20_000_000;

let fetchThrough: Fetch | undefined;

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
  switch (request.kind) {
    case 'culvert':
      fetchThrough = await connect(request.module, request.request);
      return 0;
    case 'wisp':
      fetchThrough = await libcurlOver(request.url);
      return 0;
    case 'download':
      return await download(new URL(request.url), request.bytes);
    case 'upload':
      return await upload(new URL(request.url), request.bytes);
  }
}

function connect(module: string, request: ConnectRequest): Promise<Fetch> {
  let web: HttpClient;
  const service = new TunnelService({
    random,
    loadSuite: async () => await loadWasmSuite(await fetch(module), random),
    openSocket: (relay) => new WebSocket(relay, RELAY_SUBPROTOCOL),
    openWeb: (sockets) => {
      web = new HttpClient(sockets);
      return web;
    },
    online: () => true,
  });
  return new Promise((resolve, reject) => {
    service.subscribe((state) => {
      if (state.kind === 'connected') resolve((url, options) => web.request(url, options));
      if (state.kind === 'idle' && state.failure) reject(new Error(JSON.stringify(state.failure)));
    });
    service.connect(request);
  });
}

/** Its own transport toward a Wisp server. */
async function libcurlOver(url: string): Promise<Fetch> {
  const { libcurl } = await import(/* @vite-ignore */ new URL(moduleUrl, self.location.href).href);
  await libcurl.load_wasm(new URL(wasmUrl, self.location.href).href);
  libcurl.set_websocket(url);
  const session = new libcurl.HTTPSession();
  return (target, options) =>
    session.fetch(target.href, { ...options, redirect: 'manual', _libcurl_http_version: 1.1 });
}

/** The first `bytes` of what is there. */
async function download(url: URL, bytes: number): Promise<number> {
  const response = await through()(url, {
    method: 'GET',
    headers: { Range: `bytes=0-${bytes - 1}` },
  });
  if (response.status !== 206) throw new Error(`status ${response.status}`);
  let received = 0;
  const reader = response.body?.getReader();
  for (let step = await reader?.read(); step && !step.done; step = await reader?.read()) {
    received += step.value.length;
  }
  if (received !== bytes) throw new Error(`${received} bytes of ${bytes}`);
  return received;
}

async function upload(url: URL, bytes: number): Promise<number> {
  const piece = new Uint8Array(Math.min(bytes, UPLOAD_PIECE));
  for (let left = bytes; left > 0; left -= piece.length) {
    const body = piece.subarray(0, left);
    const response = await through()(url, { method: 'PUT', body });
    if (response.status !== 201 && response.status !== 204) {
      throw new Error(`status ${response.status}`);
    }
  }
  return bytes;
}

function through(): Fetch {
  if (fetchThrough === undefined) throw new Error('not connected');
  return fetchThrough;
}
