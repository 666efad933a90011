/**
 * Toward one tab: records of a burst become one frame, written once. What the tab does not read in time is
 * dropped at a mark, newest first, so that a stalled tab costs a bounded amount of memory; IKE has a reserve
 * above the mark, since a lost IKE message costs the tunnel and a lost ESP packet only a retransmission.
 */
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { type ChannelNumber, RECORD_HEADER } from '../shared/relay/channels.ts';
import { type ControlFromRelay, encodeControl } from '../shared/relay/control.ts';
import { writeRecord } from '../shared/relay/frames.ts';
import type { Counters } from './counters.ts';
import { giveBuffer, takeBuffer } from './frame-buffers.ts';
import { isIke } from './shape.ts';

/** Bytes not yet taken by the system, from which records other than IKE are dropped. */
export const QUEUE_MARK: number = 256 * 1024;

/** What IKE may add above the mark, in bytes. */
export const IKE_RESERVE: number = 64 * 1024;

/** Bytes below which a frame is copied to be sent: a tab that does not read keeps no big buffer for a small frame. */
const COPY_BYTES: number = 16 * 1024;

/** What it needs of the WebSocket and of the connection under it. */
type OutboxSocket = Pick<WebSocket, 'OPEN' | 'bufferedAmount' | 'pong' | 'readyState' | 'send'>;
type OutboxStream = Pick<Duplex, 'cork' | 'uncork'>;

export class Outbox {
  readonly #socket: OutboxSocket;
  readonly #stream: OutboxStream;
  readonly #counters: Counters;
  /** The frame that is being put together, in one of the shared buffers. */
  #frame: Buffer | undefined;
  #length = 0;
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
    const waiting = this.#socket.bufferedAmount + this.#length + end - start;
    if (waiting > QUEUE_MARK + reserve) {
      if (reserve > 0) this.#counters.queueToTabIke++;
      else this.#counters.queueToTab++;
      return;
    }
    this.#startBurst();
    this.#append(channel, bytes, start, end);
    this.#counters.toTab++;
  }

  /** Sends a control message; but for the first and the last it is dropped when the tab does not read. */
  control(message: ControlFromRelay): void {
    const isEdge = message.type === 'opened' || message.type === 'refused';
    if (!isEdge && this.#socket.bufferedAmount > QUEUE_MARK) return;
    this.#socket.send(encodeControl(message));
  }

  /** Answers the last ping of a burst, unless the tab does not read. @rfc 6455 §5.5.3 */
  pong(data: Buffer): void {
    if (this.#ping !== undefined) this.#counters.pings++;
    this.#ping = data;
    this.#startBurst();
  }

  #append(channel: ChannelNumber, bytes: Uint8Array, start: number, end: number): void {
    const needed = RECORD_HEADER + end - start;
    if (this.#frame !== undefined && this.#length + needed > this.#frame.length) this.#flush();
    this.#frame ??= takeBuffer(needed);
    writeRecord(this.#frame, this.#length, channel, bytes, start, end);
    this.#length += needed;
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
    const frame = this.#frame;
    const length = this.#length;
    if (frame === undefined) return;
    this.#frame = undefined;
    this.#length = 0;
    if (this.#socket.readyState !== this.#socket.OPEN) {
      giveBuffer(frame);
    } else if (length < COPY_BYTES) {
      this.#socket.send(Buffer.from(frame.subarray(0, length)));
      giveBuffer(frame);
    } else {
      this.#socket.send(frame.subarray(0, length), () => giveBuffer(frame));
    }
  }
}
