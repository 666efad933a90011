/** What the intranet remembers of each visitor, who is known by the address of the tunnel, and forgotten with it. */
import { formatAddress } from '../../shared/ip/address.ts';
import type { Network } from '../network/network.ts';

/** Visitors of whom something is remembered at a time; who was not seen for longest is forgotten first. */
const DEFAULT_LIMIT = 512;

export class Visitors<T> {
  readonly #make: () => T;
  readonly #limit: number;
  /** By dotted address, the one seen last at the end. */
  readonly #known = new Map<string, T>();

  constructor(network: Network, make: () => T, limit: number = DEFAULT_LIMIT) {
    this.#make = make;
    this.#limit = limit;
    network.onLeave((address) => this.#known.delete(formatAddress(address)));
  }

  /** What is remembered of a visitor, if anything is. */
  find(address: string): T | undefined {
    const known = this.#known.get(address);
    if (known === undefined) return undefined;
    this.#known.delete(address);
    this.#known.set(address, known);
    return known;
  }

  /** The same, with something to begin with. */
  of(address: string): T {
    const known = this.find(address) ?? this.#make();
    this.#known.set(address, known);
    if (this.#known.size > this.#limit) {
      const [oldest] = this.#known.keys();
      this.#known.delete(oldest!);
    }
    return known;
  }
}
