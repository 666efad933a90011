/** Puts the worker's one tunnel together. */
import { expose } from 'comlink';
import { TunnelError } from '../../shared/errors.ts';
import { RELAY_SUBPROTOCOL } from '../../shared/relay/channels.ts';
import type { Random } from '../../shared/wire/bytes.ts';
import noneUrl from '../../wasm/build/culvert.none.wasm?url';
import relaxedUrl from '../../wasm/build/culvert.relaxed.wasm?url';
import strictUrl from '../../wasm/build/culvert.strict.wasm?url';
import { type Build, bestBuild, loadWasmSuite } from '../../wasm/index.ts';
import { HttpClient } from './http.ts';
import { TunnelService } from './tunnel-service.ts';

const random: Random = {
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
};

const URLS: Readonly<Record<Build, string>> = {
  relaxed: relaxedUrl,
  strict: strictUrl,
  none: noneUrl,
};

let compiled: WebAssembly.Module | undefined;

/** Fetches and compiles the best build, once; a failed try, as without a network, leaves nothing behind that would fail the next. */
async function compile(): Promise<WebAssembly.Module> {
  try {
    compiled ??= await WebAssembly.compileStreaming(fetch(URLS[bestBuild()]));
    return compiled;
  } catch (error) {
    throw new TunnelError('RELAY_UNREACHABLE', `the tunnel’s program did not load: ${error}`);
  }
}

const service = new TunnelService({
  random,
  loadSuite: async () => await loadWasmSuite(await compile(), random),
  openSocket: (relay) => new WebSocket(relay, RELAY_SUBPROTOCOL),
  openWeb: (sockets) => new HttpClient(sockets),
  online: () => navigator.onLine,
});

/** Lets a window use the tunnel through `port`. */
export function serve(port: MessagePort): void {
  expose(service, port);
}
