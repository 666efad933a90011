/**
 * The ESP contest in a browser's worker: is told the rounds, answers with lines of progress and then the rows. A page
 * has no clock of its processor time, so it asks for that, and the answer is a number.
 */
import { loadWasmSuite } from '../../wasm/index.ts';
import type { Row } from '../harness/results.ts';
import { espRows } from './contest.ts';
import { random } from './suites.ts';

export interface EspWorkerOptions {
  readonly rounds: number;
  /** Names and addresses of the module's builds, best first. */
  readonly builds: readonly (readonly [name: string, url: string])[];
}

/** What the worker says: a line, a question for the time, the rows, or why there are none. */
export type EspWorkerMessage =
  | { readonly kind: 'clock' }
  | { readonly kind: 'line'; readonly line: string }
  | { readonly kind: 'rows'; readonly rows: readonly Row[] }
  | { readonly kind: 'error'; readonly error: string };

const post = (message: EspWorkerMessage): void => self.postMessage(message);

/** The question for the time that is waiting for its answer. */
let told: ((millis: number) => void) | undefined;

function clock(): Promise<number> {
  post({ kind: 'clock' });
  return new Promise((resolve) => {
    told = resolve;
  });
}

self.addEventListener('message', ({ data }: MessageEvent<EspWorkerOptions | number>) => {
  if (typeof data === 'number') return told?.(data);
  contest(data).then(
    (rows) => post({ kind: 'rows', rows }),
    (error: unknown) => post({ kind: 'error', error: String(error) }),
  );
});

async function contest({ rounds, builds }: EspWorkerOptions): Promise<Row[]> {
  const engines = Object.fromEntries(
    await Promise.all(
      builds.map(async ([name, url]) => {
        const suite = await loadWasmSuite(await fetch(url), random);
        return [name, suite.esp] as const;
      }),
    ),
  );
  const say = (line: string) => post({ kind: 'line', line });
  return espRows({ where: 'Chromium', clock, engines, rounds }, say);
}
