/** The anti-replay window of one inbound SA. */
import { MAX_EXTENDED_SEQUENCE } from './format.ts';

/** How far behind the newest packet another may arrive, in packets. RFC 4303 asks for 32 and prefers 64. */
export const REPLAY_WINDOW = 1024;

/**
 * Which of the last `REPLAY_WINDOW` sequence numbers were seen: one bit each, at the number modulo the width.
 * The caller asks `admits` and calls `record` once the packet is authentic, so noise never moves the window.
 * @rfc 4303 §3.4.3
 */
export class ReplayWindow {
  readonly #seen: Uint32Array = new Uint32Array(REPLAY_WINDOW / 32);
  #newest = 0;

  /**
   * The whole of an extended number of which a packet carries the lower 32 bits: the one within the window, else the next above
   * it; below 0 for what would be older than the first.
   *
   * Deviation: RFC 4303 appendix A3 finds the upper half again once 2^32 packets in a row were lost. L2TP gives up long before.
   * @rfc 4303 appendix A2.2
   */
  extend(lower: number): number {
    const bottom = this.#newest - REPLAY_WINDOW + 1;
    const sequence = Math.floor(bottom / 2 ** 32) * 2 ** 32 + lower;
    return sequence >= bottom ? sequence : sequence + 2 ** 32;
  }

  /** Whether `sequence` is neither a repetition, nor too old, nor one that no sender uses. */
  admits(sequence: number): boolean {
    if (sequence < 1 || sequence > MAX_EXTENDED_SEQUENCE) return false;
    if (sequence > this.#newest) return true;
    if (sequence + REPLAY_WINDOW <= this.#newest) return false;
    return !this.#bit(sequence);
  }

  /** Remembers an authentic packet's number, which `admits` has let through. */
  record(sequence: number): void {
    if (sequence > this.#newest) {
      const skipped = Math.min(sequence - this.#newest, REPLAY_WINDOW);
      for (let i = 0; i < skipped; i++) this.#set(sequence - i, false);
      this.#newest = sequence;
    }
    this.#set(sequence, true);
  }

  #bit(sequence: number): boolean {
    const at = sequence % REPLAY_WINDOW;
    return ((this.#seen[at >>> 5]! >>> (at & 31)) & 1) === 1;
  }

  #set(sequence: number, value: boolean): void {
    const at = sequence % REPLAY_WINDOW;
    const mask = 1 << (at & 31);
    if (value) this.#seen[at >>> 5]! |= mask;
    else this.#seen[at >>> 5]! &= ~mask;
  }
}
