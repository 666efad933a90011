/**
 * `npm run check`: types, lint, boundaries, dead code and unit tests, several at a time. Shows how long each
 * took and the output of those that failed.
 */
import { cpus } from 'node:os';
import { type CommandResult, runCommand } from './support/command.ts';
import { ROOT } from './support/vitest.ts';

interface Check {
  readonly name: string;
  /** A script of package.json, and what it is given. */
  readonly script: string;
  readonly args?: readonly string[];
}

/** The longest first, so that none is left to run alone at the end. */
const CHECKS: readonly Check[] = [
  { name: 'unit tests', script: 'unit', args: ['--reporter=dot'] },
  { name: 'types', script: 'types' },
  { name: 'boundaries', script: 'boundaries' },
  { name: 'dead code', script: 'dead' },
  { name: 'lint', script: 'lint' },
];
const LANES = Math.max(2, Math.min(4, cpus().length));

const started = performance.now();
// The unit tests read the compiled module.
const isBuilt = await check({ name: 'WebAssembly', script: 'build:wasm' });
const waiting = [...CHECKS];
const outcomes = await Promise.all(Array.from({ length: LANES }, lane));
const seconds = ((performance.now() - started) / 1000).toFixed(1);
const isGood = isBuilt && outcomes.every(Boolean);
console.log(`${isGood ? 'all good' : 'FAILED'} after ${seconds} s`);
process.exitCode = isGood ? 0 : 1;

/** Takes one check after the other; whether all of them were good. */
async function lane(): Promise<boolean> {
  let isGood = true;
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    if (!(await check(next))) isGood = false;
  }
  return isGood;
}

async function check({ name, script, args = [] }: Check): Promise<boolean> {
  const result = await runCommand('npm', ['run', '-s', script, '--', ...args], {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
  });
  report(name, result);
  return result.status === 0;
}

function report(name: string, { status, output, seconds }: CommandResult): void {
  const time = `${seconds.toFixed(1)} s`.padStart(7);
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${time}  ${name}`);
  if (status !== 0) console.log(indent(output));
}

function indent(text: string): string {
  return text.trimEnd().replaceAll(/^/gm, '       ');
}
