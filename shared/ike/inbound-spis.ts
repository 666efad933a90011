/**
 * Where the SPIs of inbound SAs come from. Raw ESP reaches whoever shares an address with others by its SPI alone, so each
 * has to be claimed from those others before Quick Mode names it. One is kept in reserve, so that neither a rekey
 * of ours nor an answer to the peer's waits for a claim. Without claims any random number will do.
 * @rfc 4301 §4.1
 */
import type { Bytes, Millis } from '../wire/bytes.ts';
import type { IkeContext } from './context.ts';
import { randomSpi, spiNumber } from './quick-mode.ts';

/** Claims in a row that may meet one of somebody else's: among random numbers even the second is a rarity. */
const MAX_COLLISIONS = 8;

type State =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'claiming';
      readonly spi: Bytes;
      readonly collisions: number;
      readonly giveUpAt: Millis;
    }
  | { readonly kind: 'reserve'; readonly spi: Bytes };

export class InboundSpis {
  readonly #context: IkeContext;
  readonly #claims: boolean;
  /** Claimed and not released, those in use among them. */
  readonly #held = new Set<number>();
  #state: State = { kind: 'none' };

  /** `claims`: whether SPIs have to be claimed. */
  constructor(context: IkeContext, claims: boolean) {
    this.#context = context;
    this.#claims = claims;
  }

  get deadline(): Millis | undefined {
    return this.#state.kind === 'claiming' ? this.#state.giveUpAt : undefined;
  }

  /** An SPI that is ours, 4 bytes; `undefined` while its claim is under way. */
  take(now: Millis): Bytes | undefined {
    if (!this.#claims) return randomSpi(this.#context.config.random);
    const state = this.#state;
    if (state.kind !== 'claiming') this.#claim(0, now);
    return state.kind === 'reserve' ? state.spi : undefined;
  }

  /** A claim was granted; answers whether it was one under way. */
  claimed(spi: number): boolean {
    const state = this.#underWay(spi);
    if (state === undefined) return false;
    this.#held.add(spi);
    this.#state = { kind: 'reserve', spi: state.spi };
    return true;
  }

  /** A claim was refused; answers whether that is the end of claiming, until the next `take`. */
  refused(spi: number, again: boolean, now: Millis): boolean {
    const state = this.#underWay(spi);
    if (state === undefined) return false;
    this.#state = { kind: 'none' };
    const collisions = state.collisions + 1;
    if (!again || collisions >= MAX_COLLISIONS) return true;
    this.#claim(collisions, now);
    return false;
  }

  /** Answers whether a claim has waited for too long, which is the end of claiming, until the next `take`. */
  timeout(now: Millis): boolean {
    const state = this.#state;
    if (state.kind !== 'claiming' || now < state.giveUpAt) return false;
    this.#context.trace('claim-unanswered');
    this.#state = { kind: 'none' };
    // The answer may come still.
    this.#context.emit({ kind: 'release-spi', spi: spiNumber(state.spi) });
    return true;
  }

  /** Gives a claimed SPI back. */
  release(spi: number): void {
    if (this.#held.delete(spi)) this.#context.emit({ kind: 'release-spi', spi });
  }

  releaseAll(): void {
    for (const spi of this.#held) this.release(spi);
    if (this.#state.kind === 'claiming') {
      this.#context.emit({ kind: 'release-spi', spi: spiNumber(this.#state.spi) });
    }
    this.#state = { kind: 'none' };
  }

  #claim(collisions: number, now: Millis): void {
    const { random, timers } = this.#context.config;
    const spi = randomSpi(random);
    this.#state = { kind: 'claiming', spi, collisions, giveUpAt: now + timers.claim };
    this.#context.emit({ kind: 'claim-spi', spi: spiNumber(spi) });
  }

  #underWay(spi: number): Extract<State, { kind: 'claiming' }> | undefined {
    const state = this.#state;
    return state.kind === 'claiming' && spiNumber(state.spi) === spi ? state : undefined;
  }
}
