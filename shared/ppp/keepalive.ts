/** When to ask a silent peer whether it is still there, and when to give it up. RFC 1661 §5.8. */
import type { Millis } from '../wire/bytes.ts';

export class Keepalive {
  readonly #interval: Millis;
  readonly #limit: number;
  #at: Millis;
  #unanswered = 0;

  constructor(interval: Millis, limit: number, now: Millis) {
    this.#interval = interval;
    this.#limit = limit;
    this.#at = now + interval;
  }

  get deadline(): Millis {
    return this.#at;
  }

  /** Anything arrived: the peer lives. */
  heard(now: Millis): void {
    this.#unanswered = 0;
    this.#at = now + this.#interval;
  }

  /**
   * `ask` when an Echo-Request is due, `dead` when `limit` of them stayed without an answer. A tab that
   * slept over several intervals asks once, not once for each.
   */
  timeout(now: Millis): 'ask' | 'dead' | undefined {
    if (now < this.#at) return undefined;
    if (this.#unanswered >= this.#limit) return 'dead';
    this.#unanswered++;
    this.#at = now + this.#interval;
    return 'ask';
  }
}
