/**
 * Toward one tab: records of a burst become one frame, written once. What the tab does not read in time is
 * dropped at a mark, newest first, so that a stalled tab costs a bounded amount of memory; IKE has a reserve
 * above the mark, since a lost IKE message costs the tunnel and a lost ESP packet only a retransmission.
 */
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { ChannelNumber } from '../shared/relay/channels.ts';
import { type ControlFromRelay, encodeControl } from '../shared/relay/control.ts';
import { FrameWriter } from '../shared/relay/frames.ts';
import type { Counters } from './counters.ts';
import { isIke } from './shape.ts';

/** Bytes not yet taken by the system, from which records other than IKE are dropped. */
export const QUEUE_MARK: number = 256 * 1024;

/** What IKE may add above the mark, in bytes. */
export const IKE_RESERVE: number = 64 * 1024;

/** What it needs of the WebSocket and of the connection under it. */
type OutboxSocket = Pick<WebSocket, 'OPEN' | 'bufferedAmount' | 'pong' | 'readyState' | 'send'>;
type OutboxStream = Pick<Duplex, 'cork' | 'uncork'>;

export class Outbox {
  readonly #socket: OutboxSocket;
  readonly #stream: OutboxStream;
  readonly #counters: Counters;
  readonly #frame = new FrameWriter();
  #corked = false;
  /** A ping that is to be answered at the end of the burst. */
  #ping: Buffer | undefined;

  constructor(socket: OutboxSocket, stream: OutboxStream, counters: Counters) {
    this.#socket = socket;
    this.#stream = stream;
    this.#counters = counters;
  }

  /** Sends the gateway's datagram `bytes[start, end)`, of which it makes a copy, or counts it as dropped. */
  record(channel: ChannelNumber, bytes: Uint8Array, start: number, end: number): void {
    const reserve = isIke(channel, bytes, start, end) ? IKE_RESERVE : 0;
    const waiting = this.#socket.bufferedAmount + this.#frame.length + end - start;
    if (waiting > QUEUE_MARK + reserve) {
      if (reserve > 0) this.#counters.queueToTabIke++;
      else this.#counters.queueToTab++;
      return;
    }
    this.#startBurst();
    if (this.#frame.append(channel, bytes, start, end)) this.#flush();
    this.#counters.toTab++;
  }

  /** Sends a control message; one that is not the last is dropped when the tab does not read. */
  control(message: ControlFromRelay): void {
    if (message.type === 'unreachable' && this.#socket.bufferedAmount > QUEUE_MARK) return;
    this.#socket.send(encodeControl(message));
  }

  /** Answers the last ping of a burst, unless the tab does not read. @rfc 6455 §5.5.3 */
  pong(data: Buffer): void {
    if (this.#ping !== undefined) this.#counters.pings++;
    this.#ping = data;
    this.#startBurst();
  }

  #startBurst(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#stream.cork();
    setImmediate(() => this.#finishBurst());
  }

  #finishBurst(): void {
    this.#corked = false;
    this.#answerPing();
    this.#flush();
    this.#stream.uncork();
  }

  #answerPing(): void {
    const ping = this.#ping;
    if (ping === undefined) return;
    this.#ping = undefined;
    const { OPEN, readyState, bufferedAmount } = this.#socket;
    if (readyState === OPEN && bufferedAmount <= QUEUE_MARK) this.#socket.pong(ping);
    else this.#counters.pings++;
  }

  #flush(): void {
    const frame = this.#frame.take();
    if (frame !== undefined && this.#socket.readyState === this.#socket.OPEN) {
      this.#socket.send(frame);
    }
  }
}
