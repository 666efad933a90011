import type { Millis } from './bytes.ts';

/** A protocol without I/O: bytes, time-outs and commands go in, what is to be done comes out. */
export interface Machine<Input, Output> {
  /** The one mutator. The answer is the drained output; a peer's bytes never make it throw. */
  handle(input: Input, now: Millis): readonly Output[];
  /** When `handle({ kind: 'timeout' })` is due next; `undefined` while nothing is awaited. Computed, never stored. */
  readonly deadline: Millis | undefined;
}

/** A fact for whoever debugs, never a secret; counted by `event`. */
export interface Trace {
  readonly kind: 'trace';
  readonly layer: string;
  readonly event: string;
  readonly detail?: string;
}

/** The earlier of two deadlines. */
export function earliest(...deadlines: readonly (Millis | undefined)[]): Millis | undefined {
  let first: Millis | undefined;
  for (const deadline of deadlines) {
    if (deadline !== undefined && (first === undefined || deadline < first)) first = deadline;
  }
  return first;
}

/** Whether a machine, if there is one, wants its time-out at `now`. */
export function isDue(
  machine: { readonly deadline: Millis | undefined } | undefined,
  now: Millis,
): boolean {
  return machine?.deadline !== undefined && machine.deadline <= now;
}
