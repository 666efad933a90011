/** What a part of the benchmarks needs of the machine, made ready. */
import { buildWasm } from '../../scripts/build-wasm.mjs';
import { obstacle, prepareTools } from '../../scripts/support/tools.ts';
import { tunObstacle } from '../../tests/interop/support/tun-device.ts';

/** `programs`: browser, gateway and web server, and namespaces to run them in. */
export type Need = 'module' | 'programs' | 'linux' | 'tun';

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
