/**
 * `npm test`: every suite of tests, or those named (`static`, `unit`, `fuzz`, `interop`, `long`, `e2e`), with what they
 * need. Its last line is `N passed, N failed, N skipped`. A suite that this machine cannot run counts as one
 * skipped test, and says why; where `CI` is set it counts as failed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { browserEnvironment, startEndToEnd } from '../tests/e2e/setup.ts';
import { runId, sweep } from '../tests/interop/support/namespace.ts';
import type { Personality } from '../tests/interop/support/softether.ts';
import { runChecks, STATIC_CHECKS } from './support/checks.ts';
import { mustRun } from './support/command.ts';
import { guestObstacle, prepareGuest } from './support/guest.ts';
import { MATRIX_VARIABLE, readCells, renderMatrix } from './support/matrix.ts';
import { failure, SKIPPED, sum, summary, type Tally } from './support/tally.ts';
import { obstacle, prepareTools } from './support/tools.ts';
import { ROOT, runVitest, type VitestOptions } from './support/vitest.ts';

interface Suite {
  readonly group: 'static' | 'unit' | 'fuzz' | 'interop' | 'long' | 'e2e';
  readonly name: string;
  /** Whether it needs namespaces, gateway and browser. */
  readonly needsLaboratory: boolean;
  /** Begins in its turn, but the next ones do not wait for it: they wait for gateways more than they compute. */
  readonly runsAside?: boolean;
  run(): Promise<Tally>;
}

const SUITES: readonly Suite[] = [
  {
    group: 'static',
    name: 'types, lint, boundaries, dead code',
    needsLaboratory: false,
    run: () => runChecks(STATIC_CHECKS),
  },
  {
    group: 'unit',
    name: 'unit, vectors, property, sim, programs',
    needsLaboratory: false,
    run: () => vitest({ config: 'vitest.config.ts' }),
  },
  {
    group: 'fuzz',
    name: 'fuzz',
    needsLaboratory: false,
    runsAside: true,
    run: () => vitest({ config: 'vitest.fuzz.config.ts', aside: showAs('fuzz'), yields: true }),
  },
  {
    group: 'interop',
    name: 'interop',
    needsLaboratory: true,
    run: interop,
  },
  {
    group: 'long',
    name: 'interop, long',
    needsLaboratory: true,
    run: () => vitest({ config: 'vitest.long.config.ts' }),
  },
  {
    group: 'e2e',
    name: 'e2e, without a gateway',
    needsLaboratory: true,
    runsAside: true,
    run: pageAlone,
  },
  ...(['bound', 'any'] as const).map((personality) => ({
    group: 'e2e' as const,
    name: `e2e, SoftEther ${personality}`,
    needsLaboratory: true,
    run: () => endToEnd(personality),
  })),
];

/** How soon the end of its parent is noticed. */
const ORPHAN_POLL_MS = 1_000;

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => interruption.abort());
}
// npm passes no signal on to what it runs: when npm is ended, this is the sign of it.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) interruption.abort();
}, ORPHAN_POLL_MS).unref();

let matrix = '';
let portal: Promise<void> | undefined;

const groups = process.argv.slice(2);
const unknown = groups.filter((name) => !SUITES.some(({ group }) => group === name));
if (unknown.length > 0) {
  console.error(
    `unknown suite: ${unknown.join(', ')}. There are static, unit, fuzz, interop, long and e2e.`,
  );
  process.exit(2);
}
// The static checks are `npm run check`'s, and the long ones take minutes: they run here when they are asked for, those alone.
const onRequest: readonly string[] = ['static', 'long'];
const chosen = SUITES.filter(({ group }) => {
  if (groups.length === 0) return !onRequest.includes(group);
  return groups.includes('long') ? group === 'long' : groups.includes(group);
});
const total = await runAll(chosen);
console.log(summary(total));
process.exitCode = interruption.signal.aborted ? 130 : total.failures.length > 0 ? 1 : 0;

