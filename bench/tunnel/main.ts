/**
 * The whole tunnel: a file through Chromium, relay, SoftEther and nginx, both ways, beside the same transfer by
 * libcurl.js over wisp-js, which has no VPN in it. Every machine of it is a process here, the network is namespaces.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { preparedTools } from '../../scripts/support/tools.ts';
import { GATEWAY, PRE_SHARED_KEY } from '../../tests/interop/support/laboratory.ts';
import { sweep, temporaryFolder } from '../../tests/interop/support/namespace.ts';
import {
  GATEWAY_ADDRESS,
  type Network,
  startNetwork,
} from '../../tests/interop/support/network.ts';
import { startRelay } from '../../tests/interop/support/relay.ts';
import { SoftEther } from '../../tests/interop/support/softether.ts';
import { INTRANET_ADDRESS, USERS } from '../../tests/interop/support/softether-config.ts';
import { type Child, startChild } from '../harness/child.ts';
import { cpuMillis } from '../harness/cpu.ts';
import { answer } from '../harness/part.ts';
import { type Row, rowOf } from '../harness/results.ts';
import type { ServerCommands } from '../relay/culvert-server.ts';
import type { BrowserCommands } from './browser.ts';
import { startWebServer } from './web-server.ts';
import type { WorkerRequest } from './worker.ts';

const RELAY_PORT = 8443;
const PAGE_PORT = 8080;
const ROUNDS_LIMIT = 3;
const WARM_UP_BYTES = 5_000_000;

/** What a packet carries: processor time is counted for each so many bytes of the file. */
const PACKET = 1400;

/** What is raced, and what the peer is called. libcurl.js sends so slowly, over anything, that only its download is. */
const CASES = [
  { direction: 'download', by: 'libcurl.js', peer: 'libcurl.js over wisp-js, no VPN' },
  { direction: 'download', by: 'TCP stream', peer: 'wisp-js stream, no VPN' },
  { direction: 'upload', by: 'TCP stream', peer: 'wisp-js stream, no VPN' },
] as const;
type Case = (typeof CASES)[number];

/** One way between the browser and the web server. */
interface Way {
  readonly connect: WorkerRequest;
  /** Of what stands between. */
  readonly relayPid: number;
}

/** The three figures of a transfer. */
interface Figures {
  readonly 'Mbit/s': number;
  readonly worker: number;
  readonly relay: number;
}

await answer(async ({ rounds, megabytes }, say) => {
  sweep();
  const folder = temporaryFolder();
  const network = startNetwork();
  const children: Child<unknown>[] = [];
  try {
    const { browser, ways } = await startAll(network, folder, megabytes, children);
    const laps = await transfers(browser, ways, Math.min(rounds, ROUNDS_LIMIT), megabytes, say);
    return CASES.flatMap((one) => rowsOf(one, laps.get(one)!));
  } finally {
    await Promise.all(children.map((child) => child.stop()));
    // Ends every process in the namespaces with them.
    network.destroy();
    rmSync(folder, { recursive: true, force: true });
  }
});

type Name = 'culvert' | 'wisp';
type Laps = ReadonlyMap<Case, Record<Name, Figures[]>>;

