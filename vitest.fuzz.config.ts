import { defineConfig } from 'vitest/config';
import { BUDGET_MILLIS } from './tests/fuzz/support/budget.ts';

/**
 * Fuzzers, a file for each machine; each searches for `CULVERT_FUZZ_SECONDS`, 60 without it.
 * `CULVERT_FUZZ_SEED` is a number, or `random`; with `CULVERT_FUZZ_SAVE=1` failing inputs join the corpus.
 */
export default defineConfig({
  test: {
    globalSetup: 'tests/support/modules.ts',
    include: ['tests/fuzz/**/*.test.ts'],
    // Of two processors vitest would leave one alone.
    maxWorkers: 2,
    // Generous: shrinking a failure takes its time, and the machine may be busy.
    testTimeout: 2 * BUDGET_MILLIS + 60_000,
    hookTimeout: 60_000,
  },
});
