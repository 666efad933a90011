/** The child SAs that stand, by both SPIs, until they are deleted or expire. */

import type { Millis } from '../wire/bytes.ts';
import { earliest } from '../wire/machine.ts';
import type { ChildEstablished } from './io.ts';

/** Most pairs at a time; one more drops the oldest. */
export const MAX_CHILDREN = 8;

interface Child {
  readonly inboundSpi: number;
  readonly outboundSpi: number;
  readonly expiresAt: Millis;
}

export class Children {
  #children: readonly Child[] = [];

  get deadline(): Millis | undefined {
    return earliest(...this.#children.map(({ expiresAt }) => expiresAt));
  }

  /** Inbound SPIs, oldest first. */
  get inboundSpis(): readonly number[] {
    return this.#children.map(({ inboundSpi }) => inboundSpi);
  }

  /** Answers the inbound SPIs of those that had to make room. */
  add(child: ChildEstablished, now: Millis): readonly number[] {
    const entry = {
      inboundSpi: child.inbound.spi,
      outboundSpi: child.outbound.spi,
      expiresAt: now + child.lifetimeSeconds * 1000,
    };
    const all = [...this.#children, entry];
    this.#children = all.slice(-MAX_CHILDREN);
    return all.slice(0, -MAX_CHILDREN).map(({ inboundSpi }) => inboundSpi);
  }

  /** Forgets the pair that has `spi` in either direction. Answers its inbound SPI. */
  remove(spi: number): number | undefined {
    const found = this.#children.find(
      (each) => each.inboundSpi === spi || each.outboundSpi === spi,
    );
    this.#children = this.#children.filter((each) => each !== found);
    return found?.inboundSpi;
  }

  /** Forgets those whose time is over. Answers their inbound SPIs. */
  expire(now: Millis): readonly number[] {
    const over = this.#children.filter(({ expiresAt }) => expiresAt <= now);
    this.#children = this.#children.filter(({ expiresAt }) => expiresAt > now);
    return over.map(({ inboundSpi }) => inboundSpi);
  }
}
