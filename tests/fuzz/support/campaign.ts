/**
 * Fuzzers: each replays its corpus, then lets fast-check make inputs until the time is over. An input is plain data
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

interface CampaignOptions<Input> {
  /** Of its file in the corpus. */
  readonly name: string;
  readonly input: fc.Arbitrary<Input>;
  /** Throws when the input shows a defect. */
  readonly check: (input: Input) => void | Promise<void>;
}

/** One way to attack a machine. */
export interface Campaign {
  readonly name: string;
  /** Inputs that failed, or were of interest, before. */
  readonly corpusLength: number;
  /** Throws at the first of them that fails again. */
  replay(): Promise<void>;
  /** Tries new inputs for at most `millis`, and answers how many. Throws at the first that fails. */
  search(seed: number, millis: number): Promise<number>;
}

export function campaign<Input>(options: CampaignOptions<Input>): Campaign {
  const { name, input, check } = options;
  const file = corpusFile(name);
  const corpus = load<Input>(file);
  return {
    name,
    corpusLength: corpus.length,
    async replay() {
      for (const [index, each] of corpus.entries()) {
        try {
          await check(each);
        } catch (error) {
          throw new Error(`input ${index} of ${file}`, { cause: error });
        }
      }
    },
    async search(seed, millis) {
      const result = await fc.check(
        fc.asyncProperty(input, async (each) => check(each)),
        {
          seed,
          numRuns: RUNS,
          interruptAfterTimeLimit: millis,
          markInterruptAsFailure: false,
        },
      );
      if (result.failed && result.counterexample !== null) {
        const [found] = result.counterexample;
        if (SAVE) save(file, [...corpus, found]);
        const shown = stringify(found).slice(0, 4_000);
        throw new Error(`seed ${result.seed}, after ${result.numRuns} inputs: ${shown}`, {
          cause: result.errorInstance,
        });
      }
      return result.numRuns;
    },
  };
}

/** Declares the fuzzer of one machine: its campaigns' corpora, then a search in which they take turns for the whole budget. */
export function fuzz(machine: string, campaigns: readonly Campaign[]): void {
  for (const { name, corpusLength, replay } of campaigns) {
    test(`${name}: corpus of ${corpusLength}`, replay);
  }

  test(`${machine}: search`, async () => {
    const end = performance.now() + BUDGET_MILLIS;
    const turnMillis = Math.min(SLICE_MILLIS, BUDGET_MILLIS / campaigns.length);
    const runs = campaigns.map(() => 0);
    for (let slice = 0; performance.now() < end; slice++) {
      const turn = slice % campaigns.length;
      const millis = Math.min(turnMillis, Math.max(1, end - performance.now()));
      runs[turn]! += await campaigns[turn]!.search((SEED + slice) | 0, millis);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const inputs = campaigns.map(({ name }, i) => `${runs[i]} of “${name}”`).join(', ');
    console.log(`fuzz ${machine}: ${BUDGET_MILLIS / 1000} s, seed ${SEED}, inputs: ${inputs}`);
    if (runs.includes(0)) throw new Error('not one input in time');
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
