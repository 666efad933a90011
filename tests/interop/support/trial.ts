/** One attempt to get through a gateway, as a test and as a row of the table at the end. */
import type { TestContext } from 'vitest';
import { type Cell, recordCell } from '../../../scripts/support/matrix.ts';
import type { DialResult } from './dial.ts';

export interface Trial {
  readonly gateway: string;
  readonly transport: string;
  /** What the gateway was told to want; a session that stands tells for itself. */
  readonly cipher?: string;
  readonly signIn?: string;
}

const UNKNOWN = '-';

/** Makes the attempt and judges it: `check` throws when it did not go as it should. */
export async function tryOut(
  trial: Trial,
  attempt: () => Promise<DialResult>,
  check: (result: DialResult) => void,
): Promise<void> {
  const started = performance.now();
  let result: DialResult | undefined;
  let outcome: Cell['outcome'] = 'failed';
  try {
    result = await attempt();
    check(result);
    outcome = result.status === 0 ? 'passed' : 'refused as expected';
  } finally {
    const code = /^([A-Z0-9_]+): /m.exec(result?.stderr ?? '')?.[1];
    recordCell({
      ...describe(trial, result),
      outcome,
      ...(code !== undefined && { note: code }),
      seconds: (performance.now() - started) / 1000,
    });
  }
}

/** Skips the test and says so in the table. */
export function skipTrial(context: TestContext, trial: Trial, reason: string): never {
  recordCell({ ...describe(trial, undefined), outcome: 'skipped', note: reason, seconds: 0 });
  return context.skip(reason);
}

function describe({ gateway, transport, cipher, signIn }: Trial, result: DialResult | undefined) {
  const [, agreedCipher, agreedSignIn] =
    /; ESP (.+?) over .+?; (.+?); MTU/.exec(result?.stderr ?? '') ?? [];
  return {
    gateway,
    transport,
    cipher: agreedCipher ?? cipher ?? UNKNOWN,
    signIn: agreedSignIn ?? signIn ?? UNKNOWN,
  };
}
