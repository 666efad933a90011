/** The tunnel as the page sees it: one at a time, its state told to everyone who asked. */
import { type ProxyMarked, proxy, transfer } from 'comlink';
import type { CipherSuite } from '../../shared/crypto/suite.ts';
import { type Failure, TunnelError } from '../../shared/errors.ts';
import type { Credentials } from '../../shared/ike/credentials.ts';
import { allowWeak } from '../../shared/ike/weak-sign-in.ts';
import { formatAddress } from '../../shared/ip/address.ts';
import type { TunnelOutput } from '../../shared/vpn/tunnel.ts';
import type { Bytes, Millis, Random } from '../../shared/wire/bytes.ts';
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
} from './api.ts';
import { isPort } from './arguments.ts';
import { type RelaySocket, TunnelDriver } from './driver.ts';
import { InspectorService } from './inspector-service.ts';
import { Sockets, type TcpSocket } from './sockets.ts';

/** How long a tunnel outlives the browser's word that the network is gone: a change of network looks like that too. */
export const OFFLINE_GRACE: Millis = 5_000;

/** What the service has around it; the worker's entry puts in the real things. */
export interface ServiceParts {
  readonly random: Random;
  /** A cipher suite of its own for each tunnel. */
  readonly loadSuite: () => Promise<CipherSuite>;
  readonly openSocket: (relay: string) => RelaySocket;
  readonly openWeb: (sockets: Sockets) => WebClient;
  /** Whether the browser believes that there is a network. */
  readonly online: () => boolean;
}

/** One tunnel's web requests. */
export interface WebClient {
  /** A GET request. Throws `TunnelError`. */
  get(
    url: string,
    progress: ((received: number, total: number | undefined) => void) | undefined,
    signal: AbortSignal,
  ): Promise<FetchReply>;
  close(): void;
}

/** What exists only while there is a tunnel, or one is being made. */
interface Tunnel {
  readonly driver: TunnelDriver;
  readonly sockets: Sockets;
  readonly web: WebClient;
}

