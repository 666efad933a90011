/**
 * `npm run check`: types, lint, boundaries, dead code and unit tests (neither simulations nor whole programs), several at a time. Shows how long each
 * took and the output of those that failed.
 */
import { runChecks, STATIC_CHECKS, UNIT_TESTS } from './support/checks.ts';
import { sum } from './support/tally.ts';

const started = performance.now();
// The unit tests read the compiled module.
const built = await runChecks([{ name: 'WebAssembly', script: 'build:wasm' }]);
const { failures } = sum([built, await runChecks([UNIT_TESTS, ...STATIC_CHECKS])]);
const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.log(`${failures.length === 0 ? 'all good' : 'FAILED'} after ${seconds} s`);
process.exitCode = failures.length === 0 ? 0 : 1;
