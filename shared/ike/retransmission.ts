/** One message that is sent again, ever more slowly, until something answers it or the tries are used up. */
import type { Bytes, Millis } from '../wire/bytes.ts';
import type { IkeTimers } from './config.ts';
import type { IkeChannel } from './io.ts';

export class Retransmission {
  readonly channel: IkeChannel;
  readonly bytes: Bytes;
  readonly #timers: IkeTimers;
  #sent = 1;
  #wait: Millis;
  #at: Millis;

  /** The first transmission is the caller's, at `now`. */
  constructor(timers: IkeTimers, channel: IkeChannel, bytes: Bytes, now: Millis) {
    this.channel = channel;
    this.bytes = bytes;
    this.#timers = timers;
    this.#wait = timers.retransmitFirst;
    this.#at = now + this.#wait;
  }

  /** When it is due again, or given up. */
  get deadline(): Millis {
    return this.#at;
  }

  /** What to do at `now`; `send` counts as done. */
  due(now: Millis): 'wait' | 'send' | 'exhausted' {
    if (now < this.#at) return 'wait';
    if (this.#sent >= this.#timers.tries) return 'exhausted';
    this.#sent++;
    this.#wait = Math.min(2 * this.#wait, this.#timers.retransmitMost);
    this.#at = now + this.#wait;
    return 'send';
  }
}
