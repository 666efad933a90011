/**
 * The data path between the relay's frames and L2TP: packets gather in the engine's slots and are sealed as
 * one run, arriving ones are opened as one run. Knows ESP and the inner UDP header, nothing above.
 * @rfc 3948 §2.1
 */
import {
  type EspEngine,
  type EspOpener,
  type EspSaParameters,
  type EspSealer,
  OpenResult,
  SLOT_HEADROOM,
  SLOT_SIZE,
} from '../esp/engine.ts';
import { Channel, type ChannelNumber } from '../relay/channels.ts';
import type { Bytes } from '../wire/bytes.ts';
import type { Packet } from '../wire/packet.ts';
import { prependUdp, stripUdp, UDP_PROTOCOL } from './inner-udp.ts';

/** Slots for packets going out; the rest of the engine's are for packets coming in. */
const OUTBOUND_SLOTS = 256;

/** Inbound SAs kept at once: the current one, those a rekey leaves behind, and some a peer opens too many. */
const MAX_OPENERS = 8;

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

/** Queues one record for the relay: `bytes[start, end)`, copied before it returns. */
export type SendRecord = (channel: ChannelNumber, bytes: Bytes, start: number, end: number) => void;

export class EspPath {
  readonly counters: EspCounters = {
    unknownSpi: 0,
    malformed: 0,
    badIcv: 0,
    replayed: 0,
    notOurs: 0,
    unsent: 0,
  };
  readonly #engine: EspEngine;
  readonly #sendRecord: SendRecord;
  readonly #localPort: number;
  readonly #remotePort: number;
  readonly #deliver: (packet: Packet) => void;
  /** Where each slot's packet begins when it is empty. */
  readonly #home: readonly number[];
  readonly #inboundSlots: number;
  readonly #results: Uint8Array;
  readonly #nextHeaders: Uint8Array;
  readonly #openers = new Map<number, EspOpener>();
  #channel: ChannelNumber = Channel.natt;
  #sealer: EspSealer | undefined;
  /** SPI of the inbound SA that came with the sealer's. */
  #sealerTwin = 0;
  #outbound = 0;
  #inbound = 0;
  #inboundSpi = 0;

  /** `deliver` gets each opened L2TP packet, valid during the call only. */
  constructor(
    engine: EspEngine,
    ports: { readonly local: number; readonly remote: number },
    sendRecord: SendRecord,
    deliver: (packet: Packet) => void,
  ) {
    this.#engine = engine;
    this.#sendRecord = sendRecord;
    this.#localPort = ports.local;
    this.#remotePort = ports.remote;
    this.#deliver = deliver;
    this.#home = engine.slots.map((slot) => slot.start);
    this.#inboundSlots = engine.slots.length - OUTBOUND_SLOTS;
    this.#results = new Uint8Array(this.#inboundSlots);
    this.#nextHeaders = new Uint8Array(this.#inboundSlots);
  }

  /** The outbound SA in use, if any. */
  get sealer(): EspSealer | undefined {
    return this.#sealer;
  }

  /** Begins to use a pair of SAs, sending on `channel`; inbound ones from before stay open until `forget`. */
  use(inbound: EspSaParameters, outbound: EspSaParameters, channel: ChannelNumber): void {
    this.flush();
    this.#channel = channel;
    this.#sealer?.close();
    this.#sealer = this.#engine.sealer(outbound);
    this.#sealerTwin = inbound.spi;
    if (this.#openers.size >= MAX_OPENERS) {
      const [oldest] = this.#openers.keys();
      this.forget(oldest!);
    }
    this.#openers.get(inbound.spi)?.close();
    this.#openers.set(inbound.spi, this.#engine.opener(inbound));
  }

  /** Closes the pair whose inbound SA has this SPI; its outbound half only if nothing has replaced it. */
  forget(spi: number): void {
    this.#openers.get(spi)?.close();
    this.#openers.delete(spi);
    if (this.#sealerTwin !== spi) return;
    this.flush();
    this.#sealer?.close();
    this.#sealer = undefined;
  }

  /** Closes every SA and leaves the slots as they were, for another path over the same engine. */
  close(): void {
    for (const [index, slot] of this.#engine.slots.entries()) {
      slot.start = this.#home[index]!;
      slot.end = slot.start;
    }
    for (const opener of this.#openers.values()) opener.close();
    this.#openers.clear();
    this.#sealer?.close();
    this.#sealer = undefined;
    this.#outbound = 0;
    this.#inbound = 0;
  }

  /** An empty packet with headroom for L2TP, UDP and ESP; valid until `send`. */
  take(): Packet {
    if (this.#outbound === OUTBOUND_SLOTS) this.flush();
    const slot = this.#engine.slots[this.#outbound]!;
    slot.start = this.#home[this.#outbound]!;
    slot.end = slot.start;
    return slot;
  }

  /** Queues the L2TP packet that was written into what `take` gave last. */
  send(packet: Packet): void {
    prependUdp(packet, this.#localPort, this.#remotePort);
    this.#outbound++;
  }

  /** Seals what is queued and adds it to the frame. */
  flush(): void {
    const count = this.#outbound;
    if (count === 0) return;
    this.#outbound = 0;
    const sealed = this.#sealer?.seal(0, count, UDP_PROTOCOL) ?? 0;
    for (let i = 0; i < sealed; i++) {
      const { bytes, start, end } = this.#engine.slots[i]!;
      this.#sendRecord(this.#channel, bytes, start, end);
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
    const spi =
      ((bytes[start]! << 24) |
        (bytes[start + 1]! << 16) |
        (bytes[start + 2]! << 8) |
        bytes[start + 3]!) >>>
      0;
    if (this.#inbound > 0 && (spi !== this.#inboundSpi || this.#inbound === this.#inboundSlots))
      this.openPending();
    this.#inboundSpi = spi;
    const index = OUTBOUND_SLOTS + this.#inbound++;
    const slot = this.#engine.slots[index]!;
    slot.start = this.#home[index]!;
    slot.end = slot.start + length;
    slot.bytes.set(bytes.subarray(start, end), slot.start);
  }

  /** Opens what `receive` gathered and delivers it. The answer is whether anything was authentic. */
  openPending(): boolean {
    const count = this.#inbound;
    if (count === 0) return false;
    this.#inbound = 0;
    const opener = this.#openers.get(this.#inboundSpi);
    if (opener === undefined) {
      this.counters.unknownSpi += count;
      return false;
    }
    opener.open(OUTBOUND_SLOTS, count, this.#results, this.#nextHeaders);
    let authentic = false;
    for (let i = 0; i < count; i++) {
      if (this.#results[i] !== OpenResult.ok) {
        this.#countDrop(this.#results[i]!);
        continue;
      }
      authentic = true;
      const packet = this.#engine.slots[OUTBOUND_SLOTS + i]!;
      // A gateway may answer from another port than 1701 (RFC 3193 §4), so any source port will do.
      if (this.#nextHeaders[i] === UDP_PROTOCOL && stripUdp(packet, this.#localPort) !== 0)
        this.#deliver(packet);
      else this.counters.notOurs++;
    }
    return authentic;
  }

  #countDrop(result: number): void {
    if (result === OpenResult.badIcv) this.counters.badIcv++;
    else if (result === OpenResult.replayed) this.counters.replayed++;
    else this.counters.malformed++;
  }
}
