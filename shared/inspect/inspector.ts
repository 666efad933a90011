/** A recording as somebody looks through it: pages of lines, one packet in full, and the two files. */
import type { Tap } from '../vpn/tap.ts';
import type { Bytes } from '../wire/bytes.ts';
import { captureFile } from './capture.ts';
import { keyTables } from './key-tables.ts';
import { detailsOf, rowOf } from './packet.ts';
import type { RecordedPacket } from './recorded.ts';
import { Recorder } from './recorder.ts';
import type {
  PacketDetails,
  PacketPage,
  PacketProtocol,
  PacketQuery,
  PacketRow,
  RecordingState,
} from './view.ts';

/** Most lines of a page. */
const PAGE_LIMIT = 500;

/**
 * Most packets that are taken apart for one page, since that is work for the thread that runs the tunnel. What a line says is
 * remembered, so the same question asked again gets further.
 */
const DISSECT_LIMIT = 400;

/** Protocols of what is carried, and of what sets up the carrying: either is in a shelf of its own. */
const CONTROL: ReadonlySet<PacketProtocol> = new Set(['Relay', 'IKE', 'L2TP', 'PPP']);

export class Inspector {
  readonly #recorder: Recorder;
  #recording = false;

  /** `now` is the time as `Date` counts, with fractions. */
  constructor(now: () => number) {
    this.#recorder = new Recorder(now);
  }

  /** What a tunnel is to show its packets to; nothing while there is no recording. */
  get tap(): Tap | undefined {
    return this.#recording ? this.#recorder : undefined;
  }

  record(on: boolean): void {
    this.#recording = on;
  }

  clear(): void {
    this.#recorder.clear();
  }

  get state(): RecordingState {
    const { store, since, version, ikeKeys, espKeys } = this.#recorder;
    const { packets, bytes, dropped } = store;
    const keys = ikeKeys.length + espKeys.length;
    return { recording: this.#recording, since, version, packets, bytes, dropped, keys };
  }

  /** The newest lines that match. Throws `RangeError` for a `limit` that is none. */
  page({ protocol, text, limit, before = Infinity }: PacketQuery): PacketPage {
    if (!(limit >= 1 && limit <= PAGE_LIMIT)) throw new RangeError('limit: from 1 to 500');
    const words = text.trim().toLowerCase();
    const rows: PacketRow[] = [];
    let dissected = 0;
    for (const packet of this.#newestFirst(protocol)) {
      if (packet.id >= before) continue;
      if (rows.length === limit || dissected === DISSECT_LIMIT) {
        return { rows: rows.reverse(), older: true };
      }
      if (packet.row === undefined) dissected++;
      const row = rowOf(packet, this.#plaintextOf);
      if (matches(row, protocol, words)) rows.push(row);
    }
    return { rows: rows.reverse(), older: false };
  }

  /** `undefined` for a packet that has made room for others. */
  details(id: number): PacketDetails | undefined {
    const packet = this.#recorder.store.get(id);
    return packet && detailsOf(packet, this.#plaintextOf);
  }

  /** A pcapng file with decrypted packets. */
  capture(): Bytes {
    return captureFile(this.#recorder.store.inOrder());
  }

  /** The keys, for Wireshark. */
  keyTables(): string {
    return keyTables(this.#recorder.ikeKeys, this.#recorder.espKeys);
  }

  readonly #plaintextOf = (ciphertext: Bytes): Bytes | undefined =>
    this.#recorder.plaintextOf(ciphertext);

  #newestFirst(protocol: PacketProtocol | undefined): RecordedPacket[] {
    const { store } = this.#recorder;
    if (protocol === undefined || protocol === 'ESP') return store.inOrder().reverse();
    const shelf = CONTROL.has(protocol) ? store.control : store.traffic;
    return [...shelf.values()].sort((a, b) => b.id - a.id);
  }
}

function matches(row: PacketRow, protocol: PacketProtocol | undefined, words: string): boolean {
  if (protocol !== undefined && row.protocol !== protocol) return false;
  return words === '' || `${row.protocol} ${row.meaning}`.toLowerCase().includes(words);
}
