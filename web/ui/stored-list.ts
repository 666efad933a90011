/**
 * What the user decided about gateways, kept in the browser's storage by relay and gateway, never with a secret; what a relay or a
 * gateway says neither adds to it nor is asked about it.
 */
import { type ReadonlySignal, signal } from '@preact/signals';

/** Which gateway a decision is about. */
export interface GatewayKey {
  /** Origin of the relay, e.g. `https://portal.example`. */
  readonly relay: string;
  /** The gateway's id there. */
  readonly gateway: string;
}

/** Most decisions of a kind that are kept; the oldest gives way. */
export const DECISIONS_LIMIT = 100;

/** Longest origin or id that is read back, in characters. */
const TEXT_LIMIT = 300;

export type DecisionStorage = Pick<Storage, 'getItem' | 'setItem'>;

/** One decision at most about each gateway. */
export class StoredList<T extends GatewayKey> {
  readonly #storage: DecisionStorage | undefined;
  readonly #key: string;
  readonly #decode: (entry: unknown) => T | undefined;
  readonly #list = signal<readonly T[]>([]);

  /**
   * Without a storage (a browser may refuse it) decisions last as long as the page. `decode` answers `undefined` for what has
   * another shape.
   */
  constructor(
    storage: DecisionStorage | undefined,
    key: string,
    decode: (entry: unknown) => T | undefined,
  ) {
    this.#storage = storage;
    this.#key = key;
    this.#decode = decode;
    this.reload();
  }

  get list(): ReadonlySignal<readonly T[]> {
    return this.#list;
  }

  find(gateway: GatewayKey): T | undefined {
    return this.#list.value.find((known) => same(known, gateway));
  }

  /** Takes over what another tab has changed. */
  reload(): void {
    this.#list.value = decodeList(this.#read())
      .map(this.#decode)
      .filter((entry) => entry !== undefined)
      .slice(-DECISIONS_LIMIT);
  }

  put(entry: T): void {
    const others = this.#list.value.filter((known) => !same(known, entry));
    this.#keep([...others, entry].slice(-DECISIONS_LIMIT));
  }

  remove(gateway: GatewayKey): void {
    this.#keep(this.#list.value.filter((known) => !same(known, gateway)));
  }

  #keep(list: readonly T[]): void {
    this.#list.value = list;
    try {
      this.#storage?.setItem(this.#key, JSON.stringify(list));
    } catch {
      // Full or forbidden: it lasts as long as the page.
    }
  }

  #read(): string | null {
    try {
      return this.#storage?.getItem(this.#key) ?? null;
    } catch {
      return null;
    }
  }
}

/** The gateway of a stored entry; `undefined` for whatever has another shape. */
export function decodeGatewayKey(value: unknown): GatewayKey | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { relay, gateway } = value as Partial<GatewayKey>;
  return isText(relay) && isText(gateway) ? { relay, gateway } : undefined;
}

function isText(text: unknown): text is string {
  return typeof text === 'string' && text !== '' && text.length <= TEXT_LIMIT;
}

function decodeList(text: string | null): readonly unknown[] {
  if (text === null) return [];
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

function same(a: GatewayKey, b: GatewayKey): boolean {
  return a.relay === b.relay && a.gateway === b.gateway;
}
