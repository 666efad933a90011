/**
 * One TCP connection in the shape of the WinterTC sockets API: two streams and two promises, with back-pressure
 * both ways. Bytes nobody reads close the receive window; writes wait for room in the send buffer.
 */
import { TunnelError } from '../../shared/errors.ts';
import { formatAddress } from '../../shared/ip/address.ts';
import type { IpInput, TcpOutput } from '../../shared/ip/messages.ts';
import type { Bytes } from '../../shared/wire/bytes.ts';
import { asBytes } from './arguments.ts';
import { Lifecycle } from './lifecycle.ts';

export interface SocketInfo {
  /** Dotted address and port of the peer. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localPort: number;
}

export interface TcpSocket {
  /** A byte stream, where there are such. Ends when the peer ends its direction; fails with a `TunnelError`. Cancelling ends the connection. */
  readonly readable: ReadableStream<Bytes>;
  /** Closing it sends FIN, reading goes on; aborting it ends the connection. */
  readonly writable: WritableStream<Bytes>;
  /** Settles once the connection stands, or could not be made. */
  readonly opened: Promise<SocketInfo>;
  /** Settles once both directions are done; fails with the `TunnelError` that ended them. */
  readonly closed: Promise<void>;
  /** Ends the connection at once. */
  close(): Promise<void>;
}

/** Most bytes of small pieces that are put together for one read. */
const READ_BYTES = 65_536;

/** What a socket's streams do to the stack, once it is known under which number. */
interface Attached {
  readonly socket: number;
  readonly send: (input: IpInput) => void;
}

interface PendingWrite {
  readonly bytes: Bytes;
  sent: number;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

export class StreamSocket implements TcpSocket {
  readonly readable: ReadableStream<Bytes>;
  readonly writable: WritableStream<Bytes>;
  readonly #life = new Lifecycle<SocketInfo>();
  #attached: Attached | undefined;
  readonly #abandon: () => void;
  #reader!: ReadableByteStreamController | ReadableStreamDefaultController<Bytes>;
  #writer!: WritableStreamDefaultController;
  /** Arrived and not yet asked for. */
  readonly #unread: Bytes[] = [];
  /** A read waits. */
  #awaited = false;
  #peerEnded = false;
  #readableDone = false;
  #write: PendingWrite | undefined;
  #settled = false;
  /** What broke it. */
  #reason: unknown;

  /** `abandon` is called when the caller gives up. */
  constructor(abandon: () => void) {
    this.#abandon = abandon;
    this.readable = readableStream({
      start: (controller) => {
        this.#reader = controller;
      },
      pull: () => {
        this.#awaited = true;
        this.#deliver();
      },
      cancel: () => {
        this.#readableDone = true;
        this.#giveUp();
      },
    });
    this.writable = new WritableStream<Bytes>({
      start: (controller) => {
        this.#writer = controller;
        // `abort` below is not called before a write that waits for the peer is over. Nor is the stream to be touched from in here.
        controller.signal.addEventListener('abort', () => queueMicrotask(() => this.#giveUp()));
      },
      write: (chunk) => this.#accept(asBytes(chunk)),
      close: async () => {
        await this.opened;
        this.#send((socket) => ({ kind: 'tcp-shutdown', socket }));
      },
      abort: () => this.#giveUp(),
    });
  }

  get opened(): Promise<SocketInfo> {
    return this.#life.opened;
  }

  get closed(): Promise<void> {
    return this.#life.closed;
  }

  async close(): Promise<void> {
    this.#giveUp();
    await this.closed.catch(() => undefined);
  }

  /** The connection stands. */
  attach(attached: Attached, output: Extract<TcpOutput, { kind: 'tcp-opened' }>): void {
    this.#attached = attached;
    this.#life.open({
      remoteAddress: formatAddress(output.address),
      remotePort: output.port,
      localPort: output.localPort,
    });
  }