async function runAll(suites: readonly Suite[]): Promise<Tally> {
  const results: { name: string; result: Tally }[] = [];
  const aside: Promise<void>[] = [];
  // The programs are fetched while the unit tests run.
  const laboratory = suites.some((suite) => suite.needsLaboratory) ? readyLaboratory() : undefined;
  // Where it fails, the tests that read the module fail, and the others still tell something.
  await build('build:wasm').catch((error: Error) => console.error(error.message));
  for (const suite of suites) {
    const { name } = suite;
    if (interruption.signal.aborted) break;
    const reason = suite.needsLaboratory ? await laboratory : undefined;
    if (suite.runsAside && reason === undefined) {
      console.log(`\n== ${name}: beside what follows, its output at its end`);
      aside.push(guarded(suite).then((result) => void results.push({ name, result })));
      continue;
    }
    console.log(`\n== ${name}`);
    const result = reason === undefined ? await guarded(suite) : cannotRun(name, reason);
    results.push({ name, result });
  }
  await Promise.all(aside);
  if (matrix !== '') console.log(`\n${matrix}`);
  console.log('');
  const total = sum(results.map(({ result }) => result));
  // The output above is long: what matters of it comes again where it ends.
  for (const what of total.failures) console.log(`FAILED ${what}`);
  for (const { name, result } of results) console.log(`${name}: ${summary(result)}`);
  return total;
}

/** Why the laboratory cannot be had; `undefined` when it is ready. */
async function readyLaboratory(): Promise<string | undefined> {
  const reason = await obstacle();
  if (reason !== undefined) return reason;
  try {
    const say = (line: string) => console.log(`set-up: ${line}`);
    await prepareTools(say);
    if (guestObstacle() === undefined) await prepareGuest(say);
    runId();
    return undefined;
  } catch (error) {
    return `the programs it needs could not be fetched: ${error instanceof Error ? error.message : error}`;
  }
}

function cannotRun(name: string, reason: string): Tally {
  const isRequired = Boolean(process.env.CI);
  console.log(`${isRequired ? 'FAILED' : 'SKIPPED'} ${name}: ${reason}`);
  return isRequired ? failure(`${name}: ${reason}`) : SKIPPED;
}

/** Runs a suite; one that throws has failed. */
async function guarded({ name, needsLaboratory, runsAside = false, run }: Suite): Promise<Tally> {
  // What runs aside makes nothing that would have to be swept up, and would sweep up after the others.
  const sweeps = needsLaboratory && !runsAside;
  try {
    if (sweeps) sweep();
    return await run();
  } catch (error) {
    console.error(error);
    return failure(`${name}: ${error instanceof Error ? error.message : error}`);
  } finally {
    // A test runner that was interrupted has not tidied up.
    if (sweeps) sweep();
  }
}

/** The suite whose tests make the table. */
async function interop(): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), 'culvert-matrix-'));
  const file = join(folder, 'cells');
  try {
    const environment = { [MATRIX_VARIABLE]: file };
    await builtPortal();
    return await vitest({ config: 'vitest.interop.config.ts', environment });
  } finally {
    matrix = renderMatrix(readCells(file));
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The page with a scripted worker, and with the playground: of the laboratory they need the browser alone. */
async function pageAlone(): Promise<Tally> {
  await builtPortal();
  return await vitest({
    config: 'vitest.e2e.config.ts',
    filters: ['tests/e2e/alone/', 'tests/e2e/firefox/'],
    environment: browserEnvironment('alone'),
    aside: showAs('e2e, without a gateway'),
  });
}

async function endToEnd(personality: Personality): Promise<Tally> {
  await builtPortal();
  const { environment, command, stop } = await startEndToEnd(personality);
  try {
    // Of the rest the personality makes no difference.
    const filters = [`tests/e2e/gateway/${personality === 'any' ? 'portal.test.ts' : ''}`];
    return await vitest({ config: 'vitest.e2e.config.ts', filters, environment, wrap: command });
  } finally {
    await stop();
  }
}

/** Built once: several suites at a time serve it. */
function builtPortal(): Promise<void> {
  portal ??= build('build');
  return portal;
}

function showAs(name: string): (output: string) => void {
  return (output) => console.log(`\n== ${name}\n${output}`);
}

function vitest(options: VitestOptions): Promise<Tally> {
  return runVitest({ ...options, signal: interruption.signal });
}

/** Runs a build script of package.json. Throws with its output. */
async function build(script: string): Promise<void> {
  await mustRun('npm', ['run', '-s', script], { cwd: ROOT });
}
