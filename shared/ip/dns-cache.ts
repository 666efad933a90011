/** Answers of name servers for as long as they are good for, bounded; the oldest entry makes room. @rfc 1035 §7.4, 2308 §5 */
import type { Millis } from '../wire/bytes.ts';
import type { DnsQuestion, DnsRecord } from './dns-message.ts';

const CACHE_LIMIT = 512;

/** Longest a positive and a negative answer is believed, whatever its TTL says. @rfc 2308 §5 */
const LONGEST: Millis = 86_400_000;
const LONGEST_NEGATIVE: Millis = 300_000;

interface Entry {
  /** None: there is no such name, or it has no records of that type. */
  readonly records: readonly DnsRecord[];
  readonly expiresAt: Millis;
}

export class DnsCache {
  readonly #entries = new Map<string, Entry>();

  find({ name, type }: DnsQuestion, now: Millis): readonly DnsRecord[] | undefined {
    return this.#take(`any ${name}`, now) ?? this.#take(`${type} ${name}`, now);
  }

  add({ name, type }: DnsQuestion, records: readonly DnsRecord[], ttl: number, now: Millis): void {
    const longest = records.length === 0 ? LONGEST_NEGATIVE : LONGEST;
    this.#put(`${type} ${name}`, records, Math.min(1000 * ttl, longest), now);
  }

  /** There is no such name: nothing of any type. @rfc 2308 §5 */
  addMissing(name: string, ttl: number, now: Millis): void {
    this.#put(`any ${name}`, [], Math.min(1000 * ttl, LONGEST_NEGATIVE), now);
  }

  #take(key: string, now: Millis): readonly DnsRecord[] | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.expiresAt > now) return entry.records;
    this.#entries.delete(key);
    return undefined;
  }

  #put(key: string, records: readonly DnsRecord[], lifetime: Millis, now: Millis): void {
    if (lifetime <= 0) return;
    this.#entries.delete(key);
    this.#entries.set(key, { records, expiresAt: now + lifetime });
    if (this.#entries.size > CACHE_LIMIT) {
      const [oldest] = this.#entries.keys();
      this.#entries.delete(oldest!);
    }
  }
}
