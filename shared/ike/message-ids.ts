/** Message ids that were used, against replays: an id names one exchange and no other. RFC 2408 §3.1. */

/** Most ids remembered; the oldest is forgotten first. */
const MAX_REMEMBERED_IDS = 256;

export class MessageIds {
  readonly #ids = new Set<number>();

  has(messageId: number): boolean {
    return this.#ids.has(messageId);
  }

  /** Only for ids of authentic messages: others must not push these out. */
  add(messageId: number): void {
    this.#ids.add(messageId);
    if (this.#ids.size <= MAX_REMEMBERED_IDS) return;
    const [oldest] = this.#ids;
    this.#ids.delete(oldest!);
  }
}
