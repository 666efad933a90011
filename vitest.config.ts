import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/{unit,vectors,property,sim}/**/*.test.ts'],
    globalSetup: 'tests/support/modules.ts',
    testTimeout: 20_000,
    // By default one core of two is left idle.
    maxWorkers: '100%',
    // The files share no state, and loading the sources once per worker saves a third of the time.
    pool: 'threads',
    isolate: false,
  },
});
