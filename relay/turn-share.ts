/**
 * One session's share of a turn of the event loop. The system hands over up to 2 MB of one connection before
 * it looks at the next one; a connection that has used up its share is paused instead, for as many turns as
 * it took too much, and what the library has read of it already waits its turn, so that a flood in one session does not
 * hold up the others. Nobody waits in an idle relay: its turns are over at once.
 */
import type { WebSocket } from 'ws';

/** Frames and records a turn. */
export const TURN_SHARE = 128;

export class TurnShare<Frame> {
  readonly #socket: Pick<WebSocket, 'pause' | 'resume'>;
  readonly #handle: (frame: Frame) => void;
  #spent = 0;
  #counting = false;
  #paused = false;
  /** Frames beyond the share: of one read at most, since no other one follows meanwhile. */
  #waiting: Frame[] = [];
  #next = 0;

  /** `handle` gets every frame, in order, and is to `spend` what it costs. */
  constructor(socket: Pick<WebSocket, 'pause' | 'resume'>, handle: (frame: Frame) => void) {
    this.#socket = socket;
    this.#handle = handle;
  }

  /** Has the frame handled: at once, or in the turn whose share it falls into. */
  take(frame: Frame): void {
    if (this.#paused) this.#waiting.push(frame);
    else this.#handle(frame);
  }

  /** Forgets what waits. */
  clear(): void {
    this.#waiting = [];
    this.#next = 0;
  }

  /** Counts one frame or record that was handled. */
  spend(): void {
    if (!this.#counting) {
      this.#counting = true;
      setImmediate(() => this.#nextTurn());
    }
    if (++this.#spent < TURN_SHARE || this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }

  #nextTurn(): void {
    this.#spent = Math.max(0, this.#spent - TURN_SHARE);
    while (this.#spent < TURN_SHARE && this.#next < this.#waiting.length) {
      this.#handle(this.#waiting[this.#next++]!);
    }
    if (this.#spent >= TURN_SHARE) {
      setImmediate(() => this.#nextTurn());
      return;
    }
    this.clear();
    this.#counting = false;
    this.#spent = 0;
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }
}
