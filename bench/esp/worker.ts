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
  /** Whether to go by the wall clock: then without builds that would not be chosen. */
  readonly byTheWall: boolean;
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

const wall = (): number => performance.now();

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

async function contest({ rounds, byTheWall, builds }: EspWorkerOptions): Promise<Row[]> {
  const engines = Object.fromEntries(
    await Promise.all(
      builds.slice(0, byTheWall ? 1 : undefined).map(async ([name, url]) => {
        const suite = await loadWasmSuite(await fetch(url), random);
        return [name, suite.esp] as const;
      }),
    ),
  );
  const say = (line: string) => post({ kind: 'line', line });
  const measure = byTheWall
    ? ({ where: 'Chromium, by the wall', clock: wall, unit: 'thousand packets/second' } as const)
    : ({ where: 'Chromium', clock, unit: 'thousand packets/CPU second' } as const);
  return espRows({ ...measure, engines, rounds }, say);
}
