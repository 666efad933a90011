/**
 * Happy eyeballs: addresses of both families are tried in turn, each a moment after the one before, and the first
 * connection that stands wins.
 * @rfc 8305 §3, 8305 §5
 */
import type { Failure } from '../../shared/errors.ts';
import type { Bytes, Millis } from '../../shared/wire/bytes.ts';

/** How long the first address waits for one of the preferred family. @rfc 8305 §3 */
const RESOLUTION_DELAY: Millis = 50;

/** How long an attempt is alone. @rfc 8305 §5 */
const ATTEMPT_DELAY: Millis = 250;

/** Addresses of each family that are tried. */
const ADDRESS_LIMIT = 8;

/** Calls back after a while; the answer keeps it from doing so. */
export type Schedule = (millis: Millis, callback: () => void) => () => void;

export interface RaceParts {
  /** How many families addresses are to be told of, the preferred one first. */
  readonly families: number;
  readonly schedule: Schedule;
  /** A fresh number for an attempt. */
  readonly number: () => number;
  readonly attempt: (number: number, address: Bytes) => void;
  readonly cancel: (number: number) => void;
  /** Nothing is left to be tried. */
  readonly lost: (failure: Failure) => void;
}

export class Race {
  readonly #parts: RaceParts;
  /** By family, preferred first. */
  readonly #untried: Bytes[][];
  /** Families of which nothing was told yet. */
  #unanswered: number;
  /** The family whose turn it is. */
  #turn = 0;
  #started = false;
  readonly #running = new Set<number>();
  #cancelTimer: (() => void) | undefined;
  #failure: Failure | undefined;
  #over = false;

  constructor(parts: RaceParts) {
    this.#parts = parts;
    this.#unanswered = parts.families;
    this.#untried = Array.from({ length: parts.families }, () => []);
  }

  /** The addresses of one family, or why there are none; once for each. */
  found(family: number, addresses: readonly Bytes[], failure?: Failure): void {
    if (this.#over) return;
    this.#unanswered--;
    this.#untried[family]!.push(...addresses.slice(0, ADDRESS_LIMIT));
    // What is wrong with one family counts only where the other one has nothing either.
    this.#failure ??= failure;
    if (this.#started) {
      if (this.#running.size === 0) this.#next();
    } else if (this.#unanswered === 0 || (family === 0 && addresses.length > 0)) {
      this.#start();
    } else if (addresses.length > 0) {
      this.#after(RESOLUTION_DELAY, () => this.#start());
    }
  }

  failed(number: number, failure: Failure): void {
    this.#running.delete(number);
    this.#failure = failure;
    this.#next();
  }

  /** That connection stands: the others are given up. */
  won(number: number): void {
    this.#running.delete(number);
    this.end();
  }

  /** Gives up everything. */
  end(): void {
    this.#over = true;
    this.#cancelTimer?.();
    for (const number of this.#running) this.#parts.cancel(number);
    this.#running.clear();
  }

  #start(): void {
    this.#started = true;
    this.#next();
  }

  #next(): void {
    if (this.#over) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const address = this.#take();
    if (address === undefined) {
      if (this.#running.size > 0 || this.#unanswered > 0) return;
      this.#over = true;
      this.#parts.lost(this.#failure ?? { code: 'UNREACHABLE' });
      return;
    }
    const number = this.#parts.number();
    this.#running.add(number);
    this.#parts.attempt(number, address);
    // It may have failed by now, and the next one be under way.
    if (this.#running.has(number)) this.#after(ATTEMPT_DELAY, () => this.#next());
  }

  /** Families alternate as long as both have addresses. @rfc 8305 §4 */
  #take(): Bytes | undefined {
    for (let i = 0; i < this.#untried.length; i++) {
      const family = (this.#turn + i) % this.#untried.length;
      const address = this.#untried[family]!.shift();
      if (address === undefined) continue;
      this.#turn = (family + 1) % this.#untried.length;
      return address;
    }
    return undefined;
  }

  #after(millis: Millis, callback: () => void): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#parts.schedule(millis, callback);
  }
}
