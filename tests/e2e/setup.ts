/**
 * What the end-to-end tests talk to: a laboratory whose relay serves the built portal. The test runner itself
 * runs in the relay's namespace, where 127.0.0.1 is the relay's (and a secure context for the browser).
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { preparedTools } from '../../scripts/support/tools.ts';
import { GATEWAY, Laboratory, PRE_SHARED_KEY, RAW_GATEWAY } from '../interop/support/laboratory.ts';
import { ROOT } from '../interop/support/node-script.ts';
import type { Personality } from '../interop/support/softether.ts';
import { INTRANET_ADDRESS, USERS } from '../interop/support/softether-config.ts';

export interface EndToEndSetup {
  /** What the tests read, in addition to the process's own environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** The command line that runs a program where the portal is. */
  command(file: string, args: readonly string[]): [file: string, args: string[]];
  stop(): Promise<void>;
}

/** What tests read that need a browser and no gateway; pictures go to a folder named `pictures`. */
export function browserEnvironment(pictures: string): Readonly<Record<string, string>> {
  const screenshots = join(ROOT, '.cache/screenshots', pictures);
  mkdirSync(screenshots, { recursive: true });
  return {
    CULVERT_E2E_CHROMIUM: preparedTools().chromium,
    CULVERT_E2E_FIREFOX: preparedTools().firefox,
    CULVERT_E2E_SCREENSHOTS: screenshots,
  };
}

/** Starts a laboratory; the portal has been built. */
export async function startEndToEnd(personality: Personality): Promise<EndToEndSetup> {
  const laboratory = await Laboratory.start({ personality, portal: true });
  const { network, intranet, relayPort } = laboratory;
  return {
    environment: {
      ...browserEnvironment(personality),
      CULVERT_E2E_URL: `http://127.0.0.1:${relayPort}/`,
      CULVERT_E2E_GATEWAY: GATEWAY,
      CULVERT_E2E_RAW_GATEWAY: RAW_GATEWAY,
      CULVERT_E2E_GATEWAY_PID: String(laboratory.gateway.pid),
      CULVERT_E2E_PSK: PRE_SHARED_KEY,
      CULVERT_E2E_USER: 'alice',
      CULVERT_E2E_PASSWORD: USERS.alice.password,
      CULVERT_E2E_PING_HOST: INTRANET_ADDRESS,
      CULVERT_E2E_FILE_URL: `http://${INTRANET_ADDRESS}/big.bin`,
      CULVERT_E2E_FILE_SHA256: intranet.bigFileHash,
    },
    command: (file, args) => network.client.command(file, args),
    stop: () => laboratory.stop(),
  };
}
