/**
 * Keeps what a tunnel shows: packets, what the encrypted ones hold, and the keys, all of it bounded. Lives in the worker, and
 * nothing of it leaves the tab but by the page's download buttons.
 */
import type { EspSaParameters } from '../esp/engine.ts';
import { Channel } from '../relay/channels.ts';
import type { OpenedMessage } from '../relay/control.ts';
import type { Direction, Tap } from '../vpn/tap.ts';
import { type Bytes, toHex } from '../wire/bytes.ts';
import { PacketStore } from './packet-store.ts';
import type { RecordedDatagram } from './recorded.ts';

/** Most SAs whose keys are kept, of each kind: the newest. */
export const KEYS_LIMIT = 256;

/** IKE messages whose plaintext is kept. */
const PLAINTEXTS_LIMIT = 1_024;

/** ESP packets that may yet be opened: more than the engine takes at once. */
const UNOPENED_LIMIT = 1_024;

/** Bytes at the end of a ciphertext that tell it apart from others. */
const TAIL = 16;

export interface IkeKey {
  readonly initiatorCookie: Bytes;
  readonly cipherKey: Bytes;
}

export interface EspKey {
  readonly direction: Direction;
  readonly path: OpenedMessage;
  readonly parameters: EspSaParameters;
}

export class Recorder implements Tap {
  readonly store: PacketStore = new PacketStore();
  readonly #now: () => number;
  /** By cookies, and by direction and SPI. */
  readonly #ikeKeys = new Map<string, IkeKey>();
  readonly #espKeys = new Map<string, EspKey>();
  readonly #plaintexts = new Map<string, Bytes>();
  readonly #unopened = new Map<string, RecordedDatagram>();
  #path: OpenedMessage | undefined;
  /** When the first packet passed. */
  since: number | undefined;
  #nextId = 1;
  #clears = 0;

  /** `now` is the time as `Date` counts, with fractions. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Changes with every packet and every `clear`. */
  get version(): number {
    return this.#nextId + this.#clears;
  }

  get ikeKeys(): readonly IkeKey[] {
    return [...this.#ikeKeys.values()];
  }

  get espKeys(): readonly EspKey[] {
    return [...this.#espKeys.values()];
  }

  /** What an encrypted IKE body holds, where that was shown. */
  plaintextOf(ciphertext: Bytes): Bytes | undefined {
    return this.#plaintexts.get(tail(ciphertext));
  }

  /** Forgets packets and keys. */
  clear(): void {
    this.#clears++;
    this.since = undefined;
    this.store.clear();
    this.#plaintexts.clear();
    this.#unopened.clear();
    for (const { cipherKey } of this.#ikeKeys.values()) cipherKey.fill(0);
    for (const { parameters } of this.#espKeys.values()) {
      parameters.cipherKey.fill(0);
      parameters.integrityKey?.fill(0);
    }
    this.#ikeKeys.clear();
    this.#espKeys.clear();
  }

  control(direction: Direction, text: string): void {
    this.store.add({ kind: 'control', ...this.#head(), direction, text }, false);
  }

  opened(message: OpenedMessage): void {
    this.#path = message;
  }

  datagram(direction: Direction, channel: number, bytes: Bytes, start: number, end: number): void {
    if (this.#path === undefined) return;
    const packet: RecordedDatagram = {
      kind: 'datagram',
      ...this.#head(),
      direction,
      channel,
      bytes: bytes.slice(start, end),
      path: this.#path,
    };
    const esp = isEsp(channel, packet.bytes);
    this.store.add(packet, esp);
    if (!esp) return;
    // Of a packet and its repetition the first is the one that is opened.
    const key = espKey(direction, packet.bytes);
    if (!this.#unopened.has(key)) put(this.#unopened, key, packet, UNOPENED_LIMIT);
  }

  espPlaintext(direction: Direction, header: Bytes, nextHeader: number, plaintext: Bytes): void {
    const key = espKey(direction, header);
    const packet = this.#unopened.get(key);
    if (packet === undefined) return;
    this.#unopened.delete(key);
    packet.inner = { nextHeader, bytes: plaintext.slice() };
    this.store.opened(packet);
  }

  espSa(direction: Direction, parameters: EspSaParameters): void {
    if (this.#path === undefined) return;
    const { cipherKey, integrityKey } = parameters;
    const copy: EspSaParameters = {
      ...parameters,
      cipherKey: cipherKey.slice(),
      ...(integrityKey && { integrityKey: integrityKey.slice() }),
    };
    const key = `${direction} ${parameters.spi}`;
    put(this.#espKeys, key, { direction, path: this.#path, parameters: copy }, KEYS_LIMIT);
  }

  ikeKey(initiatorCookie: Bytes, responderCookie: Bytes, cipherKey: Bytes): void {
    const key = `${toHex(initiatorCookie)} ${toHex(responderCookie)}`;
    const copy = { initiatorCookie: initiatorCookie.slice(), cipherKey: cipherKey.slice() };
    put(this.#ikeKeys, key, copy, KEYS_LIMIT);
  }

  ikePlaintext(ciphertext: Bytes, plaintext: Bytes): void {
    put(this.#plaintexts, tail(ciphertext), plaintext.slice(), PLAINTEXTS_LIMIT);
  }

  #head(): { readonly id: number; readonly time: number } {
    const time = this.#now();
    this.since ??= time;
    return { id: this.#nextId++, time };
  }
}

/** Adds an entry; the oldest makes room. */
function put<V>(map: Map<string, V>, key: string, value: V, limit: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= limit) return;
  const [oldest] = map.keys();
  map.delete(oldest!);
}

function tail(ciphertext: Bytes): string {
  return toHex(ciphertext.subarray(-TAIL));
}

/** Direction, SPI and sequence number. */
function espKey(direction: Direction, bytes: Bytes): string {
  return `${direction} ${word(bytes, 0)} ${word(bytes, 4)}`;
}

function word(bytes: Bytes, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

function isEsp(channel: number, [a, b, c, d]: Bytes): boolean {
  if (channel === Channel.esp) return true;
  return channel === Channel.natt && d !== undefined && (a! | b! | c! | d) !== 0;
}
