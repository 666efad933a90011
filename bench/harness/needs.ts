/** What a part of the benchmarks needs of the machine, made ready. */
import { buildWasm } from '../../scripts/build-wasm.mjs';
import { mustRun } from '../../scripts/support/command.ts';
import { guestObstacle, prepareGuest } from '../../scripts/support/guest.ts';
import { obstacle, prepareTools } from '../../scripts/support/tools.ts';
import { ROOT } from '../../scripts/support/vitest.ts';
import { tunObstacle } from '../../tests/interop/support/tun-device.ts';

/** `programs`: browser, gateway and web server, and namespaces to run them in. */
export type Need = 'module' | 'portal' | 'programs' | 'guest' | 'linux' | 'tun';

const READY: Readonly<Record<Need, (say: (line: string) => void) => Promise<string | undefined>>> =
  {
    module: async () => {
      await buildWasm();
      return undefined;
    },
    portal: async () => {
      await mustRun('npm', ['run', '-s', 'build'], { cwd: ROOT });
      return undefined;
    },
    programs: async (say) => {
      const reason = await obstacle();
      if (reason === undefined) await prepareTools(say);
      return reason;
    },
    guest: async (say) => {
      const reason = guestObstacle();
      if (reason === undefined) await prepareGuest(say);
      return reason;
    },
    tun: async () => tunObstacle(),
    linux: async () => (process.platform === 'linux' ? undefined : 'it reads /proc'),
  };

/** The first reason why something of it cannot be had. */
export async function prepare(
  needs: readonly Need[],
  say: (line: string) => void,
): Promise<string | undefined> {
  for (const need of needs) {
    const reason = await READY[need](say);
    if (reason !== undefined) return reason;
  }
  return undefined;
}