export class TunnelService implements TunnelApi {
  readonly inspector: InspectorService & ProxyMarked = proxy(new InspectorService());
  readonly #listeners = new Map<number, (state: TunnelState) => void>();
  #nextListener = 1;
  #state: TunnelState = { kind: 'idle' };
  #tunnel: Tunnel | undefined;
  #idle: (() => void)[] = [];
  readonly #parts: ServiceParts;
  /** Requests under way, by their callers' ids. */
  readonly #fetches = new Map<string, AbortController>();
  /** TCP connections that a page has. */
  readonly #handed = new Map<number, TcpSocket>();
  #nextHanded = 1;
  /** The tunnel in the making, which may be given up while its suite loads. */
  #attempt: symbol | undefined;
  /** The relay is on this device: no network is needed to reach it. */
  #relayIsLocal = false;
  #offlineTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: ServiceParts) {
    this.#parts = parts;
  }

  subscribe(listener: (state: TunnelState) => void): number {
    const id = this.#nextListener++;
    this.#listeners.set(id, listener);
    listener(this.#state);
    return id;
  }

  unsubscribe(id: number): void {
    this.#listeners.delete(id);
  }

  connect(request: ConnectRequest): void {
    if (this.#state.kind !== 'idle') return;
    this.#relayIsLocal = isLoopback(request.relay);
    this.#become({ kind: 'connecting', stage: 'relay' });
    if (!this.#relayIsLocal && !this.#parts.online()) return this.#ended({ code: 'TAB_OFFLINE' });
    const attempt = Symbol();
    this.#attempt = attempt;
    this.#dial(request, attempt).catch((error: unknown) => {
      if (this.#attempt === attempt) this.#ended(asFailure(error));
    });
  }

  async disconnect(): Promise<void> {
    if (this.#state.kind === 'idle') return;
    const done = new Promise<void>((resolve) => this.#idle.push(resolve));
    if (this.#state.kind !== 'disconnecting') {
      this.#become({ kind: 'disconnecting' });
      this.#tunnel?.sockets.closeAll({ code: 'NOT_CONNECTED' });
      this.#tunnel?.driver.run({ kind: 'close' });
    }
    return done;
  }

  networkLost(): void {
    if (this.#relayIsLocal) return;
    if (this.#state.kind === 'connecting') this.#fail({ code: 'TAB_OFFLINE' });
    if (this.#state.kind !== 'connected' || this.#offlineTimer !== undefined) return;
    this.#offlineTimer = setTimeout(() => {
      this.#offlineTimer = undefined;
      if (!this.#parts.online()) this.#fail({ code: 'TAB_OFFLINE' });
    }, OFFLINE_GRACE);
  }

  ping(host: string): Promise<Outcome<PingReply>> {
    return this.#use(({ sockets }) => sockets.ping(host.trim()));
  }

  async connectTcp(
    host: string,
    port: number,
    closed: (failure?: Failure) => void,
  ): Promise<Outcome<SocketHandle>> {
    const outcome = await this.#use(({ sockets }) => this.#handOver(sockets, host, port, closed));
    if (!outcome.ok) return outcome;
    return transfer(outcome, [outcome.value.readable, outcome.value.writable]);
  }

  async closeTcp(id: number): Promise<void> {
    await this.#handed.get(id)?.close();
  }

  async #handOver(
    sockets: Sockets,
    host: string,
    port: number,
    closed: (failure?: Failure) => void,
  ): Promise<SocketHandle> {
    if (!isPort(port)) throw new TunnelError('BAD_INPUT', 'a port is a number from 1 to 65535');
    const socket = sockets.connect(host.trim(), port);
    const info = await socket.opened;
    const id = this.#nextHanded++;
    this.#handed.set(id, socket);
    const forget = () => this.#handed.delete(id);
    socket.closed.then(
      () => closed(),
      (error: unknown) => closed(asFailure(error)),
    );
    socket.closed.then(forget, forget);
    return { id, ...info, readable: socket.readable, writable: socket.writable };
  }

  connections(): Promise<Outcome<readonly ConnectionInfo[]>> {
    return this.#use(({ sockets }) => sockets.connections());
  }

  async fetch(
    id: string,
    url: string,
    progress?: (received: number, total: number | undefined) => void,
  ): Promise<Outcome<FetchReply>> {
    const controller = new AbortController();
    this.#fetches.set(id, controller);
    const { signal } = controller;
    const outcome = await this.#use(({ web }) => web.get(url.trim(), progress, signal));
    this.#fetches.delete(id);
    return outcome.ok ? transfer(outcome, [outcome.value.body.buffer]) : outcome;
  }

  makeKey(kind: KeyKind): Promise<Outcome<MadeKey>> {
    return outcomeOf(async () => (await import('./key-tools.ts')).makeKey(kind));
  }

  publicHalf(files: readonly File[], passphrase: string): Promise<Outcome<PublicHalf>> {
    return outcomeOf(async () => {
      const tools = await import('./key-tools.ts');
      return tools.publicHalf(files, passphrase, await this.#parts.loadSuite());
    });
  }

  cancelFetch(id: string): void {
    this.#fetches.get(id)?.abort();
  }

  async #dial(request: ConnectRequest, attempt: symbol): Promise<void> {
    const { random, loadSuite, openSocket, openWeb } = this.#parts;
    const suite = await loadSuite();
    const credentials = allowWeak(await credentialsOf(request, suite), request.weak ?? {});
    if (this.#attempt !== attempt) return;
    if (this.#state.kind === 'disconnecting') return this.#ended(undefined);
    const driver = new TunnelDriver({
      socket: openSocket(request.relay),
      now: () => performance.now(),
      emit: (output) => this.#handle(output),
      suite,
      random,
      gateway: request.gateway,
      credentials,
      userName: request.userName,
      password: request.password,
      esp: request.esp,
      authMethods: request.allowPap ? ['mschapv2', 'chap-md5', 'pap'] : ['mschapv2', 'chap-md5'],
    });
    this.inspector.attach((tap) => driver.run({ kind: 'tap', tap }));
    const sockets = new Sockets((input) => driver.network(input));
    this.#tunnel = { driver, sockets, web: openWeb(sockets) };
  }

  /** Ends what there is, without a word to the gateway: there is no way to it. */
  #fail(failure: Failure): void {
    if (this.#tunnel === undefined) this.#ended(failure);
    else this.#tunnel.driver.run({ kind: 'relay-closed', failure });
  }

  #handle(output: Exclude<TunnelOutput, { kind: 'control' | 'frame' }>): void {
    switch (output.kind) {
      case 'stage':
        if (this.#state.kind === 'connecting')
          this.#become({ kind: 'connecting', stage: output.stage });
        return;
      case 'connected':
        if (this.#state.kind !== 'connecting') return;
        this.#become({
          kind: 'connected',
          session: { ...output.session, ipv6Addresses: [], since: Date.now() },
        });
        return;
      case 'network':
        this.#tunnel?.sockets.dispatch(output.output);
        if (output.output.kind === 'ipv6-addresses') this.#readdress(output.output.addresses);
        return;
      case 'closed':
        this.#ended(output.failure);
        return;
      case 'trace':
        return;
    }
  }

  #readdress(addresses: readonly Bytes[]): void {
    if (this.#state.kind !== 'connected') return;
    const ipv6Addresses = addresses.map(formatAddress);
    this.#become({ kind: 'connected', session: { ...this.#state.session, ipv6Addresses } });
  }

  #ended(cause: Failure | undefined): void {
    const failure = cause && this.#explain(cause);
    const tunnel = this.#tunnel;
    this.#tunnel = undefined;
    this.inspector.detach();
    this.#attempt = undefined;
    clearTimeout(this.#offlineTimer);
    this.#offlineTimer = undefined;
    tunnel?.sockets.closeAll(failure ?? { code: 'NOT_CONNECTED' });
    tunnel?.web.close();
    this.#become(failure === undefined ? { kind: 'idle' } : { kind: 'idle', failure });
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
  }

  /** A relay that is out of reach while the browser has no network is not to blame. */
  #explain(failure: Failure): Failure {
    const lost = failure.code === 'RELAY_UNREACHABLE' || failure.code === 'RELAY_CLOSED';
    return lost && !this.#parts.online() ? { code: 'TAB_OFFLINE' } : failure;
  }

  #become(state: TunnelState): void {
    this.#state = state;
    for (const listener of this.#listeners.values()) listener(state);
  }

  async #use<T>(work: (tunnel: Tunnel) => Promise<T>): Promise<Outcome<T>> {
    return outcomeOf(async () => {
      if (this.#state.kind !== 'connected' || this.#tunnel === undefined)
        throw new TunnelError('NOT_CONNECTED');
      return work(this.#tunnel);
    });
  }
}

async function outcomeOf<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return { ok: false, failure: asFailure(error) };
  }
}

function asFailure(error: unknown): Failure {
  return error instanceof TunnelError ? error.failure : { code: 'INTERNAL', detail: String(error) };
}

function isLoopback(relay: string): boolean {
  const { hostname } = new URL(relay);
  return /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

/** Throws `TunnelError` for files that cannot be used. What reads them is loaded when it is needed. */
async function credentialsOf(
  { preSharedKey, keys }: ConnectRequest,
  suite: CipherSuite,
): Promise<Credentials> {
  if (keys === undefined) {
    return { kind: 'pre-shared-key', key: new TextEncoder().encode(preSharedKey) };
  }
  const tools = await import('./key-tools.ts');
  return tools.credentialsOf(keys, suite);
}
