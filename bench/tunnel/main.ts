/**
 * The whole tunnel: a file through Chromium, relay, a Linux gateway and nginx, both ways, beside the same transfer by
 * libcurl.js over wisp-js, which has no VPN in it, and by the system's own client over the same gateway; and what a ping
 * takes. Every machine of it is a process here, the network is namespaces.
 */
import { INTRANET_ADDRESS } from '../../tests/interop/support/softether-config.ts';
import { cpuMillis } from '../harness/cpu.ts';
import { answer } from '../harness/part.ts';
import { type Row, rowOf } from '../harness/results.ts';
import { median, quantile } from '../harness/statistics.ts';
import { type Esp, FIRST_CHOICE, type Laboratory, startLaboratory } from './laboratory.ts';
import type { WorkerRequest } from './worker.ts';

const ROUNDS_LIMIT = 3;
const WARM_UP_BYTES = 5_000_000;
const PINGS = 50;

/** What a packet carries: processor time is counted for each so many bytes of the file. */
const PACKET = 1400;

/** A transfer by the browser. libcurl.js sends so slowly, over anything, that only its download is raced. */
interface Case {
  readonly direction: 'download' | 'upload';
  readonly by: 'libcurl.js' | 'TCP stream';
  /** What the tunnel's ESP is. */
  readonly esp: Esp;
}
const CASES: readonly Case[] = [
  { direction: 'download', by: 'libcurl.js', esp: FIRST_CHOICE },
  { direction: 'download', by: 'TCP stream', esp: FIRST_CHOICE },
  { direction: 'upload', by: 'TCP stream', esp: FIRST_CHOICE },
  { direction: 'download', by: 'libcurl.js', esp: 'AES-128-GCM' },
];

/** Who transfers. */
type Name =
  | 'ours'
  | 'libcurl.js over wisp-js, no VPN'
  | 'the same by TLS'
  | 'wisp-js stream, no VPN'
  | 'native client';

interface Figures {
  readonly 'Mbit/s': number;
  /** Processor time in µs for each packet; none of what has no worker and no relay. */
  readonly worker?: number;
  readonly relay?: number;
}

/** What a case's contestants did, round by round. */
type Laps = Partial<Record<Name, Figures[]>>;

/** Milliseconds, round by round. */
interface Pings {
  readonly idle: number[];
  readonly echo: number[];
  readonly loaded: number[];
}

await answer(async ({ rounds, megabytes }, say) => {
  const laboratory = await startLaboratory(megabytes);
  try {
    const bytes = 1_000_000 * megabytes;
    const laps = new Map<Case, Laps>(CASES.map((each) => [each, {}]));
    const keep = (one: Case, name: Name, figures: Figures) => {
      say(`${titleOf(one)}, ${name}: ${Math.round(figures['Mbit/s'])} Mbit/s`);
      const before = laps.get(one)!;
      before[name] = [...(before[name] ?? []), figures];
    };
    const pings: Pings = { idle: [], echo: [], loaded: [] };
    for (let round = 0; round < Math.min(rounds, ROUNDS_LIMIT); round++) {
      await lonePings(laboratory, pings);
      // The gateway's first choice last, which is what the next round's pings pass by.
      await ours(laboratory, 'AES-128-GCM', bytes, keep, pings);
      await ours(laboratory, FIRST_CHOICE, bytes, keep, pings);
      await wisps(laboratory, bytes, keep);
      await natives(laboratory, bytes, keep);
    }
    return [...CASES.flatMap((one) => rowsOf(one, laps.get(one)!)), ...pingRows(pings)];
  } finally {
    await laboratory.stop();
  }
});

type Keep = (one: Case, name: Name, figures: Figures) => void;

/** Each turn is a worker of its own, so that only one is there whose time could be taken for another's. */
async function ours(
  { agreeOn, browser, ways }: Laboratory,
  esp: Esp,
  bytes: number,
  keep: Keep,
  pings: Pings,
): Promise<void> {
  const { connect, relayPid } = ways.culvert;
  await agreeOn(esp);
  await browser.ask.start(connect);
  for (const one of CASES.filter((each) => each.esp === esp)) {
    const isPinged = one.direction === 'download' && one.by === 'TCP stream';
    const request = requestOf(one, bytes);
    await browser.ask.transfer(requestOf(one, WARM_UP_BYTES));
    const asked = isPinged ? { ...request, ping: INTRANET_ADDRESS } : request;
    const [figures, each] = await measured(browser, relayPid, asked);
    keep(one, 'ours', figures);
    if (isPinged) pings.loaded.push(quantile(each, 0.95));
  }
  await browser.ask.end();
}

