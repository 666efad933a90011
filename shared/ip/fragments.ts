/**
 * Reassembly of fragments of both families, bounded in datagrams, pieces, bytes and time. Overlapping fragments end
 * the whole datagram: no honest sender makes them (RFC 5722 says so for IPv6).
 * Left out: fragmenting what we send, and Time Exceeded for datagrams that stay incomplete.
 * @rfc 791 §3.2, 815, 8200 §4.5
 */
import type { Bytes, Millis } from '../wire/bytes.ts';
import { earliest } from '../wire/machine.ts';
import type { IpAddress } from './address.ts';
import type { IpHeader } from './header.ts';

export const DATAGRAM_LIMIT = 16;
const FRAGMENT_LIMIT = 64;
export const FRAGMENT_BYTES_LIMIT = 262_144;
const DATAGRAM_SIZE_LIMIT = 65_515;

/** Deviation: RFC 1122 §3.3.2 asks for 60 to 120 s; nothing that late is still wanted, and memory is short. */
export const REASSEMBLY_TIMEOUT: Millis = 30_000;

interface Datagram {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly identification: number;
  /** With IPv6 the first fragment's: the others' need not be the same. @rfc 8200 §4.5 */
  protocol: number;
  readonly expiresAt: Millis;
  /** In order of offset, never touching twice. */
  readonly pieces: { readonly offset: number; readonly bytes: Bytes }[];
  /** Known once the last fragment came. */
  length: number | undefined;
  held: number;
}

export class Reassembly {
  #datagrams: Datagram[] = [];
  #held = 0;

  get deadline(): Millis | undefined {
    return earliest(...this.#datagrams.map((datagram) => datagram.expiresAt));
  }

  /** Bytes kept at present. */
  get held(): number {
    return this.#held;
  }

  expire(now: Millis): void {
    for (const datagram of this.#datagrams.filter((each) => each.expiresAt <= now)) {
      this.#drop(datagram);
    }
  }

  /** The whole payload when `header` and the bytes it points at complete a datagram; `header.protocol` then is the whole's. */
  add(header: IpHeader, bytes: Bytes, now: Millis): Bytes | undefined {
    const length = header.dataEnd - header.dataStart;
    const end = header.fragmentOffset + length;
    const misaligned = header.moreFragments && (length === 0 || length % 8 !== 0);
    const datagram = this.#find(header, now);
    if (misaligned || end > DATAGRAM_SIZE_LIMIT || !this.#fits(datagram, header, end)) {
      this.#drop(datagram);
      return undefined;
    }
    const at = datagram.pieces.findIndex((piece) => piece.offset >= header.fragmentOffset);
    const repeated = datagram.pieces[at];
    if (repeated?.offset === header.fragmentOffset && repeated.bytes.length === length) {
      return undefined;
    }
    if (this.#overlaps(datagram, header.fragmentOffset, end)) {
      this.#drop(datagram);
      return undefined;
    }
    const piece = {
      offset: header.fragmentOffset,
      bytes: bytes.slice(header.dataStart, header.dataEnd),
    };
    datagram.pieces.splice(at === -1 ? datagram.pieces.length : at, 0, piece);
    datagram.held += length;
    this.#held += length;
    if (!header.moreFragments) datagram.length = end;
    if (header.fragmentOffset === 0) datagram.protocol = header.protocol;
    if (datagram.held !== datagram.length) {
      this.#makeRoom(datagram);
      return undefined;
    }
    const whole = new Uint8Array(datagram.length);
    for (const { offset, bytes: part } of datagram.pieces) whole.set(part, offset);
    this.#drop(datagram);
    header.protocol = datagram.protocol;
    return whole;
  }

  #find(header: IpHeader, now: Millis): Datagram {
    const known = this.#datagrams.find(
      (each) =>
        header.isFrom(each.source) &&
        header.isTo(each.destination) &&
        each.identification === header.identification &&
        (header.version === 6 || each.protocol === header.protocol),
    );
    if (known !== undefined) return known;
    const { source, destination, identification, protocol } = header;
    const expiresAt = now + REASSEMBLY_TIMEOUT;
    const fresh: Datagram = {
      source,
      destination,
      identification,
      protocol,
      expiresAt,
      pieces: [],
      length: undefined,
      held: 0,
    };
    this.#datagrams.push(fresh);
    if (this.#datagrams.length > DATAGRAM_LIMIT) this.#drop(this.#datagrams[0]!);
    return fresh;
  }

  #fits(datagram: Datagram, header: IpHeader, end: number): boolean {
    if (datagram.pieces.length >= FRAGMENT_LIMIT) return false;
    if (datagram.length !== undefined) {
      return header.moreFragments ? end <= datagram.length : end === datagram.length;
    }
    const last = datagram.pieces.at(-1);
    return header.moreFragments || last === undefined || last.offset + last.bytes.length <= end;
  }

  #overlaps(datagram: Datagram, start: number, end: number): boolean {
    return datagram.pieces.some(
      (piece) => piece.offset < end && start < piece.offset + piece.bytes.length,
    );
  }

  /** Drops the oldest others until the total is within bounds. */
  #makeRoom(keep: Datagram): void {
    while (this.#held > FRAGMENT_BYTES_LIMIT) {
      const oldest = this.#datagrams.find((each) => each !== keep);
      if (oldest === undefined) return;
      this.#drop(oldest);
    }
  }

  #drop(datagram: Datagram): void {
    this.#held -= datagram.held;
    this.#datagrams = this.#datagrams.filter((each) => each !== datagram);
  }
}
