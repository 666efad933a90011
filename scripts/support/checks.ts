/** The quick checks: what each is, and running them several at a time. */
import { cpus } from 'node:os';
import { type CommandResult, runCommand } from './command.ts';
import { failure, PASSED, sum, type Tally } from './tally.ts';
import { ROOT } from './vitest.ts';

export interface Check {
  readonly name: string;
  /** A script of package.json, and what it is given. */
  readonly script: string;
  readonly args?: readonly string[];
}

/** Without simulations and whole programs, which take longer: `npm test` runs those. */
export const UNIT_TESTS: Check = {
  name: 'unit tests',
  script: 'unit',
  args: ['--reporter=dot', 'tests/unit/', 'tests/vectors/', 'tests/property/'],
};

/** The longest first, so that none is left to run alone at the end. */
export const STATIC_CHECKS: readonly Check[] = [
  { name: 'types', script: 'types' },
  { name: 'boundaries', script: 'boundaries' },
  { name: 'dead code', script: 'dead' },
  { name: 'lint', script: 'lint' },
];

const LANES = Math.max(2, Math.min(4, cpus().length));

/** Says how long each took and shows the output of those that failed; counts each as a test. */
export async function runChecks(checks: readonly Check[]): Promise<Tally> {
  const waiting = [...checks];
  const results: Tally[] = [];
  const lane = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      results.push(await runCheck(next));
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return sum(results);
}

async function runCheck({ name, script, args = [] }: Check): Promise<Tally> {
  const result = await runCommand('npm', ['run', '-s', script, '--', ...args], {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
  });
  report(name, result);
  return result.status === 0 ? PASSED : failure(name);
}

function report(name: string, { status, output, seconds }: CommandResult): void {
  const time = `${seconds.toFixed(1)} s`.padStart(7);
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${time}  ${name}`);
  if (status !== 0) console.log(output.trimEnd().replaceAll(/^/gm, '       '));
}
