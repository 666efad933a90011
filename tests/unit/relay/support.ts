/** A gateway without a brain, a tab without a page, and packets of the right shape. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket as TcpSocket } from 'node:net';
import { WebSocket } from 'ws';
import type { GatewayConfig, RelayConfig } from '../../../relay/config.ts';
import { type Relay, type RelayOptions, startRelay } from '../../../relay/server.ts';
import {
  Channel,
  type ChannelName,
  type ChannelNumber,
  RELAY_PATH,
  RELAY_SUBPROTOCOL,
  UDP_CHANNEL_NAMES,
  type UdpChannelName,
} from '../../../shared/relay/channels.ts';
import {
  type ControlFromRelay,
  type ControlFromTab,
  decodeControlFromRelay,
  encodeControl,
  type OpenedMessage,
} from '../../../shared/relay/control.ts';
import { FrameWriter, forEachRecord } from '../../../shared/relay/frames.ts';
import { type Bytes, toHex } from '../../../shared/wire/bytes.ts';

/** What is torn down after each test, last first. */
const open: (() => unknown)[] = [];

export async function closeAll(): Promise<void> {
  for (const close of open.splice(0).reverse()) await close();
}

/** The same after `closeAll`, whatever was opened. */
export function onClose(close: () => unknown): void {
  open.push(close);
}

export const packets = {
  /** An ISAKMP message of `length` bytes, marked by `tag`. */
  ike(tag: number, length = 32): Bytes {
    const bytes = new Uint8Array(length);
    bytes[0] = tag;
    bytes[17] = 0x10;
    new DataView(bytes.buffer).setUint32(24, length);
    return bytes;
  },
  /** An ISAKMP message of `length` bytes behind the non-ESP marker. */
  nattIke(length = 32): Bytes {
    const bytes = new Uint8Array(4 + length);
    bytes.set(packets.ike(1, length), 4);
    return bytes;
  },
  esp(tag: number, length = 64): Bytes {
    const bytes = new Uint8Array(length);
    bytes[0] = tag;
    return bytes;
  },
  /** An L2TP data message; tunnel 0 makes it a control message that asks for a tunnel. */
  l2tp(tunnel: number): Bytes {
    return tunnel === 0
      ? new Uint8Array([0xc8, 2, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0])
      : new Uint8Array([0, 2, 0, tunnel, 0, 1, 0xff, 3]);
  },
};

export class FakeGateway {
  readonly address: string;
  readonly received: { channel: UdpChannelName; hex: string; from: RemoteInfo }[] = [];
  readonly #sockets = new Map<UdpChannelName, Socket>();

  private constructor(address: string) {
    this.address = address;
  }

  static async start(address = '127.0.0.2'): Promise<FakeGateway> {
    const gateway = new FakeGateway(address);
    for (const channel of UDP_CHANNEL_NAMES) {
      const socket = await udpSocket(address);
      socket.on('message', (bytes, from) =>
        gateway.received.push({ channel, hex: bytes.toString('hex'), from }),
      );
      gateway.#sockets.set(channel, socket);
    }
    return gateway;
  }

  config(change: Partial<GatewayConfig> = {}): GatewayConfig {
    return {
      id: 'office',
      name: 'Office',
      address: this.address,
      ports: { ike: this.port('ike'), natt: this.port('natt'), l2tp: this.port('l2tp') },
      ...change,
    };
  }

  port(channel: UdpChannelName): number {
    return this.#sockets.get(channel)!.address().port;
  }

  send(channel: UdpChannelName, bytes: Bytes, to: OpenedMessage['local']): void {
    this.#sockets.get(channel)!.send(bytes, to[channel], to.address);
  }

  stop(channel: UdpChannelName): void {
    this.#sockets.get(channel)!.removeAllListeners().unref().close();
    this.#sockets.delete(channel);
  }
}

/** A bound UDP socket that is closed with the test. */
export async function udpSocket(address: string): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.on('error', () => {});
  socket.bind(0, address);
  await once(socket, 'listening');
  onClose(() => {
    try {
      socket.close();
    } catch {
      // Closed by the test already.
    }
  });
  return socket;
}

/** A relay on a free port of 127.0.0.1. */
export async function relayFor(
  gateways: readonly GatewayConfig[],
  change: Partial<RelayConfig> = {},
  options: RelayOptions = {},
): Promise<Relay> {
  const relay = await startRelay(
    { listen: { host: '127.0.0.1', port: 0 }, gateways, ...change },
    options,
  );
  onClose(() => relay.close());
  return relay;
}

