/**
 * `npm start` and `npm run relay`: reads the configuration, builds the portal where it must, starts the relay
 * and says where to go. Exit status 2 for what the operator can put right: a bad option, a bad configuration, a
 * port that is taken; 1 for a portal that cannot be built.
 */
import { existsSync, readFileSync } from 'node:fs';
import { isLoopback } from './admission.ts';
import { ConfigError, DEFAULT_CONFIG, parseConfig, type RelayConfig } from './config.ts';
import { exposureProblem, exposureWarning } from './exposure.ts';
import { type Options, parseOptions, USAGE, UsageError } from './options.ts';
import { PLAYGROUND_ID, Playground, PlaygroundError } from './playground.ts';
import { ensurePortal, PortalBuildError } from './portal.ts';
import { RawEsp } from './raw-esp.ts';
import { type Relay, startRelay } from './server.ts';

const DEFAULT_FILE = 'culvert.config.json';

const RAW_ESP = 'ESP: as protocol 50 where a gateway allows it, else in UDP 4500.';
const UDP_ALONE = 'ESP: in UDP 4500 (protocol 50 needs the addon and CAP_NET_RAW).';

/** Why the relay does not start, in words for the operator. */
class StartError extends Error {
  readonly exit: number;

  constructor(exit: number, message: string) {
    super(message);
    this.exit = exit;
  }
}

// Whoever reads the log may go away: the sessions stay.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

try {
  await main();
} catch (error) {
  if (!(error instanceof StartError)) throw error;
  console.error(error.message);
  process.exitCode = error.exit;
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options.help) {
    console.log(USAGE);
    return;
  }
  const configured = readConfig(options);
  const problem = exposureProblem(configured);
  if (problem !== undefined) throw new StartError(2, problem);
  const portal = configured.portal === false ? undefined : await readyPortal(options);
  const espPorts = configured.addon === false ? undefined : RawEsp.load();
  if (configured.gateways.some(({ id }) => id === PLAYGROUND_ID) && options.playground) {
    throw new StartError(2, `gateways: “${PLAYGROUND_ID}” is the id of the playground itself.`);
  }
  const playground = wantsPlayground(options, configured) ? await readyPlayground() : undefined;
  const config =
    playground === undefined
      ? configured
      : { ...configured, gateways: [playground.gateway, ...configured.gateways] };
  let relay: Relay;
  try {
    relay = await listen(config, { portal, espPorts, playground });
  } catch (error) {
    await playground?.close();
    throw error;
  }
  stopOnSignal(relay, playground);
  reportOnSignal(relay);
  greet(config, relay, portal !== undefined);
  if (config.gateways.length > 0) console.log(espPorts === undefined ? UDP_ALONE : RAW_ESP);
}

function readOptions(): Options {
  try {
    return parseOptions(process.argv.slice(2), process.env);
  } catch (error) {
    if (error instanceof UsageError) throw new StartError(2, `${error.message}\n\n${USAGE}`);
    throw error;
  }
}

function readConfig({ configFile, host, port, portal }: Options): RelayConfig {
  const file = configFile ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined);
  const config = file === undefined ? DEFAULT_CONFIG : parseFile(file);
  return {
    ...config,
    ...(portal === 'none' ? { portal: false } : {}),
    listen: { host: host ?? config.listen.host, port: port ?? config.listen.port },
  };
}

function parseFile(file: string): RelayConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new StartError(2, `${file}: cannot be read (${systemCode(error)}).`);
  }
  try {
    return parseConfig(text);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const problems = error.problems.map((problem) => `  ${problem}`).join('\n');
    throw new StartError(2, `${file} cannot be used:\n${problems}`);
  }
}

async function readyPortal({ portal }: Options): Promise<string | undefined> {
  try {
    return await ensurePortal(portal === 'fresh', (line) => console.error(line));
  } catch (error) {
    if (!(error instanceof PortalBuildError)) throw error;
    throw new StartError(1, `${error.message} Its output is above.`);
  }
}

/** Who has no gateway gets one to play with, where there is a page to play on. */
function wantsPlayground({ playground, portal }: Options, config: RelayConfig): boolean {
  return playground ?? (portal === 'fresh' && config.gateways.length === 0);
}

async function readyPlayground(): Promise<Playground> {
  try {
    return await Playground.start((line) => console.error(line));
  } catch (error) {
    if (!(error instanceof PlaygroundError)) throw error;
    throw new StartError(1, `${error.message}\nStart without it by --no-playground.`);
  }
}

interface Parts {
  readonly portal: string | undefined;
  readonly espPorts: RawEsp | undefined;
  readonly playground: Playground | undefined;
}

async function listen(config: RelayConfig, parts: Parts): Promise<Relay> {
  const { portal, espPorts, playground } = parts;
  const log = (line: string): void => console.log(`${new Date().toISOString()} ${line}`);
  const { host, port } = config.listen;
  try {
    return await startRelay(config, {
      log,
      ...(portal !== undefined && { portal }),
      ...(espPorts && { espPorts }),
      ...(playground && {
        playground: { id: PLAYGROUND_ID, visit: () => playground.visit() },
      }),
    });
  } catch (error) {
    throw new StartError(2, listenProblem(systemCode(error), host, port));
  }
}

function listenProblem(code: string, host: string, port: number): string {
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${host} is already taken. Stop the other program, or choose another port with --port.`;
    case 'EACCES':
      return `Port ${port} needs rights this user does not have. Choose one above 1023 with --port.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${host} is not an address of this machine. Choose another one with --host.`;
    default:
      return `The relay cannot listen on ${host}, port ${port} (${code}).`;
  }
}

function greet(config: RelayConfig, relay: Relay, hasPortal: boolean): void {
  const warning = exposureWarning(config);
  if (warning !== undefined) console.error(warning);
  const { host } = config.listen;
  const isEverywhere = host === '0.0.0.0' || host === '::';
  const name = isEverywhere ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  const open = config.hosts?.[0] ?? name;
  console.log(
    hasPortal
      ? `Culvert is ready: open http://${open}:${relay.port}/`
      : `The relay is ready at ws://${open}:${relay.port}/culvert`,
  );
  for (const gateway of config.gateways) {
    console.log(`  gateway ${gateway.id}: ${gateway.name} (${gateway.address})`);
  }
  if (config.gateways.length === 0) {
    console.log(
      `No gateway is configured. Write ${DEFAULT_FILE}, for example\n  ${JSON.stringify({
        listen: DEFAULT_CONFIG.listen,
        gateways: [{ id: 'office', name: 'Office', address: 'vpn.example.com' }],
      })}\nand start again.`,
    );
  }
  if (!isLoopback(host) && config.hosts === undefined) {
    console.log('Any host name is accepted; list the relay’s own under “hosts” to prevent that.');
  }
}

/** The first signal ends the sessions in order, a second one ends the process at once. */
function stopOnSignal(relay: Relay, playground: Playground | undefined): void {
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) process.exit(1);
    isStopping = true;
    console.log('Stopping …');
    relay
      .close()
      .then(() => playground?.close())
      .then(() => process.exit(0));
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
}

/** Totals as a line of JSON in the log. Windows has no such signal. */
function reportOnSignal(relay: Relay): void {
  if (process.platform === 'win32') return;
  process.on('SIGUSR2', () => {
    const { rss: rssBytes } = process.memoryUsage();
    console.log(JSON.stringify({ time: new Date().toISOString(), rssBytes, ...relay.report() }));
  });
}

function systemCode(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
