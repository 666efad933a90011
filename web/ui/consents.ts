/**
 * What the user allowed a gateway beyond what is allowed everywhere: today PAP alone. Kept in the browser's storage by
 * relay and gateway, never with a secret; what a relay or a gateway says neither adds to it nor is asked about it.
 */
import { type ReadonlySignal, signal } from '@preact/signals';

/** Consent to hand one gateway the password itself. */
export interface Consent {
  /** Origin of the relay, e.g. `https://portal.example`. */
  readonly relay: string;
  /** The gateway's id there. */
  readonly gateway: string;
}

/** Most consents kept; the oldest gives way. */
export const CONSENTS_LIMIT = 100;

/** Longest origin or id that is read back, in characters. */
const TEXT_LIMIT = 300;

const KEY = 'culvert.allow-pap';

export type ConsentStorage = Pick<Storage, 'getItem' | 'setItem'>;

export class Consents {
  readonly #storage: ConsentStorage | undefined;
  readonly #list = signal<readonly Consent[]>([]);

  /** Without a storage (a browser may refuse it) consents last as long as the page. */
  constructor(storage: ConsentStorage | undefined) {
    this.#storage = storage;
    this.#list.value = decodeConsents(read(storage));
  }

  get list(): ReadonlySignal<readonly Consent[]> {
    return this.#list;
  }

  has(consent: Consent): boolean {
    return this.#list.value.some((known) => same(known, consent));
  }

  /** Takes over what another tab has changed. */
  reload(): void {
    this.#list.value = decodeConsents(read(this.#storage));
  }

  grant(consent: Consent): void {
    const others = this.#list.value.filter((known) => !same(known, consent));
    this.#keep([...others, consent].slice(-CONSENTS_LIMIT));
  }

  revoke(consent: Consent): void {
    this.#keep(this.#list.value.filter((known) => !same(known, consent)));
  }

  #keep(list: readonly Consent[]): void {
    this.#list.value = list;
    try {
      this.#storage?.setItem(KEY, JSON.stringify(list));
    } catch {
      // Full or forbidden: it lasts as long as the page.
    }
  }
}

/** The storage's text as consents; whatever has another shape counts as none. */
export function decodeConsents(text: string | null): readonly Consent[] {
  if (text === null) return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [];
  }
  if (!Array.isArray(value)) return [];
  return (value as unknown[])
    .filter(isConsent)
    .slice(-CONSENTS_LIMIT)
    .map(({ relay, gateway }) => ({ relay, gateway }));
}

function isConsent(value: unknown): value is Consent {
  if (typeof value !== 'object' || value === null) return false;
  const { relay, gateway } = value as Partial<Consent>;
  return [relay, gateway].every(
    (text) => typeof text === 'string' && text !== '' && text.length <= TEXT_LIMIT,
  );
}

function read(storage: ConsentStorage | undefined): string | null {
  try {
    return storage?.getItem(KEY) ?? null;
  } catch {
    return null;
  }
}

function same(a: Consent, b: Consent): boolean {
  return a.relay === b.relay && a.gateway === b.gateway;
}
