/** A session with a relay that costs next to nothing: frames made beforehand, and what comes back only counted. */
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { FrameCounter } from './frame-counter.ts';
import { type Protocol, ping } from './protocols.ts';

/** One buffer for everything that is read: nobody keeps any of it. */
const READ_BUFFER = Buffer.alloc(256 * 1024);
const POLL_MILLIS = 5;
const PATIENCE_MILLIS = 20_000;

export class Session {
  /** Told how many more bursts the relay has done with. */
  done: (bursts: number) => void = () => {};
  readonly #socket: Socket;
  readonly #counter: FrameCounter;
  readonly #burst: Buffer;
  #pings = 0;

  private constructor(socket: Socket, counter: FrameCounter, protocol: Protocol) {
    this.#socket = socket;
    this.#counter = counter;
    this.#burst = protocol.burst;
  }

  /** Opens a port of the gateway through the relay at `port`, and lets the gateway know by a datagram. */
  static async open(
    protocol: Protocol,
    port: number,
    gateway: string,
    gatewayPort: number,
  ): Promise<Session> {
    const counter = new FrameCounter((length) => protocol.datagramsIn(length));
    const answer = new HttpAnswer();
    let session: Session | undefined;
    const socket = connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      onread: {
        buffer: READ_BUFFER,
        callback(length, buffer) {
          const { pong } = counter;
          counter.push(buffer, answer.skip(buffer, length), length);
          if (counter.pong > pong) session?.done(counter.pong - pong);
          return true;
        },
      },
    });
    socket.write(upgrade(protocol));
    await until(() => answer.isOver);
    socket.write(protocol.opening(gateway, gatewayPort));
    // Ours says that it has opened the gateway, the other one greets.
    await until(() => counter.frames > 0);
    if (protocol.claim !== undefined) {
      socket.write(protocol.claim);
      await until(() => counter.frames > 1);
    }
    socket.write(protocol.single);
    session = new Session(socket, counter, protocol);
    return session;
  }

  /** Datagrams that came from the gateway. */
  get received(): number {
    return this.#counter.datagrams;
  }

  /** Sends a burst, and a ping whose answer says that the relay has read them. */
  send(): void {
    this.#socket.cork();
    this.#socket.write(this.#burst);
    this.#socket.write(ping(++this.#pings));
    this.#socket.uncork();
  }
}

/** The end of what a server answers to an upgrade. */
const END = '\r\n\r\n';

class HttpAnswer {
  #text = '';

  get isOver(): boolean {
    return this.#text.includes(END);
  }

  /** How much of a chunk still belongs to it. */
  skip(chunk: Uint8Array, length: number): number {
    if (this.isOver) return 0;
    const before = this.#text.length;
    this.#text += Buffer.from(chunk.subarray(0, length)).toString('latin1');
    if (!this.isOver) return length;
    return this.#text.indexOf(END) + END.length - before;
  }
}

function upgrade({ path, subprotocol }: Protocol): string {
  return [
    `GET ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...(subprotocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${subprotocol}`]),
    '\r\n',
  ].join('\r\n');
}

/** Waits for what has to come; rejects when it does not. */
export async function until(condition: () => boolean): Promise<void> {
  for (const end = performance.now() + PATIENCE_MILLIS; !condition(); await pause(POLL_MILLIS)) {
    if (performance.now() > end) throw new Error(`not within ${PATIENCE_MILLIS} ms: ${condition}`);
  }
}
