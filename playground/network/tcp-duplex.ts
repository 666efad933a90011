/**
 * A TCP connection of our stack as a `stream.Duplex`, with what Node's servers and clients expect of a `net.Socket`.
 * Back-pressure goes both ways: bytes that nobody reads close the receive window, a write waits for room in the send buffer.
 */
import { Duplex } from 'node:stream';
import { type Failure, TunnelError, type TunnelErrorCode } from '../../shared/errors.ts';
import { formatAddress } from '../../shared/ip/address.ts';
import type { SocketOutput } from '../../shared/ip/messages.ts';
import { type Bytes, concat, type Millis } from '../../shared/wire/bytes.ts';

/** What a connection asks of its host's stack. */
export interface Transport {
  /** Answers how many bytes were copied. */
  write(bytes: Bytes): number;
  consumed(length: number): void;
  shutdown(): void;
  abort(): void;
  tune(options: { noDelay?: boolean; keepAlive?: Millis }): void;
}

export interface Endpoints {
  /** 4 bytes each. */
  readonly localAddress: Bytes;
  readonly remoteAddress: Bytes;
  /** 0 while it is not known. */
  readonly localPort: number;
  readonly remotePort: number;
}

/** Bytes kept on each side of the stream, beside the stack's own buffers. */
const STREAM_BYTES = 65_536;

/** How long a connection that was closed here may take to deliver what was written, and the peer to close its side. */
const LINGER_MILLIS = 30_000;

/** The names that Node has for our codes. */
const ERROR_NAMES: Readonly<Partial<Record<TunnelErrorCode, string>>> = {
  CONNECTION_REFUSED: 'ECONNREFUSED',
  CONNECTION_RESET: 'ECONNRESET',
  TIMED_OUT: 'ETIMEDOUT',
  UNREACHABLE: 'EHOSTUNREACH',
};

interface PendingWrite {
  bytes: Bytes;
  readonly done: (error?: Error | null) => void;
}

/** Emits `connect` once the connection stands, where it was made from this end, and `timeout` as `net.Socket` does. */
export class TcpDuplex extends Duplex {
  readonly remoteFamily = 'IPv4';
  readonly localAddress: string;
  readonly remoteAddress: string;
  readonly remotePort: number;
  localPort: number;
  /** Whether the connection does not stand yet. */
  connecting: boolean;
  bytesRead = 0;
  bytesWritten = 0;
  /** Milliseconds of silence after which `timeout` is emitted; 0: never. */
  timeout = 0;
  readonly #transport: Transport;
  /** Arrived, and not yet asked for. */
  readonly #unread: Bytes[] = [];
  /** The stream has room for more. */
  #wanted = false;
  #peerEnded = false;
  #reset = false;
  /** FIN is on its way, or waits for the connection to stand. */
  #shutdown = false;
  /** The stack knows the connection no more. */
  #over = false;
  #pending: PendingWrite | undefined;
  #idle: NodeJS.Timeout | undefined;
  #linger: NodeJS.Timeout | undefined;

  constructor(transport: Transport, endpoints: Endpoints, connecting: boolean) {
    super({ highWaterMark: STREAM_BYTES });
    this.#transport = transport;
    this.localAddress = formatAddress(endpoints.localAddress);
    this.remoteAddress = formatAddress(endpoints.remoteAddress);
    this.localPort = endpoints.localPort;
    this.remotePort = endpoints.remotePort;
    this.connecting = connecting;
  }

  /** What the stack says about this connection. */
  dispatch(output: Exclude<SocketOutput, { kind: 'tcp-accepted' }>): void {
    switch (output.kind) {
      case 'tcp-opened':
        this.#opened(output.localPort);
        return;
      case 'tcp-data':
        this.#arrived(output.bytes);
        return;
      case 'tcp-end':
        this.#peerEnded = true;
        this.#hand();
        return;
      case 'tcp-writable':
        this.#offer();
        return;
      case 'tcp-closed':
        this.#closed(output.failure);
        return;
    }
  }

  // ---- What Node expects of a socket

  address(): { address: string; family: string; port: number } {
    return { address: this.localAddress, family: 'IPv4', port: this.localPort };
  }

