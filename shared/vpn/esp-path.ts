/**
 * The data path between the relay's frames and L2TP: packets gather in the engine's slots and are sealed as
 * one run, each as a record for the relay; arriving ones are opened as one run. Knows ESP and the inner UDP header, nothing above.
 * @rfc 3948 §2.1
 */
import {
  type EspEngine,
  type EspSealer,
  OpenResult,
  SEALED_HEADER,
  SLOT_HEADROOM,
  SLOT_SIZE,
} from '../esp/engine.ts';
import type { TapPoint } from '../ike/tap.ts';
import type { Bytes } from '../wire/bytes.ts';
import type { Packet } from '../wire/packet.ts';
import { EspSas } from './esp-sas.ts';
import { prependUdp, stripUdp, UDP_PROTOCOL } from './inner-udp.ts';
import { PeerPort } from './peer-port.ts';
import type { Tap } from './tap.ts';

/** Slots for packets going out; the rest of the engine's are for packets coming in. */
const OUTBOUND_SLOTS = 256;

/** Why packets were dropped, since the tunnel began. */
export interface EspCounters {
  unknownSpi: number;
  malformed: number;
  badIcv: number;
  replayed: number;
  notOurs: number;
  /** Packets that had no SA to go out by. */
  unsent: number;
}

/** Queues one complete record for the relay, header included: `bytes[start, end)`, copied before it returns. */
export type SendSealed = (bytes: Bytes, start: number, end: number) => void;

export class EspPath {
  readonly counters: EspCounters = {
    unknownSpi: 0,
    malformed: 0,
    badIcv: 0,
    replayed: 0,
    notOurs: 0,
    unsent: 0,
  };
  readonly sas: EspSas;
  readonly peer: PeerPort;
  readonly #engine: EspEngine;
  readonly #sendSealed: SendSealed;
  readonly #localPort: number;
  readonly #deliver: (packets: readonly Packet[]) => void;
  readonly #taps: TapPoint<Tap>;
  /** Those of a run that were authentic, while it is delivered. */
  readonly #opened: Packet[] = [];
  /** Where each slot's packet begins when it is empty. */
  readonly #home: readonly number[];
  readonly #inboundSlots: number;
  /** Packets that wait, to be sealed and to be opened. */
  #toSeal = 0;
  #toOpen = 0;

  /**
   * `deliver` gets the L2TP packets of each run that was opened, valid during the call only. Without a remote port it is the
   * peer's to choose: a client's.
   */
  constructor(
    engine: EspEngine,
    ports: { readonly local: number; readonly remote?: number },
    sendSealed: SendSealed,
    deliver: (packets: readonly Packet[]) => void,
    taps: TapPoint<Tap> = { tap: undefined },
  ) {
    this.sas = new EspSas(engine, taps);
    this.#engine = engine;
    this.#sendSealed = sendSealed;
    this.#localPort = ports.local;
    this.peer = new PeerPort(ports.remote);
    this.#deliver = deliver;
    this.#taps = taps;
    this.#home = engine.slots.map((slot) => slot.start);
    this.#inboundSlots = engine.slots.length - OUTBOUND_SLOTS;
  }

  /** The outbound SA in use, if any. */
  get sealer(): EspSealer | undefined {
    return this.sas.outbound?.sealer;
  }

  /** Closes every SA and leaves the slots as they were, for another path over the same engine. */
  close(): void {
    for (const [index, slot] of this.#engine.slots.entries()) {
      slot.start = this.#home[index]!;
      slot.end = slot.start;
    }
    this.sas.close();
    this.#toSeal = 0;
    this.#toOpen = 0;
  }

