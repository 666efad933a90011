import type { Millis } from '../../../shared/wire/bytes.ts';

/** What time it is and what happens when, for what runs in virtual and in real time alike. */
export interface Clock {
  now(): Millis;
  /** Calls `action` once, not before `time`; the answer prevents it. */
  at(time: Millis, action: () => void): () => void;
}

/** As finely as Node's timers go: up to a millisecond late. */
export const realClock: Clock = {
  now: () => performance.now(),
  at: (time, action) => {
    const timer = setTimeout(action, Math.max(0, time - performance.now()));
    return () => clearTimeout(timer);
  },
};

/** Events between two looks at whether a promise is settled. */
const BATCH = 100;

interface Event {
  readonly time: Millis;
  readonly action: () => void;
}

/** Time passes only from event to event. Events of the same time happen in the order they were asked for. */
export class VirtualClock implements Clock {
  #now: Millis = 0;
  /** A handful at a time: each host and each wire waits for one thing. */
  readonly #events: Event[] = [];

  now(): Millis {
    return this.#now;
  }

  at(time: Millis, action: () => void): () => void {
    const event = { time, action };
    this.#events.push(event);
    return () => {
      const index = this.#events.indexOf(event);
      if (index >= 0) this.#events.splice(index, 1);
    };
  }

  /** Runs until `promise` is settled. Throws when it is not and nothing is left to happen before `limit`. */
  async until<T>(promise: Promise<T>, limit: Millis): Promise<T> {
    let isSettled = false;
    const settle = () => {
      isSettled = true;
    };
    promise.then(settle, settle);
    do await new Promise(setImmediate);
    while (!isSettled && this.#step(limit));
    if (!isSettled) throw new Error(`not done at ${Math.round(this.#now)} ms`);
    return promise;
  }

  /** Runs up to `BATCH` events; answers whether there were any before `limit`. */
  #step(limit: Millis): boolean {
    for (let count = 0; count < BATCH; count++) {
      let first: Event | undefined;
      for (const event of this.#events) {
        if (first === undefined || event.time < first.time) first = event;
      }
      if (first === undefined || first.time > limit) return count > 0;
      this.#events.splice(this.#events.indexOf(first), 1);
      this.#now = Math.max(this.#now, first.time);
      first.action();
    }
    return true;
  }
}
