/**
 * Fuzzers: each replays its corpus, then lets fast-check make inputs until its time is over. An input is plain data
 * (numbers, texts, booleans, byte arrays, and arrays and objects of those), so that it can be kept in a file.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { test } from 'vitest';
import { BUDGET_MILLIS } from './budget.ts';

/** The same inputs every time, unless `CULVERT_FUZZ_SEED` is another number or `random`. */
const SEED: number = seedFrom(process.env.CULVERT_FUZZ_SEED);

const SAVE: boolean = process.env.CULVERT_FUZZ_SAVE === '1';

/** After this long the test runner gets a turn: it takes a worker that is silent for a minute for dead. */
const SLICE_MILLIS = 2_000;

/** Inputs of one slice at most; more than any slice has time for. */
const RUNS = 1_000_000;

interface FuzzOptions<Input> {
  /** Of its file in the corpus. */
  readonly name: string;
  readonly input: fc.Arbitrary<Input>;
  /** Throws when the input shows a defect. */
  readonly check: (input: Input) => void | Promise<void>;
}

/** Declares one way to attack a machine: its corpus again, then a search for the whole budget. */
export function fuzz<Input>({ name, input, check }: FuzzOptions<Input>): void {
  const file = corpusFile(name);
  const corpus = load<Input>(file);

  test(`${name}: corpus of ${corpus.length}`, async () => {
    for (const [index, each] of corpus.entries()) {
      try {
        await check(each);
      } catch (error) {
        throw new Error(`input ${index} of ${file}`, { cause: error });
      }
    }
  });

  test(`${name}: search`, async () => {
    const end = performance.now() + BUDGET_MILLIS;
    let inputs = 0;
    for (let slice = 0; performance.now() < end; slice++) {
      const result = await fc.check(
        fc.asyncProperty(input, async (each) => check(each)),
        {
          seed: (SEED + slice) | 0,
          numRuns: RUNS,
          interruptAfterTimeLimit: Math.min(SLICE_MILLIS, Math.max(1, end - performance.now())),
          markInterruptAsFailure: false,
        },
      );
      inputs += result.numRuns;
      if (result.failed && result.counterexample !== null) {
        const [found] = result.counterexample;
        if (SAVE) save(file, [...corpus, found]);
        const shown = stringify(found).slice(0, 4_000);
        throw new Error(`seed ${result.seed}, after ${result.numRuns} inputs: ${shown}`, {
          cause: result.errorInstance,
        });
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    console.log(`fuzz ${name}: ${BUDGET_MILLIS / 1000} s, seed ${SEED}, ${inputs} inputs`);
    if (inputs === 0) throw new Error('not one input in time');
  });
}

/** Inputs as text, byte arrays as `{"hex": …}`. */
function stringify(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    each instanceof Uint8Array ? { hex: Buffer.from(each).toString('hex') } : each,
  );
}

function load<Input>(file: string): readonly Input[] {
  if (!existsSync(file)) return [];
  return JSON.parse(readFileSync(file, 'utf8'), (_key, each: unknown) =>
    isHex(each) ? new Uint8Array(Buffer.from(each.hex, 'hex')) : each,
  ) as Input[];
}

function isHex(value: unknown): value is { readonly hex: string } {
  return typeof value === 'object' && value !== null && 'hex' in value;
}

function save(file: string, inputs: readonly unknown[]): void {
  writeFileSync(file, `[\n${inputs.map((each) => `  ${stringify(each)}`).join(',\n')}\n]\n`);
}

function corpusFile(name: string): string {
  const path = `../corpus/${name.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase()}.json`;
  return fileURLToPath(new URL(path, import.meta.url));
}

function seedFrom(text: string | undefined): number {
  if (text === 'random') return Math.floor(Math.random() * 2 ** 31);
  const seed = Number(text ?? 1);
  if (!Number.isInteger(seed)) throw new RangeError('CULVERT_FUZZ_SEED: not an integer');
  return seed;
}
