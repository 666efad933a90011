/** A session that behaves: sends an echo request now and then and measures how long the answer takes. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { RELAY_PATH, RELAY_SUBPROTOCOL } from '../shared/relay/channels.ts';
import { encodeControl } from '../shared/relay/control.ts';
import { pause } from './relay-attacks.ts';

interface Echoes {
  readonly sent: number;
  readonly received: number;
  /** The longest wait for an answer, in milliseconds. */
  readonly slowest: number;
}

/** Bytes of an echo request; a record on NAT-T's channel, three bytes more. */
const ECHO = 64;
const INTERVAL_MS = 20;

export class HonestSession {
  readonly #socket: WebSocket;
  readonly #sentAt = new Map<number, number>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #number = 0;
  #sent = 0;
  #received = 0;
  #slowest = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.#answered(data);
    });
  }

  /** Opens a gateway that sends back what it gets. */
  static async start(port: number, gateway: string): Promise<HonestSession> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${RELAY_PATH}`, RELAY_SUBPROTOCOL);
    await once(socket, 'open');
    socket.send(encodeControl({ type: 'open', gateway }));
    await once(socket, 'message');
    return new HonestSession(socket);
  }

  async warmUp(): Promise<void> {
    for (let i = 0; i < 100; i++) {
      this.#echo();
      await pause(2);
    }
    await this.finish();
  }

  /** Starts counting, and goes on sending. */
  begin(): void {
    this.#sent = 0;
    this.#received = 0;
    this.#slowest = 0;
    this.#timer = setInterval(() => this.#echo(), INTERVAL_MS);
  }

  /** Stops sending, and waits for what is under way. */
  async finish(): Promise<Echoes> {
    clearInterval(this.#timer);
    for (let i = 0; i < 250 && this.#sentAt.size > 0; i++) await pause(20);
    return { sent: this.#sent, received: this.#received, slowest: this.#slowest };
  }

  close(): void {
    this.#socket.close();
  }

  #echo(): void {
    const record = Buffer.alloc(3 + ECHO, 0xee);
    record.writeUInt8(1, 0);
    record.writeUInt16BE(ECHO, 1);
    record.writeUInt32BE(++this.#number, 3);
    this.#sentAt.set(this.#number, performance.now());
    this.#sent++;
    this.#socket.send(record);
  }

  /** A frame holds one or more echoes, all of one size. */
  #answered(frame: Buffer): void {
    for (let at = 3; at < frame.length; at += 3 + ECHO) {
      const number = frame.readUInt32BE(at);
      const sentAt = this.#sentAt.get(number);
      if (sentAt === undefined) continue;
      this.#sentAt.delete(number);
      this.#received++;
      this.#slowest = Math.max(this.#slowest, performance.now() - sentAt);
    }
  }
}
