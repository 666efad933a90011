/**
 * One question's way to a name server and its answer's way back: a datagram from a fresh random port, or a TCP
 * connection where the answer does not fit one.
 * @rfc 5452 §9, 7766 §5
 */
import { type Bytes, concat, EMPTY } from '../wire/bytes.ts';
import type { IpAddress } from './address.ts';
import { MESSAGE_LIMIT } from './dns-message.ts';
import type { SocketOutput, TcpInput } from './messages.ts';
import type { UdpHandler, UdpLayer } from './udp.ts';

const DNS_PORT = 53;

/** What becomes of a question. */
export interface Exchange {
  /** Something came from the server; the question stays open. */
  received(message: Bytes): void;
  /** Nothing will come. */
  failed(): void;
  /** Something came that is no answer. */
  dropped(reason: string): void;
}

export interface Transport {
  close(): void;
}

/** Answers `undefined` when it could not be sent; nothing is called then. */
export function askByDatagram(
  udp: UdpLayer,
  server: IpAddress,
  question: Bytes,
  exchange: Exchange,
): Transport | undefined {
  const handler: UdpHandler = {
    received: (source, port, bytes) => {
      // A forged answer must not end the wait for the true one. @rfc 5452 §9.1
      if (source.equals(server) && port === DNS_PORT) exchange.received(bytes);
      else exchange.dropped('DNS answer from elsewhere');
    },
    unreachable: (destination) => {
      if (destination.equals(server)) exchange.failed();
    },
  };
  const port = udp.open(handler);
  if (port === undefined) return undefined;
  if (udp.send(port, server, DNS_PORT, question) !== undefined) {
    udp.close(port);
    return undefined;
  }
  return { close: () => udp.close(port) };
}

/** The TCP connections that the stack itself opens. */
export interface StreamLayer {
  /** A socket number that none of the callers has. */
  reserve(): number;
  command(input: TcpInput): void;
}

/** A question over TCP, with its length in front; nothing happens before `open`. @rfc 1035 §4.2.2 */
export class StreamExchange implements Transport {
  readonly socket: number;
  readonly #tcp: StreamLayer;
  readonly #server: IpAddress;
  readonly #question: Bytes;
  readonly #exchange: Exchange;
  #received: Bytes = EMPTY;
  #over = false;

  constructor(tcp: StreamLayer, server: IpAddress, question: Bytes, exchange: Exchange) {
    this.#tcp = tcp;
    this.#server = server;
    this.#question = question;
    this.#exchange = exchange;
    this.socket = tcp.reserve();
  }

  open(): void {
    const { socket } = this;
    const address = this.#server.bytes;
    this.#tcp.command({ kind: 'tcp-connect', socket, address, port: DNS_PORT });
  }

  dispatch(output: SocketOutput): void {
    if (this.#over) return;
    if (output.kind === 'tcp-opened') {
      const { length } = this.#question;
      const bytes = concat(Uint8Array.of(length >>> 8, length), this.#question);
      this.#tcp.command({ kind: 'tcp-write', socket: this.socket, bytes });
    } else if (output.kind === 'tcp-data') {
      this.#received = concat(this.#received, output.bytes);
      this.#deliver();
    } else if (output.kind === 'tcp-end' || output.kind === 'tcp-closed') {
      this.close();
      this.#exchange.failed();
    }
  }

  /** One answer is all that is read: what a server sends beyond it never gets far. */
  #deliver(): void {
    if (this.#received.length < 2) return;
    const length = (this.#received[0]! << 8) | this.#received[1]!;
    if (length <= MESSAGE_LIMIT && this.#received.length < 2 + length) return;
    const message = this.#received.slice(2, 2 + length);
    this.close();
    if (length <= MESSAGE_LIMIT) this.#exchange.received(message);
    if (length > MESSAGE_LIMIT) this.#exchange.failed();
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#received = EMPTY;
    this.#tcp.command({ kind: 'tcp-abort', socket: this.socket });
  }
}
