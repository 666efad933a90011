/** The tunnel as the page sees it: one at a time, its state told to everyone who asked. */
import { transfer } from 'comlink';
import { type Failure, TunnelError } from '../../shared/errors.ts';
import type { TunnelOutput } from '../../shared/vpn/tunnel.ts';
import type { Random } from '../../shared/wire/bytes.ts';
import wasmUrl from '../../wasm/build/culvert.wasm?url';
import { loadWasmSuite } from '../../wasm/index.ts';
import type {
  ConnectRequest,
  FetchReply,
  Outcome,
  PingReply,
  TunnelApi,
  TunnelState,
} from './api.ts';
import { TunnelDriver } from './driver.ts';
import { HttpClient } from './http.ts';
import { Sockets } from './sockets.ts';

const SUBPROTOCOL = 'culvert.v1';

const random: Random = {
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
};

/** What exists only while there is a tunnel, or one is being made. */
interface Tunnel {
  readonly driver: TunnelDriver;
  readonly sockets: Sockets;
  readonly http: HttpClient;
}

export class TunnelService implements TunnelApi {
  readonly #listeners = new Map<number, (state: TunnelState) => void>();
  #nextListener = 1;
  #state: TunnelState = { kind: 'idle' };
  #tunnel: Tunnel | undefined;
  #idle: (() => void)[] = [];
  #module: Promise<WebAssembly.Module> | undefined;

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
    this.#become({ kind: 'connecting', stage: 'relay' });
    this.#dial(request).catch((error: unknown) => {
      const failure: Failure =
        error instanceof TunnelError
          ? { code: error.code, ...(error.detail !== undefined && { detail: error.detail }) }
          : { code: 'INTERNAL', detail: String(error) };
      this.#ended(failure);
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

  ping(host: string): Promise<Outcome<PingReply>> {
    return this.#use(({ sockets }) => sockets.ping(host.trim()));
  }

  async fetch(
    url: string,
    progress?: (received: number, total: number | undefined) => void,
  ): Promise<Outcome<FetchReply>> {
    const outcome = await this.#use(({ http }) => http.get(url.trim(), progress));
    return outcome.ok ? transfer(outcome, [outcome.value.body.buffer]) : outcome;
  }

  async #dial(request: ConnectRequest): Promise<void> {
    this.#module ??= WebAssembly.compileStreaming(fetch(wasmUrl));
    const suite = await loadWasmSuite(await this.#module, random);
    if (this.#state.kind !== 'connecting') return this.#ended(undefined);
    const socket = new WebSocket(request.relay, SUBPROTOCOL);
    const driver = new TunnelDriver({
      socket,
      now: () => performance.now(),
      emit: (output) => this.#handle(output),
      suite,
      random,
      gateway: request.gateway,
      preSharedKey: new TextEncoder().encode(request.preSharedKey),
      userName: request.userName,
      password: request.password,
      authMethods: ['mschapv2', 'chap-md5'],
    });
    const sockets = new Sockets((input) => driver.network(input));
    this.#tunnel = { driver, sockets, http: new HttpClient(sockets) };
  }

  #handle(output: Exclude<TunnelOutput, { kind: 'control' | 'frame' }>): void {
    switch (output.kind) {
      case 'stage':
        if (this.#state.kind === 'connecting')
          this.#become({ kind: 'connecting', stage: output.stage });
        return;
      case 'connected':
        if (this.#state.kind !== 'connecting') return;
        this.#become({ kind: 'connected', session: { ...output.session, since: Date.now() } });
        return;
      case 'network':
        this.#tunnel?.sockets.dispatch(output.output);
        return;
      case 'closed':
        this.#ended(output.failure);
        return;
      case 'trace':
        return;
    }
  }

  #ended(failure: Failure | undefined): void {
    const tunnel = this.#tunnel;
    this.#tunnel = undefined;
    tunnel?.sockets.closeAll(failure ?? { code: 'NOT_CONNECTED' });
    tunnel?.http.close();
    this.#become(failure === undefined ? { kind: 'idle' } : { kind: 'idle', failure });
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
  }

  #become(state: TunnelState): void {
    this.#state = state;
    for (const listener of this.#listeners.values()) listener(state);
  }

  async #use<T>(work: (tunnel: Tunnel) => Promise<T>): Promise<Outcome<T>> {
    try {
      if (this.#state.kind !== 'connected' || this.#tunnel === undefined)
        throw new TunnelError('NOT_CONNECTED');
      return { ok: true, value: await work(this.#tunnel) };
    } catch (error) {
      if (!(error instanceof TunnelError))
        return { ok: false, failure: { code: 'INTERNAL', detail: String(error) } };
      const { code, detail } = error;
      return { ok: false, failure: { code, ...(detail !== undefined && { detail }) } };
    }
  }
}
