import { defineConfig } from 'vitest/config';

/** What takes minutes by its nature: `npm run interop -- long`, and nobody's CI. */
export default defineConfig({
  test: {
    include: ['tests/interop/**/*.long.ts'],
    globalSetup: ['tests/interop/support/setup.ts'],
    fileParallelism: false,
    hookTimeout: 45_000,
  },
});
