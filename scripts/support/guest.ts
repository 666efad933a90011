/**
 * What a Linux gateway in the tests runs on: User-Mode Linux's kernel and a root file system, out of Debian's
 * packages and unpacked under `.cache/linux`. Nothing is configured by the packages' scripts: busybox is the shell
 * and every small tool. Left out: other machines than x86-64, for which Debian has no such kernel.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mustRun } from './command.ts';
import { missingPackages, privateApt, unpack } from './tools.ts';

const CACHE = fileURLToPath(new URL('../../.cache/linux', import.meta.url));
/** Part of the fingerprint: raise it when what is made of the packages changes. */
const FORMAT = 1;
/** How long roots stay that are no longer the right ones: another run may use them. */
const ROOT_LIFE_MS = 24 * 3_600_000;
/** Where a finished root is named. */
const CURRENT = join(CACHE, 'current');

const PACKAGES = [
  'busybox-static',
  'iproute2',
  'iptables',
  'kmod',
  'libcharon-extauth-plugins',
  'libstrongswan-standard-plugins',
  'nftables',
  'ppp',
  'radvd',
  'strongswan-charon',
  'strongswan-starter',
  'user-mode-linux',
  'xl2tpd',
];

/** Has files that strongSwan has as well, and Debian does not install both: it lies in a folder of its own. */
const ASIDE = 'libreswan';

/** What only the packages' own installation needs. */
const NEEDLESS =
  /^(adduser|bind9-.*|debconf|dns-root-data|dpkg|gcc-.*|init-system-helpers|lib(db5|file-find|gdbm|icu|jemalloc|number-compare|perl|semanage|sepol|text-glob|uv1|xml2).*|passwd|perl.*|sysvinit-utils|tar|usrmerge)=/;

const INIT = `#!/bin/busybox sh
# The first process: a writable layer over the root, then what the test gives as \`cfg\`.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb
busybox mount -n -t proc proc /proc
for word in $(busybox cat /proc/cmdline); do case $word in cfg=*) CFG=\${word#cfg=};; esac; done
modprobe overlay
busybox mount -n -t tmpfs -o size=64m tmpfs /overlay
busybox mkdir /overlay/upper /overlay/work /overlay/root
busybox mount -n -t overlay -o lowerdir=/,upperdir=/overlay/upper,workdir=/overlay/work overlay /overlay/root
cd /overlay/root
for name in proc dev; do busybox mount -n --move /$name $name 2>/dev/null || busybox mount -n --rbind /$name $name; done
busybox mount -n -t sysfs sysfs sys
busybox mount -n -t tmpfs tmpfs run
busybox mount -n -t tmpfs tmpfs tmp
busybox mount -n -t hostfs none cfg -o "$CFG"
exec busybox chroot . /bin/sh /cfg/rc
`;

export interface GuestSystem {
  /** The executable that is the kernel. */
  readonly kernel: string;
  readonly root: string;
}

/** Why this machine cannot run such a guest; `undefined` when it can. */
export function guestObstacle(): string | undefined {
  return process.arch === 'x64' ? undefined : 'Debian has User-Mode Linux for x86-64 only';
}

