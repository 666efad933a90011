/** What a part of the benchmarks needs of the machine, made ready. */
import { buildWasm } from '../../scripts/build-wasm.mjs';
import { guestObstacle, prepareGuest } from '../../scripts/support/guest.ts';
import { obstacle, prepareTools } from '../../scripts/support/tools.ts';
import { tunObstacle } from '../../tests/interop/support/tun-device.ts';

/** `programs`: browser, web server and the like, and namespaces to run them in; `guest`: a Linux of one's own. */
export type Need = 'module' | 'programs' | 'guest' | 'linux' | 'tun';

type Ready = (say: (line: string) => void) => Promise<string | undefined>;

const READY: Readonly<Record<Need, Ready>> = {
  module: async () => {
    await buildWasm();
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
  linux: async () => (process.platform === 'linux' ? undefined : 'it reads /proc'),
  tun: async () => tunObstacle(),
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
