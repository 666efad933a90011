import { DecodeError } from '../../../shared/wire/errors.ts';

/** Throws unless the condition holds: what a fuzzer calls a defect. */
export function insist(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

/** Runs what may refuse its input in the one way that is allowed. */
export function refusing(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
  }
}