/** Fetches kernel and root when they are missing. Throws when that fails. */
export async function prepareGuest(say: (line: string) => void): Promise<GuestSystem> {
  const name = createHash('sha256')
    .update(JSON.stringify([FORMAT, PACKAGES, ASIDE, NEEDLESS.source, INIT]))
    .update(await readFile('/etc/os-release', 'utf8').catch(() => ''))
    .digest('hex')
    .slice(0, 16);
  const root = join(CACHE, name);
  if (!existsSync(root)) {
    const work = join(CACHE, `work-${process.pid}`);
    try {
      await sweep();
      await fetchRoot(work, say);
      // Another run may have been faster.
      await rename(join(work, 'root'), root).catch((error: unknown) => {
        if (!existsSync(root)) throw error;
      });
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  const fresh = join(CACHE, `current-${process.pid}`);
  await writeFile(fresh, name);
  await rename(fresh, CURRENT);
  return system(root);
}

/** What `prepareGuest` made. Throws when it has not run. */
export async function preparedGuest(): Promise<GuestSystem> {
  const name = await readFile(CURRENT, 'utf8').catch(() => undefined);
  if (name === undefined || !existsSync(join(CACHE, name))) {
    throw new Error('the guest system is missing: run `npm run interop` once');
  }
  return system(join(CACHE, name));
}

/** The command line that runs a program of the root on this machine, with the root's own libraries. */
export function guestProgram(
  { root }: GuestSystem,
  program: string,
  args: readonly string[],
): [file: string, args: string[]] {
  const libraries = ['lib', 'usr/lib'].map((path) => join(root, path, 'x86_64-linux-gnu'));
  const loader = join(root, 'lib64/ld-linux-x86-64.so.2');
  return [loader, ['--library-path', libraries.join(':'), join(root, program), ...args]];
}

/** Removes what a run that was killed has left, and roots that are a day old. */
async function sweep(): Promise<void> {
  for (const name of await readdir(CACHE).catch(() => [])) {
    const path = join(CACHE, name);
    const pid = /^(?:work|current)-(\d+)$/.exec(name)?.[1];
    const isLeft = pid === undefined ? await isOld(path) : !existsSync(`/proc/${pid}`);
    if (isLeft && path !== CURRENT) await rm(path, { recursive: true, force: true });
  }
}

async function isOld(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > ROOT_LIFE_MS;
}

function system(root: string): GuestSystem {
  return { kernel: join(root, 'usr/bin/linux.uml'), root };
}

async function fetchRoot(work: string, say: (line: string) => void): Promise<void> {
  await mkdir(work, { recursive: true });
  const apt = await privateApt(work);
  await apt(['update']);
  // A system without any package lacks them all.
  const empty = join(work, 'status');
  await writeFile(empty, '');
  const simulation = ['-s', '--no-install-recommends', `-oDir::State::status=${empty}`];
  const all = new Set<string>();
  for (const group of [PACKAGES, [ASIDE]]) {
    for (const each of missingPackages(await apt(['install', ...simulation, ...group])))
      all.add(each);
  }
  const packages = [...all].filter((each) => !NEEDLESS.test(each));
  say(`fetching ${packages.length} Debian packages for a Linux gateway into .cache (about 60 MB)`);
  await apt(['download', ...packages]);
  const root = join(work, 'root');
  await mkdir(root);
  await unpackAside(join(work, 'debs'), join(work, 'aside'), join(root, ASIDE));
  await unpack(join(work, 'debs'), root);
  await furnish(root);
}

async function unpackAside(debs: string, aside: string, root: string): Promise<void> {
  await mkdir(aside);
  for (const file of await readdir(debs)) {
    if (file.startsWith(`${ASIDE}_`)) await rename(join(debs, file), join(aside, file));
  }
  await unpack(aside, root);
}

/** What Debian's installation scripts would have made, as far as it is needed. */
async function furnish(root: string): Promise<void> {
  for (const folder of ['cfg', 'dev', 'overlay', 'proc', 'root', 'run', 'sys', 'tmp', 'var/run']) {
    await mkdir(join(root, folder), { recursive: true });
  }
  await rm(join(root, 'lib/modules'), { recursive: true, force: true });
  await symlink('/usr/lib/uml/modules', join(root, 'lib/modules'));
  await linkBusybox(root);
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  await writeFile(join(root, 'etc/group'), 'root:x:0:\n');
  await writeFile(join(root, 'culvert-init'), INIT, { mode: 0o755 });
}

/** A link for each of busybox's commands that no package brings. */
async function linkBusybox(root: string): Promise<void> {
  const folders = ['bin', 'sbin', 'usr/bin', 'usr/sbin'];
  const taken = new Set<string>();
  for (const folder of folders) {
    for (const name of await readdir(join(root, folder)).catch(() => [])) taken.add(name);
  }
  const names = await mustRun(join(root, 'bin/busybox'), ['--list']);
  for (const name of names.trim().split('\n')) {
    if (!taken.has(name)) await symlink('/bin/busybox', join(root, 'bin', name));
  }
}