  /** An empty packet with headroom for L2TP, UDP and ESP; valid until `send`. */
  take(): Packet {
    if (this.#toSeal === OUTBOUND_SLOTS) this.flush();
    const slot = this.#engine.slots[this.#toSeal]!;
    slot.start = this.#home[this.#toSeal]!;
    slot.end = slot.start;
    return slot;
  }

  /** Queues the L2TP packet that was written into what `take` gave last. */
  send(packet: Packet): void {
    prependUdp(packet, this.#localPort, this.peer.current);
    this.#toSeal++;
  }

  /** Seals what is queued and adds it to the frame. */
  flush(): void {
    const count = this.#toSeal;
    if (count === 0) return;
    this.#toSeal = 0;
    const { tap } = this.#taps;
    const plaintexts = tap && this.#engine.slots.slice(0, count).map(copy);
    const { outbound } = this.sas;
    const sealed = outbound?.sealer.seal(0, count, UDP_PROTOCOL, outbound.channel) ?? 0;
    for (let i = 0; i < sealed; i++) {
      const { bytes, start, end } = this.#engine.slots[i]!;
      this.#sendSealed(bytes, start, end);
      if (plaintexts === undefined) continue;
      const header = espHeader(bytes, start + SEALED_HEADER);
      tap!.espPlaintext('out', header, UDP_PROTOCOL, plaintexts[i]!);
    }
    this.counters.unsent += count - sealed;
  }

  /** Takes one ESP packet, `bytes[start, end)`; it is opened with its neighbours, at the latest by `openPending`. */
  receive(bytes: Bytes, start: number, end: number): void {
    const length = end - start;
    if (length < 8 || length > SLOT_SIZE - SLOT_HEADROOM) {
      this.counters.malformed++;
      return;
    }
    if (this.#toOpen === this.#inboundSlots) this.openPending();
    const index = OUTBOUND_SLOTS + this.#toOpen++;
    const slot = this.#engine.slots[index]!;
    slot.start = this.#home[index]!;
    slot.end = slot.start + length;
    slot.bytes.set(bytes.subarray(start, end), slot.start);
  }

  /** Opens what `receive` gathered and delivers it. The answer is whether anything was authentic. */
  openPending(): boolean {
    const end = OUTBOUND_SLOTS + this.#toOpen;
    if (this.#toOpen === 0) return false;
    const { tap } = this.#taps;
    const headers = tap && this.#headers(this.#toOpen);
    this.#engine.open(OUTBOUND_SLOTS, this.#toOpen);
    // Before any is delivered: the last L2TP message may close the path, and its slots.
    if (headers !== undefined) this.#showOpened(tap!, headers);
    this.#toOpen = 0;
    this.sas.opened();
    const { slots, results, nextHeaders } = this.#engine;
    let authentic = false;
    this.#opened.length = 0;
    for (let i = OUTBOUND_SLOTS; i < end; i++) {
      if (results[i] !== OpenResult.ok) {
        this.#countDrop(results[i]!);
        continue;
      }
      authentic = true;
      const packet = slots[i]!;
      const port = nextHeaders[i] === UDP_PROTOCOL ? stripUdp(packet, this.#localPort) : 0;
      if (port === 0 || !this.peer.accepts(port)) {
        this.counters.notOurs++;
        continue;
      }
      this.#opened.push(packet);
    }
    if (this.#opened.length > 0) this.#deliver(this.#opened);
    return authentic;
  }

  /** Those of the packets that wait to be opened. */
  #headers(count: number): Bytes[] {
    const slots = this.#engine.slots.slice(OUTBOUND_SLOTS, OUTBOUND_SLOTS + count);
    return slots.map(({ bytes, start }) => espHeader(bytes, start));
  }

  #showOpened(tap: Tap, headers: readonly Bytes[]): void {
    const { slots, results, nextHeaders } = this.#engine;
    for (const [index, header] of headers.entries()) {
      const slot = OUTBOUND_SLOTS + index;
      if (results[slot] !== OpenResult.ok) continue;
      tap.espPlaintext('in', header, nextHeaders[slot]!, copy(slots[slot]!));
    }
  }

  #countDrop(result: number): void {
    if (result === OpenResult.unknownSpi) this.counters.unknownSpi++;
    else if (result === OpenResult.badIcv) this.counters.badIcv++;
    else if (result === OpenResult.replayed) this.counters.replayed++;
    else this.counters.malformed++;
  }
}

function copy({ bytes, start, end }: Packet): Bytes {
  return bytes.slice(start, end);
}

/** SPI and sequence number of the ESP packet at `start`. */
function espHeader(bytes: Bytes, start: number): Bytes {
  return bytes.slice(start, start + 8);
}
