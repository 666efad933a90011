/**
 * With which key exchange of its own, if any, Quick Mode is tried. A gateway that insists on perfect forward secrecy refuses an
 * offer without, and one that has none refuses an offer with it; RFC 2409 §5.5 has no way to offer both.
 */
import type { Group } from './group.ts';

export class PfsSearch {
  /** In the order in which they are tried. */
  readonly #candidates: readonly (Group | undefined)[];
  #at = 0;
  /** The last that the peer agreed to: where the next search begins. */
  #agreed = 0;

  /** `phase1Group` is what the peer is known to have. */
  constructor(phase1Group: Group, groups: readonly Group[]) {
    const candidates = groups.length === 0 ? [] : [phase1Group, ...groups];
    this.#candidates = [undefined, ...new Set(candidates)];
  }

  get group(): Group | undefined {
    return this.#candidates[this.#at];
  }

  /** The peer would have nothing of the offer. Answers whether there is another. */
  next(): boolean {
    const next = (this.#at + 1) % this.#candidates.length;
    if (next === this.#agreed) return false;
    this.#at = next;
    return true;
  }

  succeeded(): void {
    this.#agreed = this.#at;
  }

  /** The search is over, or broke off. */
  failed(): void {
    this.#at = this.#agreed;
  }
}
