/**
 * Everything that a file passes on its way: Chromium, our relay and wisp-js in one namespace, a Linux gateway in a guest with
 * nginx behind it, an echo beside it for the relay alone, and a second guest with the system's own client.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { preparedGuest } from '../../scripts/support/guest.ts';
import { preparedTools } from '../../scripts/support/tools.ts';
import { LinuxGateway } from '../../tests/interop/support/linux-gateway.ts';
import { LINUX_PSK, LINUX_USERS } from '../../tests/interop/support/linux-gateway-config.ts';
import { bridge } from '../../tests/interop/support/linux-laboratory.ts';
import { sweep, temporaryFolder } from '../../tests/interop/support/namespace.ts';
import { GATEWAY_ADDRESS, startNetwork } from '../../tests/interop/support/network.ts';
import { startRelay } from '../../tests/interop/support/relay.ts';
import { INTRANET_ADDRESS } from '../../tests/interop/support/softether-config.ts';
import { type Child, startChild } from '../harness/child.ts';
import type { ServerCommands } from '../relay/culvert-server.ts';
import type { BrowserCommands } from './browser.ts';
import type { EchoCommands } from './echo.ts';
import { NativeClient } from './native-client.ts';
import { startWebServer } from './web-server.ts';
import type { WorkerRequest } from './worker.ts';

const RELAY_PORT = 8443;
const PAGE_PORT = 8080;
const GATEWAY = 'linux';
const ECHO = 'echo';
const ECHO_ADDRESS = '10.99.1.4';
const ECHO_PORT = 4500;
/** Port 9, where nobody listens: nothing is sent there. */
const DISCARD = 9;
const RELAY_URL = `ws://127.0.0.1:${RELAY_PORT}/culvert`;

/** strongSwan's words for what is agreed on: its own first choice, and what takes the least time here. */
const ESP = { 'AES-256-CBC': 'aes256-sha256', 'AES-128-GCM': 'aes128gcm16' } as const;
export type Esp = keyof typeof ESP;

export const FIRST_CHOICE: Esp = 'AES-256-CBC';

/** One way between the browser and the web server. */
export interface Way {
  readonly connect: WorkerRequest;
  /** Of what stands between. */
  readonly relayPid: number;
}

export interface Laboratory {
  readonly browser: Child<BrowserCommands>;
  readonly ways: Readonly<Record<'culvert' | 'wisp', Way>>;
  readonly native: NativeClient;
  /** What the gateway agrees on with who connects from now on. */
  agreeOn(esp: Esp): Promise<void>;
  /** Asks the relay's echo so many times. */
  readonly echo: (count: number) => WorkerRequest;
  stop(): Promise<void>;
}

export async function startLaboratory(megabytes: number): Promise<Laboratory> {
  sweep();
  const folder = temporaryFolder();
  const network = startNetwork();
  const { client, gateway: behind } = network;
  const started: { stop(): Promise<unknown> }[] = [];
  const keep = <T extends { stop(): Promise<unknown> }>(part: T): T => {
    started.push(part);
    return part;
  };
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((part) => part.stop()));
    // Ends every process in the namespaces with them.
    network.destroy();
    rmSync(folder, { recursive: true, force: true });
  };
  const room = (name: string): string => {
    mkdirSync(join(folder, name));
    return join(folder, name);
  };
  try {
    const guest = await preparedGuest();
    bridge(network);
    behind.ip('addr', 'add', `${ECHO_ADDRESS}/24`, 'dev', 'wan');
    // The straight way to the web server, for those who have no tunnel.
    client.ip('route', 'add', `${INTRANET_ADDRESS}/32`, 'via', ECHO_ADDRESS);
    const gateway = keep(
      await LinuxGateway.start({ guest, namespace: behind, folder: room('gateway') }),
    );
    const agreeOn = (esp: Esp) => gateway.configure({ esp: ESP[esp] });
    await agreeOn(FIRST_CHOICE);
    const inside = (name: string) => [preparedTools().ip, 'netns', 'exec', name];
    const [relay, wisp, browser, echo, web] = await Promise.all([
      startRelay({
        namespace: client,
        folder: room('relay'),
        config: {
          listen: { host: '127.0.0.1', port: RELAY_PORT },
          gateways: [
            { id: GATEWAY, name: 'Linux', address: GATEWAY_ADDRESS },
            {
              id: ECHO,
              name: 'Echo',
              address: ECHO_ADDRESS,
              ports: { ike: DISCARD, natt: ECHO_PORT, l2tp: DISCARD },
            },
          ],
          origins: [`http://127.0.0.1:${PAGE_PORT}`],
        },
      }),
      startChild<ServerCommands>('bench/relay/wisp-server.ts', inside(client.name)).then(keep),
      startChild<BrowserCommands>('bench/tunnel/browser.ts', inside(client.name)).then(keep),
      startChild<EchoCommands>('bench/tunnel/echo.ts', inside(behind.name)).then(keep),
      startWebServer({
        namespace: behind,
        address: INTRANET_ADDRESS,
        size: 1_000_000 * megabytes,
        folder: room('web'),
      }),
    ]);
    await echo.ask.listen(ECHO_ADDRESS, ECHO_PORT);
    const { port } = await wisp.ask.listen('', []);
    await browser.ask.open(PAGE_PORT);
    const native = keep(
      await NativeClient.start({
        guest,
        namespace: behind,
        folder: room('native'),
        esp: ESP[FIRST_CHOICE],
        server: INTRANET_ADDRESS,
      }),
    );
    return {
      browser,
      native,
      agreeOn,
      echo: (count) => ({ kind: 'echo', relay: RELAY_URL, gateway: ECHO, count }),
      stop,
      ways: {
        culvert: {
          relayPid: relay.pid,
          connect: {
            kind: 'culvert',
            request: {
              relay: RELAY_URL,
              gateway: GATEWAY,
              preSharedKey: LINUX_PSK,
              userName: 'alice',
              password: LINUX_USERS.alice,
              esp: { truncatedSha256: false, extendedSequenceNumbers: false },
              allowPap: false,
            },
          },
        },
        wisp: {
          relayPid: wisp.pid,
          connect: {
            kind: 'wisp',
            url: `ws://127.0.0.1:${port}/wisp/`,
            authority: web.certificate,
          },
        },
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
