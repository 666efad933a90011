import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/{unit,vectors,property,sim}/**/*.test.ts'],
    testTimeout: 20_000,
  },
});
