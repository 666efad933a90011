/** The page's end of the tunnel worker: starts it, takes a port of its own, follows its states. */
import { proxy, type Remote, wrap } from 'comlink';
import { type Failure, TunnelError } from '../../shared/errors.ts';
import type {
  ConnectionInfo,
  ConnectRequest,
  FetchReply,
  KeyKind,
  MadeKey,
  Outcome,
  PingReply,
  PublicHalf,
  SocketHandle,
  TunnelApi,
  TunnelState,
} from '../worker/api.ts';
import type { RemoteInspector } from './packets/inspection.ts';

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
  connections(): Promise<Outcome<readonly ConnectionInfo[]>>;
  makeKey(kind: KeyKind): Promise<Outcome<MadeKey>>;
  publicHalf(files: readonly File[], passphrase: string): Promise<Outcome<PublicHalf>>;
  /** A TCP connection through the tunnel, once it stands. */
  connectTcp(host: string, port: number): Promise<Outcome<TcpConnection>>;
  readonly inspector: RemoteInspector;
}

/** A TCP connection in the page, in the shape of the WinterTC sockets API. */
export interface TcpConnection extends Pick<SocketHandle, 'readable' | 'writable'> {
  readonly opened: Promise<Omit<SocketHandle, 'id' | 'readable' | 'writable'>>;
  /** Settles once both directions are done; fails with the `TunnelError` that ended them. */
  readonly closed: Promise<void>;
  /** Ends the connection at once. */
  close(): Promise<void>;
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
    connectTcp: (host, port) => connectTcp(remote, host, port),
    connect: (request) => remote.connect(request),
    disconnect: () => remote.disconnect(),
    inspector: remote.inspector,
    ping: (host) => remote.ping(host),
    connections: () => remote.connections(),
    makeKey: (kind) => remote.makeKey(kind),
    publicHalf: (files, passphrase) => remote.publicHalf(files, passphrase),
    fetch: (url, progress, signal) => {
      // Not randomUUID, which a page that is not secure does not have.
      const id = crypto.getRandomValues(new BigUint64Array(2)).join('-');
      signal.addEventListener('abort', () => void remote.cancelFetch(id), { once: true });
      return remote.fetch(id, url, proxy(progress));
    },
  };
}

/** What the worker hands over, with what only this side of the port can have. */
export async function connectTcp(
  remote: Pick<Remote<TunnelApi>, 'connectTcp' | 'closeTcp'>,
  host: string,
  port: number,
): Promise<Outcome<TcpConnection>> {
  let ended!: (failure?: Failure) => void;
  const closed = new Promise<void>((resolve, reject) => {
    ended = (failure) => {
      if (failure === undefined) resolve();
      else reject(TunnelError.of(failure));
    };
  });
  // Who only reads or writes learns of it there.
  closed.catch(() => undefined);
  const outcome = await remote.connectTcp(host, port, proxy(ended));
  if (!outcome.ok) return outcome;
  const { id, readable, writable, ...info } = outcome.value;
  const close = async () => {
    await remote.closeTcp(id);
  };
  return { ok: true, value: { readable, writable, opened: Promise.resolve(info), closed, close } };
}
