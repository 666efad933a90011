/**
 * The programs that the interop and end-to-end tests run: a real gateway, a web server, a name server, a
 * browser. What Debian has of them and this machine lacks is fetched and unpacked under `.cache/debian`;
 * nothing of the system is configured and nothing is started by being here. Left out: other distributions.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mustRun, runCommand } from './command.ts';

const CACHE = fileURLToPath(new URL('../../.cache/debian', import.meta.url));
const MANIFEST = join(CACHE, 'tools.json');
/** Part of the fingerprint: raise it when what is written into the cache changes. */
const FORMAT = 2;
/** How long packages stay that are no longer the right ones. */
const ROOT_LIFE_MS = 24 * 3_600_000;

const PACKAGES = [
  'chromium',
  'dnsmasq-base',
  'firefox-esr',
  'fonts-dejavu-core',
  'fonts-liberation',
  'iproute2',
  'mount',
  'nginx',
  'softether-vpnserver',
  'tcpdump',
  'tshark',
];

/** Where each program may be, below the unpacked packages or below `/`. */
const PLACES = {
  chromium: ['usr/lib/chromium/chromium'],
  dnsmasq: ['usr/sbin/dnsmasq'],
  firefox: ['usr/lib/firefox-esr/firefox-esr'],
  ip: ['usr/sbin/ip', 'sbin/ip', 'usr/bin/ip', 'bin/ip'],
  mount: ['usr/bin/mount', 'bin/mount'],
  nginx: ['usr/sbin/nginx'],
  tcpdump: ['usr/bin/tcpdump', 'usr/sbin/tcpdump'],
  tshark: ['usr/bin/tshark'],
  vpnserver: ['usr/libexec/softether/vpnserver/vpnserver'],
} as const;

/** The browsers: they bring libraries that are for them alone, and are shown the same fonts everywhere. */
const BROWSERS: readonly string[] = ['chromium', 'firefox'];

export type ToolName = keyof typeof PLACES;
/** An executable for each program. */
export type Tools = Readonly<Record<ToolName, string>>;

interface Manifest {
  readonly fingerprint: string;
  readonly tools: Tools;
}

/** Why this machine cannot run tests in network namespaces; `undefined` when it can. */
export async function obstacle(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'network namespaces exist on Linux only';
  const release = read('/etc/os-release') ?? '';
  if (!/^ID="?debian"?$/m.test(release))
    return 'the gateway and the browser are fetched from Debian';
  if (process.getuid?.() !== 0) return 'making network namespaces needs root';
  const { status } = await runCommand('unshare', ['--net', '--mount', 'true']);
  if (status !== 0) return 'this container may not make network namespaces';
  return existsSync('/dev/net/tun') ? undefined : 'there is no /dev/net/tun';
}

/**
 * The programs, fetched when they are missing. Throws when that fails.
 *
 * @param say Told what takes long.
 */
