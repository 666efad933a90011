import { defineConfig } from 'vitest/config';

/** The page in a real browser; `npm run e2e` starts what it talks to and says where that is. */
export default defineConfig({
  test: {
    include: ['tests/e2e/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 60_000,
    // Two of these suites run at a time.
    expect: { poll: { timeout: 10_000 } },
  },
});
