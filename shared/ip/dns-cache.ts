/** Answers of name servers for as long as they are good for, bounded; the oldest entry makes room. @rfc 1035 §7.4, 2308 §5 */
import type { Millis } from '../wire/bytes.ts';
import { type DnsQuestion, type DnsRecord, RECORD_TYPES } from './dns-message.ts';

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
    return this.#take(`${type} ${name}`, now) ?? this.#take(`any ${name}`, now);
  }

  add({ name, type }: DnsQuestion, records: readonly DnsRecord[], ttl: number, now: Millis): void {
    if (records.length > 0) this.#entries.delete(`any ${name}`);
    const longest = records.length === 0 ? LONGEST_NEGATIVE : LONGEST;
    this.#put(`${type} ${name}`, records, Math.min(1000 * ttl, longest), now);
  }

  /**
   * There is no such name: nothing of any type. Of a name that has something it is said by servers that know no better of the
   * type they were asked for, and holds for that one. @rfc 2308 §5, 4074 §4.2
   */
  addMissing({ name, type }: DnsQuestion, ttl: number, now: Millis): void {
    const exists = RECORD_TYPES.some((each) => this.#take(`${each} ${name}`, now)?.length);
    const key = exists ? type : 'any';
    this.#put(`${key} ${name}`, [], Math.min(1000 * ttl, LONGEST_NEGATIVE), now);
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
