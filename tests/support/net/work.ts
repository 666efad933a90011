/** What one end of a connection does and how it went, whoever's TCP is at work. */
import type { Millis } from '../../../shared/wire/bytes.ts';
import type { Port } from './wire.ts';

/** What is written comes from `patternAt`; what arrives is read until the other end's FIN. */
export interface Work {
  /** Bytes to write before the FIN; where missing, as many as go in `seconds`; without both, none. */
  readonly bytes?: number;
  readonly seconds?: number;
  /** Reading begins so much later. */
  readonly readAfter?: Millis;
  /** Writes back what it reads, and its FIN after the other end's. */
  readonly echo?: boolean;
  /** Ends with RST when it has read something. */
  readonly reset?: boolean;
}

/** One end of a connection that is over. */
export interface Outcome {
  readonly received: number;
  /** SHA-256 of what was received, in hex; not for timed work, where it would be most of the work. */
  readonly hash?: string;
  /** Bytes that were written; not all of them need have arrived. */
  readonly sent: number;
  /** Bytes received by the end of each `SAMPLE` since the connection stood. */
  readonly progress: readonly number[];
  /** `ECONNREFUSED`, `ECONNRESET` or `ETIMEDOUT`. */
  readonly error?: string;
}

export const SAMPLE: Millis = 100;

/** A host that does work over TCP, at one of its addresses. */
export interface TcpHost {
  readonly address: string;
  readonly port: Port;
  /** Opens a connection; resolves when it is over. */
  connect(address: string, port: number, work: Work): Promise<Outcome>;
  /** Listens; resolves when it does. `over` is called for each connection when it is over. */
  listen(port: number, work: Work, over: (outcome: Outcome) => void): Promise<void>;
  /** Leaves the network, without a word. */
  close(): void;
}

/** One connection, and how it went at both ends: the opener's first. `address`: where the acceptor is called. */
export async function exchange(
  opener: TcpHost,
  acceptor: TcpHost,
  port: number,
  opens: Work,
  accepts: Work,
  address: string = acceptor.address,
): Promise<[Outcome, Outcome]> {
  let over: (outcome: Outcome) => void = () => undefined;
  const accepted = new Promise<Outcome>((resolve) => {
    over = resolve;
  });
  await acceptor.listen(port, accepts, over);
  return Promise.all([opener.connect(address, port, opens), accepted]);
}

/** Counts what arrives, against time. */
export class Meter {
  readonly #startedAt: Millis;
  readonly progress: number[] = [];
  received = 0;

  constructor(now: Millis) {
    this.#startedAt = now;
  }

  add(length: number, now: Millis): void {
    this.#sample(now);
    this.received += length;
  }

  finish(now: Millis): void {
    this.#sample(now);
    this.progress.push(this.received);
  }

  #sample(now: Millis): void {
    while (this.#startedAt + (this.progress.length + 1) * SAMPLE <= now) {
      this.progress.push(this.received);
    }
  }
}