  setTimeout(millis: Millis, callback?: () => void): this {
    this.timeout = millis;
    clearTimeout(this.#idle);
    this.#idle = undefined;
    if (millis > 0) {
      this.#idle = setTimeout(() => this.emit('timeout'), millis).unref();
      if (callback !== undefined) this.once('timeout', callback);
    } else if (callback !== undefined) {
      this.off('timeout', callback);
    }
    return this;
  }

  setNoDelay(noDelay = true): this {
    this.#transport.tune({ noDelay });
    return this;
  }

  /** Unlike the kernel's, the stack has no delay of its own: without one, or with 0, nothing changes. */
  setKeepAlive(enable = false, delay: Millis = 0): this {
    if (!enable) this.#transport.tune({ keepAlive: Number.POSITIVE_INFINITY });
    else if (delay > 0) this.#transport.tune({ keepAlive: delay });
    return this;
  }

  /** A connection never keeps the process alive; its host's network does. */
  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  /** Ends after what was written, and then wants no more from the peer either. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  /** Ends at once, by RST: the peer cannot take it for the end of the data. */
  resetAndDestroy(): this {
    this.#reset = true;
    return this.destroy();
  }

  // ---- Reading

  override _read(): void {
    this.#wanted = true;
    this.#hand();
  }

  #arrived(bytes: Bytes): void {
    this.bytesRead += bytes.length;
    this.#idle?.refresh();
    if (this.destroyed) {
      // After an end in order read and forgotten: a RST could take what is on its way to the peer with it.
      if (this.writableFinished) this.#transport.consumed(bytes.length);
      else this.#transport.abort();
      return;
    }
    this.#unread.push(bytes);
    this.#hand();
  }

  #hand(): void {
    while (this.#wanted) {
      const piece = this.#unread.shift();
      if (piece === undefined) break;
      this.#transport.consumed(piece.length);
      this.#wanted = this.push(piece);
    }
    if (this.#wanted && this.#peerEnded) {
      this.#wanted = false;
      this.push(null);
    }
  }

  // ---- Writing

  override _write(
    chunk: Uint8Array,
    _encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    // A view of Node's buffers never is of shared memory.
    this.#pending = { bytes: chunk as Bytes, done };
    this.#offer();
  }

  /** Header and body of an answer make one segment, not two. */
  override _writev(
    chunks: readonly { chunk: Uint8Array }[],
    done: (error?: Error | null) => void,
  ): void {
    this._write(concat(...chunks.map(({ chunk }) => chunk)), 'binary', done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#shutdown = true;
    if (!this.connecting) this.#transport.shutdown();
    done();
  }

  #offer(): void {
    const pending = this.#pending;
    if (pending === undefined || this.connecting) return;
    const length = this.#transport.write(pending.bytes);
    this.bytesWritten += length;
    if (length > 0) this.#idle?.refresh();
    if (length < pending.bytes.length) {
      pending.bytes = pending.bytes.subarray(length);
      return;
    }
    this.#pending = undefined;
    pending.done();
  }

  // ---- Beginning and end

  #opened(localPort: number): void {
    this.localPort = localPort;
    this.connecting = false;
    this.emit('connect');
    this.emit('ready');
    this.#offer();
    if (this.#shutdown) this.#transport.shutdown();
  }

  #closed(failure: Failure | undefined): void {
    this.#over = true;
    clearTimeout(this.#linger);
    if (failure === undefined) {
      if (this.destroyed) return;
      this.#peerEnded = true;
      this.#hand();
      return;
    }
    const cause = TunnelError.of(failure);
    const code = ERROR_NAMES[failure.code] ?? failure.code;
    this.destroy(Object.assign(new Error(cause.message, { cause }), { code }));
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#idle);
    const pending = this.#pending;
    this.#pending = undefined;
    if (!this.#over) this.#leave(!this.connecting && this.#isClean(pending));
    pending?.done(error ?? new Error('closed at this end'));
    done(error);
  }

  /** Whether both ends may take what was said so far for all there is. */
  #isClean(pending: PendingWrite | undefined): boolean {
    if (this.#reset) return false;
    if (this.#shutdown) return true;
    const unread = this.#unread.length + this.readableLength;
    return pending === undefined && this.writableLength === 0 && unread === 0;
  }

  /** In order, what was written still goes out, with the FIN behind it, as long as that takes no more than `LINGER_MILLIS`. */
  #leave(inOrder: boolean): void {
    if (!inOrder) {
      this.#transport.abort();
      return;
    }
    if (!this.#shutdown) this.#transport.shutdown();
    for (const piece of this.#unread.splice(0)) this.#transport.consumed(piece.length);
    this.#linger = setTimeout(() => this.#transport.abort(), LINGER_MILLIS).unref();
  }
}
