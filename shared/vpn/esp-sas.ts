/**
 * The pairs of ESP SAs of one tunnel: every inbound one stays open until it is forgotten, and one outbound one is used. A new pair
 * is used once the peer can know it: what is sealed before that is lost.
 */
import type { EspEngine, EspInbound, EspSaParameters, EspSealer } from '../esp/engine.ts';
import type { TapPoint } from '../ike/tap.ts';
import type { ChannelNumber } from '../relay/channels.ts';
import type { Millis } from '../wire/bytes.ts';
import type { Tap } from './tap.ts';

/** Pairs kept at once: the current one, those a rekey leaves behind, and some a peer opens too many. */
export const MAX_PAIRS = 8;

/**
 * How long a new pair of ours waits for a sign that the peer has it: long enough for its last message to be lost and asked
 * for again, short enough for the old pair to last until then.
 */
export const CONFIRM_MILLIS = 10_000;

interface Pair {
  readonly inbound: EspInbound;
  /** None while the peer has still to agree. */
  outbound: { readonly sealer: EspSealer; readonly channel: ChannelNumber } | undefined;
}

/** What a pair has carried, in its busier direction. */
export interface Usage {
  /** Of the inbound SA. */
  readonly spi: number;
  readonly octets: number;
  readonly packets: number;
}

export class EspSas {
  readonly #engine: EspEngine;
  readonly #taps: TapPoint<Tap>;
  /** By inbound SPI, oldest first. */
  readonly #pairs = new Map<number, Pair>();
  #used: Pair | undefined;
  /** What is to be used next, at the latest `at`. */
  #next: { readonly pair: Pair; readonly at: Millis } | undefined;

  constructor(engine: EspEngine, taps: TapPoint<Tap>) {
    this.#engine = engine;
    this.#taps = taps;
  }

  get outbound(): Pair['outbound'] {
    return this.#used?.outbound;
  }

  get deadline(): Millis | undefined {
    return this.#next?.at;
  }

  get usage(): Usage | undefined {
    const pair = this.#used;
    if (pair?.outbound === undefined) return undefined;
    const { inbound } = pair;
    const { sealer } = pair.outbound;
    const octets = Math.max(inbound.octets, sealer.octets);
    return { spi: inbound.spi, octets, packets: sealer.sequence };
  }

  /** Opens packets of an inbound SA from now on. */
  open(parameters: EspSaParameters): void {
    if (this.#pairs.has(parameters.spi)) return;
    if (this.#pairs.size >= MAX_PAIRS) {
      const spare = [...this.#pairs].find(([, pair]) => pair !== this.#used);
      if (spare !== undefined) this.forget(spare[0]);
    }
    this.#pairs.set(parameters.spi, {
      inbound: this.#engine.inbound(parameters),
      outbound: undefined,
    });
    this.#taps.tap?.espSa('in', parameters);
  }

  /** A pair stands. `isKnown`: whether the peer knows it already. */
  add(
    inbound: EspSaParameters,
    outbound: EspSaParameters,
    channel: ChannelNumber,
    isKnown: boolean,
    now: Millis,
  ): void {
    this.open(inbound);
    const pair = this.#pairs.get(inbound.spi)!;
    pair.outbound?.sealer.close();
    pair.outbound = { sealer: this.#engine.sealer(outbound), channel };
    this.#taps.tap?.espSa('out', outbound);
    this.#next = { pair, at: now + CONFIRM_MILLIS };
    if (isKnown || this.#used === undefined) this.#useNext();
  }

  /** The peer says that it has the pair with this inbound SPI. */
  confirm(spi: number): void {
    if (this.#next !== undefined && this.#pairs.get(spi) === this.#next.pair) this.#useNext();
  }

  /** After packets were opened: whoever sends by a pair knows it. */
  opened(): void {
    if (this.#next !== undefined && this.#next.pair.inbound.octets > 0) this.#useNext();
  }

  timeout(now: Millis): void {
    if (this.#next !== undefined && this.#next.at <= now) this.#useNext();
  }

  /** Closes the pair with this inbound SPI. If it was the used one, the newest that is left takes its place. */
  forget(spi: number): void {
    const pair = this.#pairs.get(spi);
    if (pair === undefined) return;
    this.#pairs.delete(spi);
    close(pair);
    if (this.#next?.pair === pair) this.#next = undefined;
    if (this.#used !== pair) return;
    this.#used = [...this.#pairs.values()].findLast(({ outbound }) => outbound !== undefined);
    if (this.#next?.pair === this.#used) this.#next = undefined;
  }

  close(): void {
    for (const pair of this.#pairs.values()) close(pair);
    this.#pairs.clear();
    this.#used = undefined;
    this.#next = undefined;
  }

  #useNext(): void {
    this.#used = this.#next?.pair;
    this.#next = undefined;
  }
}

function close({ inbound, outbound }: Pair): void {
  inbound.close();
  outbound?.sealer.close();
}
