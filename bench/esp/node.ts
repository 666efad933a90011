/** The ESP contest in Node, as a process of its own. Its rows go to the parent. */
import { wasmSuite } from '../../tests/support/wasm-suite.ts';
import { answer } from '../harness/part.ts';
import { espRows } from './contest.ts';
import { nodeCrypto } from './node-crypto.ts';
import { random } from './suites.ts';

function cpuMillis(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

await answer(async ({ rounds }, say) =>
  espRows(
    {
      where: 'Node',
      clock: cpuMillis,
      engines: { SIMD: (await wasmSuite(random)).esp },
      native: { 'node:crypto': nodeCrypto },
      rounds,
    },
    say,
  ),
);
