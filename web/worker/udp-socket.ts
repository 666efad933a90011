/**
 * One UDP socket in the shape of the WICG's Direct Sockets: a stream of datagrams each way, bound to a port, and
 * connected to one host when that is named.
 */
import { TunnelError } from '../../shared/errors.ts';
import { formatAddress, parseAddress } from '../../shared/ip/address.ts';
import type { IpInput, UdpOutput } from '../../shared/ip/messages.ts';
import type { Bytes } from '../../shared/wire/bytes.ts';
import { asBytes, isPort } from './arguments.ts';
import { Lifecycle } from './lifecycle.ts';

/** Bytes that wait to be read; datagrams beyond are dropped, as a kernel would. */
export const UDP_QUEUE_LIMIT = 262_144;

export interface UdpMessage {
  readonly data: Bytes;
  /** Where it comes from, or goes to; without them it goes to the host that the socket is connected to. */
  readonly remoteAddress?: string;
  readonly remotePort?: number;
}

export interface UdpSocket {
  /**
   * Never ends by itself; a connected socket's fails where the other host answers that nobody listens, or a datagram could not
   * even be sent.
   */
  readonly readable: ReadableStream<UdpMessage>;
  readonly writable: WritableStream<UdpMessage>;
  readonly opened: Promise<{ readonly localPort: number }>;
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

export interface Remote {
  readonly address: Bytes;
  readonly port: number;
}

export class DatagramSocket implements UdpSocket {
  readonly readable: ReadableStream<UdpMessage>;
  readonly writable: WritableStream<UdpMessage>;
  readonly #life = new Lifecycle<{ readonly localPort: number }>();
  readonly #abandon: () => void;
  #send: ((input: IpInput) => void) | undefined;
  #socket = 0;
  #remote: Remote | undefined;
  #reader!: ReadableStreamDefaultController<UdpMessage>;
  #writer!: WritableStreamDefaultController;
  readonly #unread: UdpMessage[] = [];
  #unreadBytes = 0;
  #awaited = false;
  #settled = false;

  /** `abandon` is called when the caller gives up, before or after the socket is open. */
  constructor(abandon: () => void) {
    this.#abandon = abandon;
    this.readable = new ReadableStream<UdpMessage>(
      {
        start: (controller) => {
          this.#reader = controller;
        },
        pull: () => {
          this.#awaited = true;
          this.#deliver();
        },
        cancel: () => this.#end(),
      },
      { highWaterMark: 0 },
    );
    this.writable = new WritableStream<UdpMessage>({
      start: (controller) => {
        this.#writer = controller;
        // `abort` below is not called before a write that waits for the name is over. Nor is the stream to be touched from in here.
        controller.signal.addEventListener('abort', () => queueMicrotask(() => this.#end()));
      },
      write: (message) => this.#write(message),
      close: () => this.#end(),
      abort: () => this.#end(),
    });
  }

  get opened(): Promise<{ readonly localPort: number }> {
    return this.#life.opened;
  }

  get closed(): Promise<void> {
    return this.#life.closed;
  }

  /** Closed, or failed, be it before it was open. */
  get isOver(): boolean {
    return this.#settled;
  }

  async close(): Promise<void> {
    this.#end();
  }

  /** The socket is being opened under that number. */
  attach(socket: number, remote: Remote | undefined, send: (input: IpInput) => void): void {
    this.#socket = socket;
    this.#remote = remote;
    this.#send = send;
  }

  dispatch(output: UdpOutput): void {
    switch (output.kind) {
      case 'udp-opened':
        this.#life.open({ localPort: output.port });
        return;
      case 'udp-data':
        this.#arrived(output);
        return;
      case 'udp-undelivered':
        // To a socket that talks to many, it says nothing about the others.
        if (this.#isRemote(output) && isFinal(output)) this.fail(TunnelError.of(output.failure));
        return;
      case 'udp-failed':
        this.fail(TunnelError.of(output.failure));
        return;
    }
  }

  /** Everything that is pending fails. */
  fail(reason: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#life.fail(reason);
    this.#reader.error(reason);
    this.#writer.error(reason);
    this.#release();
  }

  /** The caller gave up through its signal. */
  abandon(reason: unknown): void {
    this.fail(reason);
  }

  #arrived({ address, port, bytes }: Extract<UdpOutput, { kind: 'udp-data' }>): void {
    if (this.#remote !== undefined && !this.#isRemote({ address, port })) return;
    if (this.#unreadBytes + bytes.length > UDP_QUEUE_LIMIT) return;
    this.#unreadBytes += bytes.length;
    this.#unread.push({ data: bytes, remoteAddress: formatAddress(address), remotePort: port });
    this.#deliver();
  }

  #deliver(): void {
    if (!this.#awaited || this.#settled) return;
    const next = this.#unread.shift();
    if (next === undefined) return;
    this.#awaited = false;
    this.#unreadBytes -= next.data.length;
    this.#reader.enqueue(next);
  }

  async #write({ data, remoteAddress, remotePort }: UdpMessage): Promise<void> {
    const bytes = asBytes(data);
    await this.opened;
    const address =
      remoteAddress === undefined ? this.#remote?.address : parseAddress(remoteAddress);
    const port = remotePort ?? this.#remote?.port;
    if (address === undefined || port === undefined || !isPort(port)) {
      throw new TunnelError('BAD_INPUT', 'a datagram needs an address and a port');
    }
    this.#send?.({ kind: 'udp-send', socket: this.#socket, address, port, bytes });
  }

  #isRemote({ address, port }: Remote): boolean {
    const remote = this.#remote;
    return (
      remote?.port === port &&
      remote.address.length === address.length &&
      remote.address.every((byte, i) => byte === address[i])
    );
  }

  #end(): void {
    if (this.#settled) return;
    this.#settled = true;
    const reason = new TunnelError('CONNECTION_RESET', 'closed at this end');
    this.#life.close();
    this.#life.fail(reason);
    this.#writer.error(reason);
    // Cancelled by its reader, it is closed already.
    try {
      this.#reader.close();
    } catch {}
    this.#release();
  }

  #release(): void {
    this.#unread.length = 0;
    this.#send = undefined;
    this.#abandon();
  }
}

/** What routers say passes, or concerns one datagram: a hint, no proof. @rfc 1122 §3.2.2.1 */
function isFinal(output: Extract<UdpOutput, { kind: 'udp-undelivered' }>): boolean {
  return !output.sent || output.failure.code === 'CONNECTION_REFUSED';
}