async function lonePings({ browser, ways, echo }: Laboratory, pings: Pings): Promise<void> {
  await browser.ask.start(ways.culvert.connect);
  pings.echo.push(median((await browser.ask.transfer(echo(PINGS))).pings));
  const lone = { kind: 'ping', host: INTRANET_ADDRESS, count: PINGS } as const;
  pings.idle.push(median((await browser.ask.transfer(lone)).pings));
  await browser.ask.end();
}

async function wisps({ browser, ways }: Laboratory, bytes: number, keep: Keep): Promise<void> {
  const { connect, relayPid } = ways.wisp;
  await browser.ask.start(connect);
  for (const one of CASES) {
    const isCurl = one.by === 'libcurl.js';
    for (const scheme of isCurl ? (['http', 'https'] as const) : (['http'] as const)) {
      await browser.ask.transfer(requestOf(one, WARM_UP_BYTES, scheme));
      const [figures] = await measured(browser, relayPid, requestOf(one, bytes, scheme));
      const curl = scheme === 'http' ? 'libcurl.js over wisp-js, no VPN' : 'the same by TLS';
      keep(one, isCurl ? curl : 'wisp-js stream, no VPN', figures);
    }
  }
  await browser.ask.end();
}

async function natives({ native }: Laboratory, bytes: number, keep: Keep): Promise<void> {
  for (const one of CASES) {
    if (one.by !== 'TCP stream') continue;
    await native.transfer(one.direction, WARM_UP_BYTES);
    const millis = await native.transfer(one.direction, bytes);
    keep(one, 'native client', { 'Mbit/s': (8 * bytes) / 1000 / millis });
  }
}

async function measured(
  browser: Laboratory['browser'],
  relayPid: number,
  request: WorkerRequest,
): Promise<[Figures, readonly number[]]> {
  const before = cpuMillis([relayPid]);
  const { bytes, millis, pings, cpuMillis: worker } = await browser.ask.transfer(request);
  const relay = cpuMillis([relayPid]) - before;
  const each = (cpu: number): number => (1000 * cpu * PACKET) / bytes;
  const rate = (8 * bytes) / 1000 / millis;
  return [{ 'Mbit/s': rate, worker: each(worker), relay: each(relay) }, pings];
}

function requestOf(
  { direction, by }: Case,
  bytes: number,
  scheme: 'http' | 'https' = 'http',
): Extract<WorkerRequest, { kind: 'transfer' }> {
  const path = direction === 'download' ? 'file' : 'upload';
  const url = `${scheme}://${INTRANET_ADDRESS}/${path}`;
  return { kind: 'transfer', direction, by, bytes, url };
}

function titleOf({ direction, by, esp }: Case): string {
  return `${direction} by ${by}${esp === FIRST_CHOICE ? '' : `, ${esp}`}`;
}

function rowsOf(one: Case, laps: Laps): Row[] {
  const { ours = [], ...others } = laps;
  const row = (
    what: string,
    unit: 'Mbit/s' | 'µs CPU/packet',
    of: (figures: Figures) => number | undefined,
  ): Row => {
    const peers = Object.entries(others)
      .map(([name, figures]) => [name, figures.map(of)] as const)
      .filter((each): each is [string, number[]] => !each[1].includes(undefined));
    const head = { bench: 'tunnel', case: `${titleOf(one)}${what}`, where: 'Chromium', unit };
    return rowOf(
      head,
      ours.map((figures) => of(figures)!),
      Object.fromEntries(peers),
    );
  };
  return [
    row('', 'Mbit/s', (figures) => figures['Mbit/s']),
    row(', tab worker', 'µs CPU/packet', ({ worker }) => worker),
    row(', relay', 'µs CPU/packet', ({ relay }) => relay),
  ];
}

function pingRows({ idle, echo, loaded }: Pings): Row[] {
  const head = { bench: 'tunnel', where: 'Chromium', unit: 'ms' } as const;
  return [
    rowOf({ ...head, case: 'a lone ping through the tunnel' }, idle, { 'echo by the relay': echo }),
    rowOf({ ...head, case: 'ping during a download, 95th percentile' }, loaded, {
      'a lone ping': idle,
    }),
  ];
}
