import type { Bytes, Millis } from '../../shared/wire/bytes.ts';
import { SeededRandom } from './random.ts';

export interface LinkOptions {
  readonly seed: number;
  /** One-way delay. */
  readonly latency: Millis;
  /** Extra delay, uniform in [0, jitter): what reorders packets. */
  readonly jitter?: Millis;
  /** Probability of each, 0 to 1. */
  readonly loss?: number;
  readonly duplication?: number;
  readonly corruption?: number;
  /** Larger packets are dropped. */
  readonly mtu?: number;
}

/** One direction of a network in virtual time: what goes in comes out later, or twice, or not at all. */
export class Link {
  readonly #options: LinkOptions;
  readonly #random: SeededRandom;
  readonly #flying: { at: Millis; order: number; bytes: Bytes }[] = [];
  #order = 0;
  dropped = 0;
  delivered = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
  }

  send(bytes: Bytes, now: Millis): void {
    const { loss = 0, duplication = 0, corruption = 0, mtu = 65_535 } = this.#options;
    if (bytes.length > mtu || this.#random.next() < loss) {
      this.dropped++;
      return;
    }
    const copies = this.#random.next() < duplication ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      const copy = bytes.slice();
      if (copy.length > 0 && this.#random.next() < corruption) {
        const at = Math.floor(this.#random.next() * copy.length);
        copy[at] = copy[at]! ^ (1 << Math.floor(this.#random.next() * 8));
      }
      this.#flying.push({ at: now + this.#delay(), order: this.#order++, bytes: copy });
    }
  }

  /** When the next packet arrives. */
  get deadline(): Millis | undefined {
    return this.#next()?.at;
  }

  /** The packets that have arrived by `now`, in order of arrival. */
  arrived(now: Millis): Bytes[] {
    const out: Bytes[] = [];
    for (let next = this.#next(); next !== undefined && next.at <= now; next = this.#next()) {
      this.#flying.splice(this.#flying.indexOf(next), 1);
      out.push(next.bytes);
      this.delivered++;
    }
    return out;
  }

  #delay(): Millis {
    return this.#options.latency + this.#random.next() * (this.#options.jitter ?? 0);
  }

  #next() {
    let best: { at: Millis; order: number; bytes: Bytes } | undefined;
    for (const packet of this.#flying) {
      if (
        best === undefined ||
        packet.at < best.at ||
        (packet.at === best.at && packet.order < best.order)
      )
        best = packet;
    }
    return best;
  }
}
