/** Dead peer detection: asking a silent peer whether it lives. RFC 3706 §5 and §6. */
import type { Millis, Random } from '../wire/bytes.ts';
import type { IkeTimers } from './config.ts';

interface Probe {
  readonly sequence: number;
  readonly tries: number;
  readonly at: Millis;
}

export class DeadPeerDetection {
  readonly #timers: IkeTimers;
  #heardAt: Millis;
  #sequence: number;
  #probe: Probe | undefined;
  #peerSequence = -1;

  constructor(timers: IkeTimers, random: Random, now: Millis) {
    this.#timers = timers;
    this.#heardAt = now;
    const [a, b, c] = random.bytes(3);
    // Small enough never to wrap. @rfc 3706 §6.2
    this.#sequence = (a! << 16) | (b! << 8) | c!;
  }

  get deadline(): Millis {
    const { dpdIdle, dpdRetry } = this.#timers;
    return this.#probe === undefined ? this.#heardAt + dpdIdle : this.#probe.at + dpdRetry;
  }

  /** Something authentic arrived. */
  heard(now: Millis): void {
    this.#heardAt = now;
    this.#probe = undefined;
  }

  /** The sequence number to ask with, `dead` after the last try, `undefined` while nothing is due. */
  timeout(now: Millis): number | 'dead' | undefined {
    if (now < this.deadline) return undefined;
    if (this.#probe === undefined) return this.probe(now);
    const { sequence, tries } = this.#probe;
    if (tries >= this.#timers.dpdTries) return 'dead';
    this.#probe = { sequence, tries: tries + 1, at: now };
    return sequence;
  }

  /** Asks now, unless a question is open. Answers the sequence number to ask with. */
  probe(now: Millis): number | undefined {
    if (this.#probe !== undefined) return undefined;
    this.#sequence++;
    this.#probe = { sequence: this.#sequence, tries: 1, at: now };
    return this.#sequence;
  }

  /** Whether an acknowledgement answers the open question. @rfc 3706 §6.1 */
  acknowledges(sequence: number): boolean {
    return this.#probe?.sequence === sequence;
  }

  /** Whether the peer's question is new, which makes it a sign of life; an old one is answered all the same. */
  asks(sequence: number): boolean {
    if (sequence <= this.#peerSequence) return false;
    this.#peerSequence = sequence;
    return true;
  }
}