export interface TabOptions {
  readonly origin?: string;
  readonly host?: string;
  readonly subprotocol?: string;
  readonly path?: string;
}

/** What a browser tab does with its WebSocket. */
export class Tab {
  readonly socket: WebSocket;
  readonly frames: Bytes[] = [];
  readonly #messages: ControlFromRelay[] = [];
  readonly closed: Promise<number>;

  constructor(relay: Relay, options: TabOptions = {}) {
    const url = `ws://127.0.0.1:${relay.port}${options.path ?? RELAY_PATH}`;
    const headers: Record<string, string> = {};
    if (options.host !== undefined) headers.Host = options.host;
    if (options.origin !== undefined) headers.Origin = options.origin;
    this.socket = new WebSocket(url, options.subprotocol ?? RELAY_SUBPROTOCOL, {
      headers,
      perMessageDeflate: false,
    });
    this.socket.binaryType = 'nodebuffer';
    this.socket.on('message', (data: Buffer<ArrayBuffer>, isBinary: boolean) => {
      if (isBinary) this.frames.push(data);
      else this.#messages.push(decodeControlFromRelay(data.toString()));
    });
    this.closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.on('error', () => {});
    onClose(() => this.socket.terminate());
  }

  /** The status of a refused upgrade and the code in its body. */
  async refusedUpgrade(): Promise<readonly [status: number, code: string]> {
    const [, response] = await once(this.socket, 'unexpected-response');
    let body = '';
    for await (const chunk of response) body += chunk;
    return [response.statusCode, JSON.parse(body).code];
  }

  /** Asks for a gateway and waits for the answer. */
  async open(gateway = 'office'): Promise<OpenedMessage> {
    await once(this.socket, 'open');
    return this.#ask({ type: 'open', gateway });
  }

  /** Asks for another address of the gateway's and waits for the answer. */
  move(address: string): Promise<OpenedMessage> {
    return this.#ask({ type: 'move', address });
  }

  async #ask(question: ControlFromTab): Promise<OpenedMessage> {
    this.socket.send(encodeControl(question));
    const message = await this.message();
    if (message.type !== 'opened') throw new Error(`not opened: ${JSON.stringify(message)}`);
    return message;
  }

  /** The next control message. */
  message(): Promise<ControlFromRelay> {
    return eventually(() => this.#messages.shift());
  }

  /** Sends the records as one frame. */
  send(...records: readonly (readonly [ChannelName, Bytes])[]): void {
    const writer = new FrameWriter();
    for (const [name, bytes] of records) writer.append(Channel[name], bytes, 0, bytes.length);
    this.socket.send(writer.take()!);
  }

  /** Every record so far, as (channel, hexadecimal). */
  get records(): [ChannelNumber, string][] {
    const out: [ChannelNumber, string][] = [];
    for (const frame of this.frames) {
      forEachRecord(frame, (channel, start, end) => {
        out.push([channel, toHex(frame.subarray(start, end))]);
      });
    }
    return out;
  }

  /** The code of the refusal to come, after checking that the close code says the same. */
  async refusal(): Promise<{ code: string; close: number }> {
    const message = await this.message();
    const close = await this.closed;
    if (message.type !== 'refused') throw new Error(`not refused: ${JSON.stringify(message)}`);
    return { code: message.code, close };
  }
}

/** The first answer of `look` that is neither undefined nor false; gives up after 15 s. */
export async function eventually<T>(look: () => T | undefined | false): Promise<T> {
  for (const end = performance.now() + 15_000; performance.now() < end; ) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error(`nothing within 15 s: ${look}`);
}

interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** One HTTP request with the path sent as it is. */
export async function http(
  relay: Relay,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<HttpReply> {
  const outgoing = request({ host: '127.0.0.1', port: relay.port, path, headers, method });
  outgoing.end();
  const [response] = await once(outgoing, 'response');
  let body = '';
  for await (const chunk of response) body += chunk;
  return { status: response.statusCode, headers: response.headers, body };
}

/** A connection to the relay's port, for bytes that no library would send. */
export async function tcp(relay: Relay): Promise<TcpSocket> {
  const socket = connect(relay.port, '127.0.0.1');
  socket.on('error', () => {});
  onClose(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}
