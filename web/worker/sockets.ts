/**
 * The TCP/IP stack in promises and streams, for the applications in the worker and for `dial`. It owns no stack:
 * its driver runs the machine, and hands the machine's outputs back. Only what browsers and Node share is used.
 */
import { type Failure, TunnelError } from '../../shared/errors.ts';
import { formatAddress, parseAddress } from '../../shared/ip/address.ts';
import type { IpInput, IpOutput, TcpOutput } from '../../shared/ip/messages.ts';
import type { Bytes } from '../../shared/wire/bytes.ts';
import { StreamSocket, type TcpSocket } from './tcp-socket.ts';

export type { SocketInfo, TcpSocket } from './tcp-socket.ts';

export interface PingResult {
  /** Address that answered, dotted. */
  readonly address: string;
  readonly roundTripMillis: number;
  /** Bytes of payload that came back. */
  readonly bytes: number;
  readonly ttl: number;
}

const DEFAULT_PING_TIMEOUT = 5000;
const DEFAULT_PING_BYTES = 56;

interface Settle<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

/** A connection on its way: how the stack's answer is taken. */
interface Attempt {
  readonly stream: StreamSocket;
  /** Called with the failure of an attempt, or with nothing when the connection stands. */
  readonly done: (failure: Failure | undefined) => void;
  opened: boolean;
}

/** Which of the stack's sockets a connection has come to. */
interface Progress {
  socket: number;
  abandoned: boolean;
}

export class Sockets {
  readonly #send: (input: IpInput) => void;
  readonly #attempts = new Map<number, Attempt>();
  readonly #streams = new Set<StreamSocket>();
  readonly #queries = new Map<number, Settle<readonly Bytes[]>>();
  readonly #pings = new Map<number, Settle<PingResult>>();
  #next = 1;
  #gone: Failure | undefined;

  /** `send` runs the machine with an input; the outputs come back through `dispatch`, during the call or later. */
  constructor(send: (input: IpInput) => void) {
    this.#send = send;
  }

  dispatch(output: IpOutput): void {
    switch (output.kind) {
      case 'resolved':
        take(this.#queries, output.query)?.resolve(output.addresses);
        return;
      case 'resolve-failed':
        take(this.#queries, output.query)?.reject(asError(output.failure));
        return;
      case 'ping-reply':
        take(this.#pings, output.ping)?.resolve({
          address: formatAddress(output.address),
          roundTripMillis: output.roundTrip,
          bytes: output.length,
          ttl: output.ttl,
        });
        return;
      case 'ping-failed':
        take(this.#pings, output.ping)?.reject(asError(output.failure));
        return;
      case 'tcp-opened':
      case 'tcp-data':
      case 'tcp-end':
      case 'tcp-wrote':
      case 'tcp-writable':
      case 'tcp-closed':
        this.#dispatchTcp(output);
        return;
    }
  }

  /** The tunnel went away: all that is pending, and all that is asked from now on, fails with `failure`. */
  closeAll(failure: Failure): void {
    this.#gone = failure;
    const reason = asError(failure);
    for (const stream of this.#streams) stream.fail(reason);
    for (const query of this.#queries.values()) query.reject(reason);
    for (const ping of this.#pings.values()) ping.reject(reason);
    this.#streams.clear();
    this.#attempts.clear();
    this.#queries.clear();
    this.#pings.clear();
  }

  /**
   * Connects to a name or a dotted address; the addresses of a name are tried one after the other. The promises and
   * streams of the socket fail with `TunnelError`, or with the signal's reason.
   */
  connect(host: string, port: number, options: { signal?: AbortSignal } = {}): TcpSocket {
    if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new RangeError('port');
    const { signal } = options;
    const progress: Progress = { socket: 0, abandoned: false };
    const stream = new StreamSocket(() => {
      progress.abandoned = true;
      this.#streams.delete(stream);
      if (progress.socket !== 0) this.#send({ kind: 'tcp-abort', socket: progress.socket });
    });
    const onAbort = () => stream.abandon(signal?.reason);
    this.#streams.add(stream);
    const forget = () => signal?.removeEventListener('abort', onAbort);
    stream.closed.then(forget, forget);
    if (signal?.aborted === true) onAbort();
    else {
      signal?.addEventListener('abort', onAbort);
      this.#open(stream, host, port, progress).catch((error: unknown) => {
        this.#streams.delete(stream);
        stream.fail(error);
      });
    }
    return stream;
  }

  /** Dotted addresses of a name, at least one. */
  async resolve(name: string): Promise<string[]> {
    return (await this.#addresses(name)).map(formatAddress);
  }

  /** One echo request. The time is the stack's clock's. */
  async ping(
    host: string,
    options: { timeoutMillis?: number; bytes?: number } = {},
  ): Promise<PingResult> {
    const [address] = await this.#addresses(host);
    return new Promise((resolve, reject) => {
      this.#assertUsable();
      const ping = this.#next++;
      this.#pings.set(ping, { resolve, reject });
      this.#send({
        kind: 'ping',
        ping,
        address: address!,
        length: options.bytes ?? DEFAULT_PING_BYTES,
        timeout: options.timeoutMillis ?? DEFAULT_PING_TIMEOUT,
      });
    });
  }

  async #open(stream: StreamSocket, host: string, port: number, progress: Progress): Promise<void> {
    let failure: Failure = { code: 'UNREACHABLE' };
    for (const address of await this.#addresses(host)) {
      if (progress.abandoned) return;
      this.#assertUsable();
      const result = await new Promise<Failure | undefined>((done) => {
        const socket = this.#next++;
        progress.socket = socket;
        this.#attempts.set(socket, { stream, done, opened: false });
        this.#send({ kind: 'tcp-connect', socket, address, port });
      });
      if (result === undefined) return;
      failure = result;
    }
    throw asError(failure);
  }

  #dispatchTcp(output: Exclude<TcpOutput, { kind: 'tcp-accepted' | 'tcp-unlistened' }>): void {
    const { socket } = output;
    const attempt = this.#attempts.get(socket);
    if (attempt === undefined) return;
    if (output.kind === 'tcp-closed') {
      this.#attempts.delete(socket);
      if (!attempt.opened) {
        // The stream decides: another address may still answer.
        attempt.done(output.failure);
        return;
      }
      this.#streams.delete(attempt.stream);
    } else if (output.kind === 'tcp-opened') {
      attempt.opened = true;
      attempt.stream.attach({ socket, send: this.#send }, output);
      attempt.done(undefined);
      return;
    }
    attempt.stream.dispatch(output);
  }

  async #addresses(host: string): Promise<readonly Bytes[]> {
    const literal = parseAddress(host);
    if (literal !== undefined) return [literal];
    return new Promise((resolve, reject) => {
      this.#assertUsable();
      const query = this.#next++;
      this.#queries.set(query, { resolve, reject });
      this.#send({ kind: 'resolve', query, name: host });
    });
  }

  #assertUsable(): void {
    if (this.#gone !== undefined) throw asError(this.#gone);
  }
}

function asError(failure: Failure): TunnelError {
  return new TunnelError(failure.code, failure.detail);
}

function take<T>(map: Map<number, T>, key: number): T | undefined {
  const value = map.get(key);
  map.delete(key);
  return value;
}
