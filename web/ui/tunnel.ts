/** The page's end of the tunnel worker: starts it, takes a port of its own, follows its states. */
import { proxy, type Remote, wrap } from 'comlink';
import type {
  ConnectRequest,
  FetchReply,
  Outcome,
  PingReply,
  TunnelApi,
  TunnelState,
} from '../worker/api.ts';

/** `TunnelApi` as it is seen across the port: everything answers later. */
export interface Tunnel {
  connect(request: ConnectRequest): Promise<void>;
  disconnect(): Promise<void>;
  ping(host: string): Promise<Outcome<PingReply>>;
  /** After `signal` it answers `CANCELLED`. */
  fetch(
    url: string,
    progress: (received: number, total: number | undefined) => void,
    signal: AbortSignal,
  ): Promise<Outcome<FetchReply>>;
}

export interface TunnelEvents {
  state(state: TunnelState): void;
  /** The worker could not be started, or something in it broke outside of any call. */
  fault(detail: string): void;
}

/** Starts the worker and reports every state of its tunnel, beginning with the present one. */
export function openTunnel(events: TunnelEvents): Tunnel {
  const worker = new Worker(new URL('../worker/main.ts', import.meta.url), { type: 'module' });
  worker.addEventListener('error', (event) => {
    // A script that does not load has no message of its own.
    events.fault(event.message || 'The tunnel’s program could not be loaded.');
  });
  const { port1, port2 } = new MessageChannel();
  worker.postMessage(port1, [port1]);
  const remote: Remote<TunnelApi> = wrap<TunnelApi>(port2);
  remote
    .subscribe(proxy((state: TunnelState) => events.state(state)))
    .catch((error: unknown) => events.fault(String(error)));
  // Workers know whether they are online, but not every browser tells them when that changes.
  addEventListener('offline', () => {
    remote.networkLost().catch((error: unknown) => events.fault(String(error)));
  });
  return {
    connect: (request) => remote.connect(request),
    disconnect: () => remote.disconnect(),
    ping: (host) => remote.ping(host),
    fetch: (url, progress, signal) => {
      const id = crypto.randomUUID();
      signal.addEventListener('abort', () => void remote.cancelFetch(id), { once: true });
      return remote.fetch(id, url, proxy(progress));
    },
  };
}
