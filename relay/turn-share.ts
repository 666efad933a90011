/**
 * One session's share of a turn of the event loop. The system hands over up to 2 MB of one connection before
 * it looks at the next one; a connection that has used up its share is paused instead, for as many turns as
 * it took too much, so that a flood in one session does not hold up the others. Nobody waits in an idle relay:
 * its turns are over at once.
 */
import type { WebSocket } from 'ws';

/** Frames and records a turn: more than the full packets that come in one read, each in a frame of its own. */
export const TURN_SHARE = 128;

export class TurnShare {
  readonly #socket: Pick<WebSocket, 'pause' | 'resume'>;
  #spent = 0;
  #counting = false;
  #paused = false;

  constructor(socket: Pick<WebSocket, 'pause' | 'resume'>) {
    this.#socket = socket;
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
    this.#spent -= TURN_SHARE;
    if (this.#spent >= TURN_SHARE) {
      setImmediate(() => this.#nextTurn());
      return;
    }
    this.#counting = false;
    this.#spent = 0;
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }
}
