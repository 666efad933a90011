/**
 * A relay as a process of its own, an honest session through it, and a process that attacks: what happens to
 * the relay's memory and to the honest session. Needs a system with SIGUSR2 and the whole of 127/8: Linux.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GatewayConfig, RelayConfig } from '../relay/config.ts';
import type { RelayReport } from '../relay/counters.ts';
import { HonestSession } from './honest-session.ts';
import { ATTACKS, pause } from './relay-attacks.ts';
import { testGateway } from './relay-gateways.ts';

/** What the relay writes on SIGUSR2. */
type LoggedReport = RelayReport & { readonly rssBytes: number };

/** Limits that are reached soon, on a slow machine too. */
const LIMITS = { openSeconds: 1, packetsPerSecond: 1000 } as const;

/** How much longer than asked for an attack may take to be counted, in seconds. */
const PATIENCE = 30;

export interface SoakReport {
  /** Resident bytes of the relay: the honest session alone, under attack (last and most), afterwards. */
  readonly memory: {
    readonly before: number;
    readonly during: number;
    readonly most: number;
    readonly after: number;
  };
  readonly echoes: { readonly sent: number; readonly received: number; readonly slowest: number };
  /** Sessions after the attack: 1 when nothing is left over. */
  readonly sessionsAfter: number;
  /** Attacks for which the relay counted nothing. */
  readonly uncounted: readonly string[];
  /** What the relay counted, and how long it was attacked. */
  readonly report: RelayReport;
  readonly seconds: number;
}

/**
 * Attacks for `seconds`, and longer where an attack was not counted yet; `progress` gets the relay's resident
 * bytes every second. Rejects when the relay ends.
 */
export async function soak(
  seconds: number,
  progress: (second: number, bytes: number) => void = () => {},
): Promise<SoakReport> {
  const folder = mkdtempSync(join(tmpdir(), 'culvert-soak-'));
  const echo = await testGateway('echo', '127.2.0.1', (socket, bytes, port, address) => {
    socket.send(bytes, port, address);
  });
  const attacker = start('bench/relay-attacker.ts', []);
  let relay: RelayProcess | undefined;
  try {
    const [gateways] = (await once(attacker, 'message')) as [GatewayConfig[]];
    relay = await RelayProcess.start(folder, [echo.config, ...gateways]);
    const honest = await HonestSession.start(relay.port, echo.config.id);
    await honest.warmUp();
    const before = (await relay.report()).rssBytes;
    attacker.send(relay.port);
    honest.begin();
    let report = await relay.report();
    let most = before;
    let second = 0;
    while (second < seconds || (second < seconds + PATIENCE && uncounted(report).length > 0)) {
      await pause(1000);
      report = await relay.report();
      most = Math.max(most, report.rssBytes);
      progress(++second, report.rssBytes);
    }
    const echoes = await honest.finish();
    await stop(attacker);
    const after = await relay.settled();
    honest.close();
    return {
      memory: { before, during: report.rssBytes, most, after: after.rssBytes },
      echoes,
      sessionsAfter: after.sessions,
      uncounted: uncounted(report),
      report,
      seconds: second,
    };
  } finally {
    await stop(attacker);
    await relay?.stop();
    echo.socket.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function uncounted({ refused, datagrams, ...totals }: RelayReport): string[] {
  const counts: Record<string, unknown> = { ...totals, ...refused, ...datagrams };
  return Object.entries(ATTACKS)
    .filter(([, { counted }]) => !((counts[counted] as number) > 0))
    .map(([name]) => name);
}

class RelayProcess {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #reports: LoggedReport[];

  private constructor(child: ChildProcess, port: number, reports: LoggedReport[]) {
    this.#child = child;
    this.port = port;
    this.#reports = reports;
  }

  static async start(folder: string, gateways: readonly GatewayConfig[]): Promise<RelayProcess> {
    const listen = { host: '127.0.0.1', port: 0 };
    const config: RelayConfig = { listen, portal: false, gateways, limits: LIMITS };
    const file = join(folder, 'culvert.config.json');
    writeFileSync(file, JSON.stringify(config));
    const child = start('relay/main.ts', ['--config', file]);
    const reports: LoggedReport[] = [];
    let rest = '';
    const port = await new Promise<number>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the relay ended (${code})`)));
      child.stdout?.on('data', (chunk) => {
        const lines = `${rest}${chunk}`.split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          if (line.startsWith('{')) reports.push(JSON.parse(line));
          const found = /ws:\/\/127\.0\.0\.1:(\d+)\//.exec(line)?.[1];
          if (found !== undefined) resolve(Number(found));
        }
      });
    });
    return new RelayProcess(child, port, reports);
  }

  async report(): Promise<LoggedReport> {
    const known = this.#reports.length;
    this.#child.kill('SIGUSR2');
    while (this.#reports.length === known) {
      if (isOver(this.#child)) throw new Error('the relay has ended');
      await pause(5);
    }
    return this.#reports.at(-1)!;
  }

  /** The report once a single connection is left, or after some seconds. */
  async settled(): Promise<LoggedReport> {
    let report = await this.report();
    for (let i = 0; i < 50 && report.connections > 1; i++) {
      await pause(100);
      report = await this.report();
    }
    return report;
  }

  stop(): Promise<void> {
    return stop(this.#child);
  }
}

function start(program: string, options: readonly string[]): ChildProcess {
  return fork(fileURLToPath(new URL(`../${program}`, import.meta.url)), options, {
    execArgv: ['--import', import.meta.resolve('tsx')],
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (isOver(child)) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

function isOver(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
