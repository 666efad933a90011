import type { Bytes, Millis } from '../../../shared/wire/bytes.ts';
import { SeededRandom } from '../random.ts';

export interface PathOptions {
  readonly seed: number;
  /** One-way delay of every packet. */
  readonly delay: Millis;
  /** Probability that a packet is lost, 0 to 1. */
  readonly loss?: number;
  /** Probability that a packet takes `lateBy` longer, and so arrives behind later ones. */
  readonly late?: number;
  readonly lateBy?: Millis;
  /** The narrowest place: bits per second, and the bytes that may wait in front of it (more are dropped). */
  readonly bottleneck?: { readonly rate: number; readonly buffer: number };
}

interface Flying {
  readonly at: Millis;
  readonly bytes: Bytes;
}

/**
 * One direction of a network: what goes in comes out later, or not at all. Knows no clock, so the same seed does
 * the same in virtual and in real time. Packets are kept as they are, not copied.
 */
export class Path {
  readonly #options: PathOptions;
  readonly #random: SeededRandom;
  /** By arrival. Most packets go to the end, and the first ones are taken in runs. */
  readonly #flying: Flying[] = [];
  #first = 0;
  /** When the bottleneck will have sent everything that waits in front of it. */
  #freeAt: Millis = 0;
  /** Packets dropped at random, and for want of room. */
  lost = 0;
  overflowed = 0;
  delivered = 0;
  /** Time that packets waited in front of the bottleneck, in all, and how many did or could have. */
  waited: Millis = 0;
  queued = 0;

  constructor(options: PathOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
  }

  /** Packets on their way. */
  get flying(): number {
    return this.#flying.length - this.#first;
  }

  /** When the next packet arrives. */
  get deadline(): Millis | undefined {
    return this.#flying[this.#first]?.at;
  }

  send(bytes: Bytes, now: Millis): void {
    const { delay, loss = 0, late = 0, lateBy = 0, bottleneck } = this.#options;
    // One draw each, whatever becomes of the packet: the nth has the same fate on every run.
    const isLost = this.#random.next() < loss;
    const extra = this.#random.next() < late ? lateBy : 0;
    let departs = now;
    if (bottleneck !== undefined) {
      const wait = Math.max(0, this.#freeAt - now);
      const bytesPerMilli = bottleneck.rate / 8000;
      if (wait * bytesPerMilli + bytes.length > bottleneck.buffer) {
        this.overflowed++;
        return;
      }
      this.waited += wait;
      this.queued++;
      departs = now + wait + bytes.length / bytesPerMilli;
      this.#freeAt = departs;
    }
    if (isLost) this.lost++;
    else this.#insert({ at: departs + delay + extra, bytes });
  }

  /** Hands over, in order of arrival, the packets that have arrived by `now`. */
  arrived(now: Millis, receive: (bytes: Bytes) => void): void {
    for (let next = this.#flying[this.#first]; next !== undefined && next.at <= now; ) {
      this.#first++;
      this.delivered++;
      receive(next.bytes);
      next = this.#flying[this.#first];
    }
    if (this.#first > 64 && 2 * this.#first > this.#flying.length) {
      this.#flying.splice(0, this.#first);
      this.#first = 0;
    }
  }

  #insert(packet: Flying): void {
    const flying = this.#flying;
    let at = flying.length;
    while (at > this.#first && flying[at - 1]!.at > packet.at) at--;
    if (at === flying.length) flying.push(packet);
    else flying.splice(at, 0, packet);
  }
}
