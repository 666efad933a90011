/** Answers of name servers for as long as they are good for, bounded; the oldest entry makes room. @rfc 1035 §7.4, 2308 §5 */
import type { Bytes, Millis } from '../wire/bytes.ts';

const CACHE_LIMIT = 512;

/** Longest a positive and a negative answer is believed, whatever its TTL says. @rfc 2308 §5 */
const LONGEST: Millis = 86_400_000;
const LONGEST_NEGATIVE: Millis = 300_000;

interface Entry {
  /** Empty: there is no such name, or it has no address. */
  readonly addresses: readonly Bytes[];
  readonly expiresAt: Millis;
}

export class DnsCache {
  readonly #entries = new Map<string, Entry>();

  find(name: string, now: Millis): readonly Bytes[] | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    if (entry.expiresAt > now) return entry.addresses;
    this.#entries.delete(name);
    return undefined;
  }

  add(name: string, addresses: readonly Bytes[], ttlSeconds: number, now: Millis): void {
    const longest = addresses.length === 0 ? LONGEST_NEGATIVE : LONGEST;
    const lifetime = Math.min(1000 * ttlSeconds, longest);
    if (lifetime <= 0) return;
    this.#entries.delete(name);
    this.#entries.set(name, { addresses, expiresAt: now + lifetime });
    if (this.#entries.size > CACHE_LIMIT) {
      const [oldest] = this.#entries.keys();
      this.#entries.delete(oldest!);
    }
  }
}