  dispatch(output: TcpOutput): void {
    switch (output.kind) {
      case 'tcp-data':
        this.#unread.push(output.bytes);
        this.#deliver();
        return;
      case 'tcp-end':
        this.#peerEnded = true;
        this.#deliver();
        return;
      case 'tcp-wrote':
        this.#wrote(output.length);
        return;
      case 'tcp-writable':
        if (this.#write !== undefined) this.#offer(this.#write);
        return;
      case 'tcp-closed':
        this.#attached = undefined;
        if (output.failure === undefined) this.#finish();
        else this.fail(TunnelError.of(output.failure));
        return;
    }
  }

  /** Everything that is pending fails. */
  fail(reason: unknown): void {
    if (this.#settled) return;
    this.#break(reason);
    this.#abandon();
  }

  /** The caller gave up through its signal. */
  abandon(reason: unknown): void {
    if (this.#settled) return;
    const attached = this.#attached;
    this.fail(reason);
    this.#abort(attached);
  }

  // ---- Reading

  /** Hands what has arrived to the read that waits, and gives its bytes back to the window. */
  #deliver(): void {
    if (this.#readableDone) return;
    if (this.#unread.length > 0) {
      if (!this.#awaited) return;
      this.#awaited = false;
      const length = this.#hand();
      this.#send((socket) => ({ kind: 'tcp-consumed', socket, length }));
    } else if (this.#peerEnded) {
      this.#readableDone = true;
      try {
        this.#reader.close();
        // A reader with a buffer of its own still waits for it to come back.
        this.#byobRequest?.respond(0);
      } catch {
        // Its elements have several bytes, and the last one is not whole: the stream has told it so.
      }
    }
  }

  /** Into the reader's own buffer as much as it holds, or else as one array. Answers how many bytes. */
  #hand(): number {
    const request = this.#byobRequest;
    const view = request?.view;
    if (!request || !view) {
      const bytes = this.#gathered();
      // What was handed over belongs to the stream, and looks empty from here.
      const { length } = bytes;
      this.#reader.enqueue(bytes);
      return length;
    }
    const taken = this.#moveTo(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
    request.respond(taken);
    return taken;
  }

  get #byobRequest(): ReadableStreamBYOBRequest | null {
    return 'byobRequest' in this.#reader ? this.#reader.byobRequest : null;
  }

  /** A read costs more than the bytes in it, so many small pieces become one of `READ_BYTES` at most. */
  #gathered(): Bytes {
    if (this.#unread.length === 1) return this.#unread.pop()!;
    let size = 0;
    for (let i = 0; i < this.#unread.length && size < READ_BYTES; i++) {
      size += this.#unread[i]!.length;
    }
    const bytes = new Uint8Array(Math.min(size, READ_BYTES));
    this.#moveTo(bytes);
    return bytes;
  }

  /** Moves what has arrived to `into`, as much as it holds; answers how much. */
  #moveTo(into: Uint8Array): number {
    let [at, whole] = [0, 0];
    for (const piece of this.#unread) {
      const part = piece.subarray(0, into.length - at);
      into.set(part, at);
      at += part.length;
      if (part.length < piece.length) {
        this.#unread[whole] = piece.subarray(part.length);
        break;
      }
      whole++;
    }
    this.#unread.splice(0, whole);
    return at;
  }

  // ---- Writing

  async #accept(bytes: Bytes): Promise<void> {
    await this.opened;
    if (bytes.length === 0) return;
    // It may be over since.
    if (this.#settled) throw this.#reason;
    await new Promise<void>((resolve, reject) => {
      this.#write = { bytes, sent: 0, resolve, reject };
      this.#offer(this.#write);
    });
  }

  #offer(write: PendingWrite): void {
    const bytes = write.bytes.subarray(write.sent);
    this.#send((socket) => ({ kind: 'tcp-write', socket, bytes }));
  }

  #wrote(length: number): void {
    const write = this.#write;
    if (write === undefined) return;
    write.sent += length;
    if (write.sent < write.bytes.length) return;
    this.#write = undefined;
    write.resolve();
  }

  // ---- Ending

  /** Both directions ended in order: what has arrived stays readable. */
  #finish(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#life.close();
    this.#peerEnded = true;
    this.#deliver();
  }

  /** The caller wants no more: as asked, but reading on must not look like the end of the data. */
  #giveUp(): void {
    if (this.#settled) return;
    const attached = this.#attached;
    this.#life.close();
    this.#break(new TunnelError('CONNECTION_RESET', 'closed at this end'));
    this.#abort(attached);
  }

  #abort(attached: Attached | undefined): void {
    attached?.send({ kind: 'tcp-abort', socket: attached.socket });
    this.#abandon();
  }

  #break(reason: unknown): void {
    this.#settled = true;
    this.#reason = reason;
    this.#attached = undefined;
    this.#life.fail(reason);
    this.#write?.reject(reason);
    this.#write = undefined;
    this.#writer.error(reason);
    this.#unread.length = 0;
    if (this.#readableDone) return;
    this.#readableDone = true;
    this.#reader.error(reason);
  }

  #send(input: (socket: number) => IpInput): void {
    const attached = this.#attached;
    if (attached !== undefined) attached.send(input(attached.socket));
  }
}

interface Source {
  start(controller: ReadableByteStreamController | ReadableStreamDefaultController<Bytes>): void;
  pull(): void;
  cancel(): void;
}

/** A byte stream; one whose readers cannot bring buffers of their own in browsers that have no other (Safari before 26.4). */
function readableStream(source: Source): ReadableStream<Bytes> {
  // Nothing is taken before somebody reads: the stream's own queue stays empty.
  const queue = { highWaterMark: 0 };
  if (typeof ReadableByteStreamController === 'undefined') return new ReadableStream(source, queue);
  return new ReadableStream({ ...source, type: 'bytes' }, queue);
}
