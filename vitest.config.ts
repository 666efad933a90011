import { defineConfig } from 'vitest/config';

/** What of the relay touches datagram sockets: tested over the addon's and, in a project of its own, over Node's. */
const OVER_SOCKETS = ['hostile', 'session'].map((name) => `tests/unit/relay/${name}.test.ts`);

export default defineConfig({
  test: {
    globalSetup: 'tests/support/modules.ts',
    testTimeout: 20_000,
    // What is waited for comes; a machine with much else to do makes it late.
    expect: { poll: { timeout: 10_000 } },
    // By default one core of two is left idle.
    maxWorkers: '100%',
    // The files share no state, and loading the sources once per worker saves a third of the time.
    pool: 'threads',
    isolate: false,
    projects: [
      {
        extends: true,
        test: { name: 'all', include: ['tests/{unit,vectors,property,sim,programs}/**/*.test.ts'] },
      },
      {
        extends: true,
        test: {
          name: 'relay without addon',
          include: OVER_SOCKETS,
          env: { CULVERT_NO_ADDON: '1' },
        },
      },
    ],
  },
});