export async function prepareTools(say: (line: string) => void): Promise<Tools> {
  const fingerprint = systemFingerprint();
  const known = readManifest();
  if (known?.fingerprint === fingerprint && isWhole(known.tools)) return known.tools;
  await mkdir(CACHE, { recursive: true });
  const work = join(CACHE, `work-${process.pid}`);
  try {
    await sweepWork();
    const tools = await fetchTools(work, say);
    await writeManifest(work, { fingerprint, tools });
    return tools;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The programs that `prepareTools` found. Throws when it has not run. */
export function preparedTools(): Tools {
  const known = readManifest();
  if (known === undefined || !isWhole(known.tools)) {
    throw new Error('the test programs are missing: run `npm run interop` once');
  }
  return known.tools;
}

/** Changes when something is installed or removed, since that changes what is missing. */
function systemFingerprint(): string {
  return createHash('sha256')
    .update(JSON.stringify([FORMAT, CACHE, process.arch, PACKAGES]))
    .update(read('/etc/os-release') ?? '')
    .update(read('/var/lib/dpkg/status') ?? '')
    .digest('hex');
}

async function fetchTools(work: string, say: (line: string) => void): Promise<Tools> {
  const apt = await privateApt(work);
  say('asking Debian which packages are missing');
  await apt(['update']);
  const missing = missingPackages(
    await apt(['install', '-s', '--no-install-recommends', '--no-upgrade', ...PACKAGES]),
  );
  const name = createHash('sha256')
    .update(JSON.stringify([FORMAT, CACHE, missing]))
    .digest('hex');
  const root = join(CACHE, 'roots', name.slice(0, 16));
  if (!existsSync(root)) {
    say(`fetching ${missing.length} Debian packages into .cache (up to 300 MB)`);
    const unpacked = join(work, 'root');
    await mkdir(unpacked);
    if (missing.length > 0) await apt(['download', ...missing]);
    await unpack(join(work, 'debs'), unpacked);
    await mkdir(join(CACHE, 'roots'), { recursive: true });
    await placeRoot(unpacked, root);
  }
  const tools = await wrapTools(root);
  await removeOldRoots(root);
  return tools;
}

/** apt with its own package lists, downloads and locks; what is installed it reads from the system. */
export async function privateApt(
  work: string,
): Promise<(args: readonly string[]) => Promise<string>> {
  for (const folder of ['lists/partial', 'cache/archives/partial', 'debs']) {
    await mkdir(join(work, folder), { recursive: true });
  }
  const options = [
    '-qq',
    `-oDir::State::lists=${join(work, 'lists')}`,
    `-oDir::Cache=${join(work, 'cache')}`,
    // The user _apt may not write here; without a sandbox nothing needs to.
    '-oAPT::Sandbox::User=root',
    '-oAcquire::Languages=none',
    '-oAcquire::Retries=3',
  ];
  const env = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
  return (args) => mustRun('apt-get', [...options, ...args], { cwd: join(work, 'debs'), env });
}

/**
 * The packages that a simulated installation would install or upgrade, as `name=version`.
 *
 * @param simulation The output of `apt-get install -s`: `Inst NAME [OLD] (VERSION ARCHIVE …)`.
 */
export function missingPackages(simulation: string): string[] {
  return [...simulation.matchAll(/^Inst (\S+) (?:\[[^\]]*\] )?\((\S+) /gm)].map(
    ([, name, version]) => `${name}=${version}`,
  );
}

export async function unpack(debs: string, root: string): Promise<void> {
  const files = await readdir(debs);
  const lane = async () => {
    for (let file = files.pop(); file !== undefined; file = files.pop()) {
      await mustRun('dpkg', ['-x', join(debs, file), root]);
    }
  };
  await Promise.all(cpus().map(lane));
}

/** Another run may have placed the same packages meanwhile; then its copy serves. */
async function placeRoot(unpacked: string, root: string): Promise<void> {
  try {
    await rename(unpacked, root);
  } catch (error) {
    if (!existsSync(root)) throw error;
  }
}

async function wrapTools(root: string): Promise<Tools> {
  const fonts = join(root, 'culvert-fonts.conf');
  await writeFile(fonts, fontConfiguration(root));
  await mkdir(join(root, 'culvert-bin'), { recursive: true });
  const libraries = await libraryPath(root);
  const wrapped = Object.keys(PLACES).map(async (key) => {
    const name = key as ToolName;
    const program = locate(root, name);
    const isBrowser = BROWSERS.includes(name);
    if (!isBrowser && !program.startsWith(root)) return [name, program];
    const lines = ['#!/bin/sh'];
    if (program.startsWith(root)) lines.push(`export LD_LIBRARY_PATH='${libraries}'`);
    if (isBrowser) lines.push(...browserEnvironment(fonts));
    lines.push(`exec '${program}'${name === 'chromium' ? ' --no-sandbox' : ''} "$@"`, '');
    const wrapper = join(root, 'culvert-bin', name);
    await writeFile(wrapper, lines.join('\n'), { mode: 0o755 });
    return [name, wrapper];
  });
  return Object.fromEntries(await Promise.all(wrapped));
}

function locate(root: string, name: ToolName): string {
  for (const base of [root, '/']) {
    const found = PLACES[name].map((place) => join(base, place)).find((path) => existsSync(path));
    if (found !== undefined) return found;
  }
  throw new Error(`${name} is neither installed nor in Debian's packages ${PACKAGES.join(', ')}`);
}

/** Every folder of the unpacked packages that holds shared libraries. */
async function libraryPath(root: string): Promise<string> {
  const found = new Set<string>();
  for (const base of ['lib', 'usr/lib'].map((path) => join(root, path)).filter(existsSync)) {
    for (const entry of await readdir(base, { recursive: true, withFileTypes: true })) {
      if (/^lib.*\.so\b/.test(entry.name)) found.add(entry.parentPath);
    }
  }
  return [...found].filter((path) => !/\/(?:chromium|firefox-esr)\b/.test(path)).join(':');
}

/** Root cannot use the browser's sandbox, and its pages are the tests' own. */
function browserEnvironment(fonts: string): string[] {
  const home = join(CACHE, 'home');
  return [
    `export HOME='${home}' XDG_CONFIG_HOME='${home}' XDG_CACHE_HOME='${home}'`,
    `export FONTCONFIG_FILE='${fonts}'`,
    `mkdir -p '${home}'`,
  ];
}

/** The same fonts on every machine: those fetched and the system's, the generic families named. */
function fontConfiguration(root: string): string {
  const prefer = (generic: string, family: string) =>
    `  <alias><family>${generic}</family><prefer><family>${family}</family></prefer></alias>`;
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${join(root, 'usr/share/fonts')}</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>${join(CACHE, 'home/fontconfig')}</cachedir>
${prefer('system-ui', 'DejaVu Sans')}
${prefer('sans-serif', 'DejaVu Sans')}
${prefer('serif', 'Liberation Serif')}
${prefer('monospace', 'DejaVu Sans Mono')}
</fontconfig>
`;
}

/** Another run may still use the packages that were the right ones when it began. */
async function removeOldRoots(root: string): Promise<void> {
  for (const name of await readdir(join(CACHE, 'roots'))) {
    const path = join(CACHE, 'roots', name);
    const isOld = Date.now() - (await stat(path)).mtimeMs > ROOT_LIFE_MS;
    if (path !== root && isOld) await rm(path, { recursive: true, force: true });
  }
}

/** Removes what a run that was killed has left. */
async function sweepWork(): Promise<void> {
  for (const name of await readdir(CACHE)) {
    const pid = /^work-(\d+)$/.exec(name)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    await rm(join(CACHE, name), { recursive: true, force: true });
  }
}

function readManifest(): Manifest | undefined {
  const text = read(MANIFEST);
  return text === undefined ? undefined : JSON.parse(text);
}

async function writeManifest(work: string, manifest: Manifest): Promise<void> {
  const fresh = join(work, 'tools.json');
  await writeFile(fresh, `${JSON.stringify(manifest, undefined, 2)}\n`);
  await rename(fresh, MANIFEST);
}

function isWhole(tools: Tools): boolean {
  return Object.values(tools).every((path) => existsSync(path));
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