async function startAll(
  network: Network,
  folder: string,
  megabytes: number,
  children: Child<unknown>[],
): Promise<{ browser: Child<BrowserCommands>; ways: Record<Name, Way> }> {
  const room = (name: string): string => {
    mkdirSync(join(folder, name));
    return join(folder, name);
  };
  const { client, gateway: behind } = network;
  await SoftEther.start({
    network,
    personality: 'any',
    preSharedKey: PRE_SHARED_KEY,
    folder: room('gateway'),
  });
  // The straight way to the web server, for those who have no tunnel.
  client.ip('route', 'add', `${INTRANET_ADDRESS}/32`, 'via', GATEWAY_ADDRESS);
  const inside = [preparedTools().ip, 'netns', 'exec', client.name];
  const [relay, wisp, browser] = await Promise.all([
    startRelay({
      namespace: client,
      folder: room('relay'),
      config: {
        listen: { host: '127.0.0.1', port: RELAY_PORT },
        gateways: [{ id: GATEWAY, name: 'SoftEther', address: GATEWAY_ADDRESS }],
        origins: [`http://127.0.0.1:${PAGE_PORT}`],
      },
    }),
    startChild<ServerCommands>('bench/relay/wisp-server.ts', inside),
    startChild<BrowserCommands>('bench/tunnel/browser.ts', inside),
    startWebServer({
      namespace: behind,
      address: INTRANET_ADDRESS,
      size: 1_000_000 * megabytes,
      folder: room('web'),
    }),
  ]);
  children.push(wisp, browser);
  const { port } = await wisp.ask.listen('', []);
  await browser.ask.open(PAGE_PORT);
  return {
    browser,
    ways: {
      culvert: {
        relayPid: relay.pid,
        connect: {
          kind: 'culvert',
          request: {
            relay: `ws://127.0.0.1:${RELAY_PORT}/culvert`,
            gateway: GATEWAY,
            preSharedKey: PRE_SHARED_KEY,
            userName: 'alice',
            password: USERS.alice.password,
            allowPap: false,
          },
        },
      },
      wisp: {
        relayPid: wisp.pid,
        connect: { kind: 'wisp', url: `ws://127.0.0.1:${port}/wisp/` },
      },
    },
  };
}

/** Each way's turn is a worker of its own, so that only one is there whose time could be taken for the other's. */
async function transfers(
  browser: Child<BrowserCommands>,
  ways: Record<Name, Way>,
  rounds: number,
  megabytes: number,
  say: (line: string) => void,
): Promise<Laps> {
  const laps: Laps = new Map(CASES.map((one) => [one, { culvert: [], wisp: [] }]));
  for (let round = 0; round < rounds; round++) {
    for (const name of ['culvert', 'wisp'] as const) {
      const { connect, relayPid } = ways[name];
      await browser.ask.start(connect);
      for (const one of CASES) {
        await browser.ask.transfer(requestOf(one, WARM_UP_BYTES));
        const before = cpuMillis([relayPid]);
        const {
          bytes,
          millis,
          cpuMillis: worker,
        } = await browser.ask.transfer(requestOf(one, 1_000_000 * megabytes));
        const relay = cpuMillis([relayPid]) - before;
        const each = (cpu: number): number => (1000 * cpu * PACKET) / bytes;
        const figures = {
          'Mbit/s': (8 * bytes) / 1000 / millis,
          worker: each(worker),
          relay: each(relay),
        };
        laps.get(one)![name].push(figures);
        say(`${one.direction} by ${one.by}, ${name}: ${Math.round(figures['Mbit/s'])} Mbit/s`);
      }
      await browser.ask.end();
    }
  }
  return laps;
}

function requestOf({ direction, by }: Case, bytes: number): WorkerRequest {
  const path = direction === 'download' ? 'file' : 'upload';
  return { kind: 'transfer', direction, by, bytes, url: `http://${INTRANET_ADDRESS}/${path}` };
}

function rowsOf({ direction, by, peer }: Case, laps: Record<Name, Figures[]>): Row[] {
  const row = (
    what: string,
    unit: 'Mbit/s' | 'µs CPU/packet',
    of: (figures: Figures) => number,
  ): Row =>
    rowOf(
      { bench: 'tunnel', case: `${direction} by ${by}${what}`, where: 'Chromium', unit },
      laps.culvert.map(of),
      { [peer]: laps.wisp.map(of) },
    );
  return [
    row('', 'Mbit/s', (figures) => figures['Mbit/s']),
    row(', tab worker', 'µs CPU/packet', ({ worker }) => worker),
    row(', relay', 'µs CPU/packet', ({ relay }) => relay),
  ];
}
