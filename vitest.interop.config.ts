import { defineConfig } from 'vitest/config';

/** Real gateways in network namespaces: needs root and the programs that `npm run interop` fetches. */
export default defineConfig({
  test: {
    include: ['tests/interop/**/*.test.ts'],
    globalSetup: ['tests/interop/support/setup.ts'],
    // Each file has a gateway of its own, and the machine is to be theirs one after the other.
    fileParallelism: false,
    testTimeout: 45_000,
    hookTimeout: 45_000,
  },
});
