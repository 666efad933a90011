/** The child SAs that stand, by both SPIs, until they are deleted or expire. */

import type { Millis, Random } from '../wire/bytes.ts';
import { earliest } from '../wire/machine.ts';
import type { ChildEstablished } from './io.ts';
import { type Expiry, expiry } from './lifetime.ts';

/** Most pairs at a time; one more drops the oldest. */
export const MAX_CHILDREN = 8;

/**
 * A pair is replaced when its sequence number has come this far, whatever its lifetime says: it must not wrap.
 * @rfc 4303 §3.3.3
 */
const SOFT_PACKETS = 0xc000_0000;

interface Child {
  readonly inboundSpi: number;
  readonly outboundSpi: number;
  readonly expiry: Expiry;
  /** What it has carried, as far as was told. */
  octets: number;
  /** Whether it was found to have carried enough. */
  isWorn: boolean;
}

export class Children {
  readonly #random: Random;
  #children: readonly Child[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** When the next one expires. */
  get deadline(): Millis | undefined {
    return earliest(...this.#children.map(({ expiry }) => expiry.hardAt));
  }

  /** Inbound SPIs, oldest first. */
  get inboundSpis(): readonly number[] {
    return this.#children.map(({ inboundSpi }) => inboundSpi);
  }

  /** When the newest is to be replaced. */
  get replaceAt(): Millis | undefined {
    return this.#children.at(-1)?.expiry.softAt;
  }

  /** Answers the inbound SPIs of those that had to make room. */
  add(
    { inbound, outbound, lifetime, initiatedBy }: ChildEstablished,
    now: Millis,
  ): readonly number[] {
    const entry: Child = {
      inboundSpi: inbound.spi,
      outboundSpi: outbound.spi,
      expiry: expiry(lifetime, initiatedBy, this.#random, now),
      octets: 0,
      isWorn: false,
    };
    const all = [...this.#children, entry];
    this.#children = all.slice(-MAX_CHILDREN);
    return all.slice(0, -MAX_CHILDREN).map(({ inboundSpi }) => inboundSpi);
  }

  /** Notes what the pair has carried. Answers, once, that it is the newest and to be replaced for it. */
  used(spi: number, octets: number, packets: number): boolean {
    const child = this.#children.find(({ inboundSpi }) => inboundSpi === spi);
    if (child === undefined) return false;
    child.octets = octets;
    if (child !== this.#children.at(-1) || child.isWorn) return false;
    child.isWorn = octets >= child.expiry.softOctets || packets >= SOFT_PACKETS;
    return child.isWorn;
  }

  /** Forgets the pair that has `spi` in either direction. Answers its inbound SPI. */
  remove(spi: number): number | undefined {
    const found = this.#children.find(
      (each) => each.inboundSpi === spi || each.outboundSpi === spi,
    );
    this.#children = this.#children.filter((each) => each !== found);
    return found?.inboundSpi;
  }

  /** Forgets those whose lifetime is over, by time or volume. Answers their inbound SPIs. */
  expire(now: Millis): readonly number[] {
    const isOver = ({ expiry: { hardAt, hardOctets }, octets }: Child): boolean =>
      hardAt <= now || octets >= hardOctets;
    const over = this.#children.filter(isOver);
    this.#children = this.#children.filter((child) => !isOver(child));
    return over.map(({ inboundSpi }) => inboundSpi);
  }
}
