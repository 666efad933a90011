/**
 * Explicit congestion notification: what a router marked instead of dropping is echoed until the sender says it has
 * slowed down.
 * @rfc 3168 §6.1
 */

/** Code points in the IP header. @rfc 3168 §5 */
export const Ecn = { notCapable: 0, capable: 2, congested: 3 } as const;

/** The sending half: reacts once a round trip, and tells that it did. */
export class EcnResponse {
  /** The next new data carry CWR. */
  tell = false;
  #until = 0;

  /** ECE came. Answers whether the window shrinks for it. @rfc 3168 §6.1.2 */
  marked(una: number, nxt: number): boolean {
    if (una < this.#until) return false;
    this.#until = nxt;
    this.tell = true;
    return true;
  }
}

/** The receiving half. @rfc 3168 §6.1.3 */
export class EcnEcho {
  /** Whether acknowledgments carry ECE. */
  active = false;

  /** Answers whether the peer should hear of it at once. */
  arrived(codePoint: number, reduced: boolean): boolean {
    if (reduced) this.active = false;
    if (codePoint !== Ecn.congested) return false;
    const news = !this.active;
    this.active = true;
    return news;
  }
}
