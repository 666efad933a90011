/** Runs a gateway machine over two UDP sockets and a clock: datagrams in, datagrams out, one timer. */
import { createSocket, type Socket } from 'node:dgram';
import type { Millis } from '../../shared/wire/bytes.ts';
import type { Trace } from '../../shared/wire/machine.ts';
import { Gateway, type GatewayConfig, type GatewayInput, type GatewayOutput } from './gateway.ts';

export interface UdpServerConfig extends Omit<GatewayConfig, 'localPorts' | 'pending'> {
  /** IPv4 address to listen on, dotted. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly ports: { readonly ike: number; readonly natt: number };
  readonly emit?: (output: Exclude<GatewayOutput, { kind: 'transmit' }>) => void;
}

export interface UdpServer {
  readonly ports: { readonly ike: number; readonly natt: number };
  readonly counts: Gateway['counts'];
  /** Hangs up all calls in order, waits a little for their ends, and stops listening. */
  close(): Promise<void>;
}

/** What the kernel may keep for us, each way, in bytes; it may grant less. */
const SOCKET_BUFFER: number = 1 << 20;

/** How long calls have to end. */
const CLOSE_MILLIS: Millis = 1_000;
const CLOSE_POLL_MILLIS: Millis = 20;

/** A deadline further away is looked at again then: longer timers overflow. */
const LONGEST_TIMER: Millis = 60_000;

/** Starts listening. Rejects with the system's error where a port is taken. */
export async function startUdpServer(config: UdpServerConfig): Promise<UdpServer> {
  const ike = await bind(config.host, config.ports.ike);
  try {
    const natt = await bind(config.host, config.ports.natt);
    return new Server(config, { ike, natt });
  } catch (error) {
    ike.close();
    throw error;
  }
}

class Server implements UdpServer {
  readonly ports: { readonly ike: number; readonly natt: number };
  readonly #gateway: Gateway;
  readonly #sockets: { readonly ike: Socket; readonly natt: Socket };
  readonly #emit: NonNullable<UdpServerConfig['emit']>;
  #timer: NodeJS.Timeout | undefined;
  #settling: NodeJS.Immediate | undefined;
  #flushes = false;

  constructor(config: UdpServerConfig, sockets: { readonly ike: Socket; readonly natt: Socket }) {
    this.#sockets = sockets;
    this.#emit = config.emit ?? (() => {});
    this.ports = { ike: sockets.ike.address().port, natt: sockets.natt.address().port };
    this.#gateway = new Gateway({
      ...config,
      localPorts: this.ports,
      pending: () => {
        this.#flushes = true;
        this.#settle();
      },
    });
    for (const channel of ['ike', 'natt'] as const) {
      sockets[channel].on('message', (bytes, { address, port }) => {
        // Node's buffer is this datagram's alone.
        const own = new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length);
        this.#run({ kind: 'datagram', channel, from: { address, port }, bytes: own });
      });
      sockets[channel].on('error', ({ message }) => this.#trace('socket', message));
    }
  }

  get counts(): Gateway['counts'] {
    return this.#gateway.counts;
  }

  async close(): Promise<void> {
    this.#run({ kind: 'close' });
    const giveUpAt = performance.now() + CLOSE_MILLIS;
    while (this.#gateway.counts.clients > 0 && performance.now() < giveUpAt) {
      await new Promise((resolve) => setTimeout(resolve, CLOSE_POLL_MILLIS));
    }
    clearTimeout(this.#timer);
    clearImmediate(this.#settling);
    for (const socket of Object.values(this.#sockets)) socket.close();
  }

  #run(input: GatewayInput): void {
    for (const output of this.#gateway.handle(input, performance.now())) {
      if (output.kind === 'transmit') this.#send(output);
      else this.#emit(output);
    }
    this.#settle();
  }

  #send({ channel, to, bytes }: Extract<GatewayOutput, { kind: 'transmit' }>): void {
    this.#sockets[channel].send(bytes, to.port, to.address, (error) => {
      if (error) this.#trace('unsent', error.message);
    });
  }

  /** Once a turn of the event loop: what the network has for clients is sealed as one run, and the timer set. */
  #settle(): void {
    this.#settling ??= setImmediate(() => {
      this.#settling = undefined;
      if (this.#flushes) {
        this.#flushes = false;
        this.#run({ kind: 'flush' });
      }
      this.#arm();
    });
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const { deadline } = this.#gateway;
    if (deadline === undefined) return;
    const wait = Math.min(Math.ceil(deadline - performance.now()), LONGEST_TIMER);
    this.#timer = setTimeout(() => this.#run({ kind: 'timeout' }), Math.max(0, wait));
  }

  #trace(event: string, detail: string): void {
    this.#emit({ kind: 'trace', layer: 'udp', event, detail } satisfies Trace);
  }
}

function bind(host: string, port: number): Promise<Socket> {
  const socket = createSocket({
    type: 'udp4',
    recvBufferSize: SOCKET_BUFFER,
    sendBufferSize: SOCKET_BUFFER,
    // Addresses are numbers here: nothing is to be looked up, and nothing is to wait for it.
    lookup: (address, _options, done) => done(null, address, 4),
  });
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ address: host, port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}
