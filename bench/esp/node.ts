/** The ESP contest in Node, as a process of its own. Its rows go to the parent. */
import { wasmSuite } from '../../tests/support/wasm-suite.ts';
import { answer } from '../harness/part.ts';
import { espRows } from './contest.ts';
import { cpuMillis } from './node-clock.ts';
import { nodeCrypto } from './node-crypto.ts';
import { BUILD_NAMES, random } from './suites.ts';

await answer(async ({ rounds }, say) =>
  espRows(
    {
      where: 'Node',
      unit: 'thousand packets/CPU second',
      clock: cpuMillis,
      // Node 20 is not asked for relaxed SIMD where it is not told to know it.
      engines: {
        [BUILD_NAMES.strict]: (await wasmSuite(random, 'strict')).esp,
        [BUILD_NAMES.relaxed]: (await wasmSuite(random, 'relaxed')).esp,
        [BUILD_NAMES.none]: (await wasmSuite(random, 'none')).esp,
      },
      native: { 'node:crypto': nodeCrypto },
      rounds,
    },
    say,
  ),
);
