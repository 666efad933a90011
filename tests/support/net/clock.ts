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

  /** Runs until `done`; answers false when nothing is left to happen before `until`. */
  run(until: Millis, done: () => boolean = () => false): boolean {
    while (!done()) {
      let first: Event | undefined;
      for (const event of this.#events) {
        if (first === undefined || event.time < first.time) first = event;
      }
      if (first === undefined || first.time > until) return false;
      this.#events.splice(this.#events.indexOf(first), 1);
      this.#now = Math.max(this.#now, first.time);
      first.action();
    }
    return true;
  }
}
