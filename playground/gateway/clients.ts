/**
 * The gateway's clients, and which of them a datagram is for: IKE by the initiator's cookie, ESP by the SPI. Ports tell
 * nothing, since IKE floats and a NAT may move it. Every class of clients has a bound of its own, so that those who never
 * finish take no place from those who do.
 */
import { type Bytes, type Millis, toHex } from '../../shared/wire/bytes.ts';
import type { Client } from './client.ts';

export interface ClientLimits {
  /** Who only sent a first message, perhaps with somebody else's address. The oldest makes way for the next. */
  readonly halfOpen: number;
  /** Who has answered from its address and has no call yet. */
  readonly unfinished: number;
}

export interface Endpoint {
  /** Dotted. */
  readonly address: string;
  readonly port: number;
}

export interface Entry {
  readonly key: string;
  readonly client: Client;
  /** Where its first message came from. */
  readonly address: string;
  /** Where it is, by channel: moved by what is authentic alone. */
  ike: Endpoint;
  natt: Endpoint;
  stage: 'half-open' | 'unfinished' | 'up';
  /** When it is due next, as of when it was last touched. */
  deadline: Millis | undefined;
  readonly spis: Set<number>;
}

export class Clients {
  readonly #limits: ClientLimits;
  readonly #byCookie = new Map<string, Entry>();
  readonly #bySpi = new Map<number, Entry>();
  /** In the order in which they came. */
  readonly #halfOpen = new Set<Entry>();
  readonly #unfinished = new Set<Entry>();

  constructor(limits: ClientLimits) {
    this.#limits = limits;
  }

  [Symbol.iterator](): IterableIterator<Entry> {
    return this.#byCookie.values();
  }

  get size(): number {
    return this.#byCookie.size;
  }

  get halfOpen(): number {
    return this.#halfOpen.size;
  }

  /** The client of an ISAKMP message from `address` with this initiator cookie. */
  byCookie(address: string, cookie: Bytes): Entry | undefined {
    return this.#byCookie.get(keyOf(address, cookie));
  }

  /** Whose call stands and whose port 4500 is seen as this one. */
  standingAt({ address, port }: Endpoint): Entry | undefined {
    for (const entry of this.#byCookie.values()) {
      const { natt, stage } = entry;
      if (stage === 'up' && natt.port === port && natt.address === address) return entry;
    }
    return undefined;
  }

  bySpi(spi: number): Entry | undefined {
    return this.#bySpi.get(spi);
  }

  /** Takes in a new client, half open. Answers who has to make way for it. */
  add(entry: Entry): Entry | undefined {
    const [oldest] = this.#halfOpen;
    this.#byCookie.set(entry.key, entry);
    this.#halfOpen.add(entry);
    return this.#halfOpen.size > this.#limits.halfOpen ? oldest : undefined;
  }

  /**
   * Whether a half-open client may go on to the costly part, and who has to make way for it: where there are too many, the
   * oldest of the address that has most of them, unless that is its own.
   */
  admit(entry: Entry): { readonly ok: boolean; readonly instead?: Entry } {
    if (this.#unfinished.size < this.#limits.unfinished) return { ok: true };
    const crowd = this.#largestCrowd();
    if (crowd === undefined || crowd.address === entry.address) return { ok: false };
    return { ok: true, instead: crowd };
  }

  move(entry: Entry, stage: 'unfinished' | 'up'): void {
    this.#halfOpen.delete(entry);
    this.#unfinished.delete(entry);
    if (stage === 'unfinished') this.#unfinished.add(entry);
    entry.stage = stage;
  }

  /** Gives a client an SPI; false where another one has it. */
  claim(entry: Entry, spi: number): boolean {
    const holder = this.#bySpi.get(spi);
    if (holder !== undefined && holder !== entry) return false;
    this.#bySpi.set(spi, entry);
    entry.spis.add(spi);
    return true;
  }

  release(entry: Entry, spi: number): void {
    if (entry.spis.delete(spi)) this.#bySpi.delete(spi);
  }

  remove(entry: Entry): void {
    for (const spi of entry.spis) this.#bySpi.delete(spi);
    entry.spis.clear();
    this.#halfOpen.delete(entry);
    this.#unfinished.delete(entry);
    if (this.#byCookie.get(entry.key) === entry) this.#byCookie.delete(entry.key);
  }

  /** The oldest unfinished client of the address that has most. */
  #largestCrowd(): Entry | undefined {
    const crowds = new Map<string, { readonly oldest: Entry; size: number }>();
    let largest: { readonly oldest: Entry; size: number } | undefined;
    for (const entry of this.#unfinished) {
      const crowd = crowds.get(entry.address) ?? { oldest: entry, size: 0 };
      crowd.size++;
      crowds.set(entry.address, crowd);
      if (largest === undefined || crowd.size > largest.size) largest = crowd;
    }
    return largest?.oldest;
  }
}

export function keyOf(address: string, cookie: Bytes): string {
  return `${address} ${toHex(cookie)}`;
}
