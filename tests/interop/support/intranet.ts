/**
 * The network behind the gateway: a web server and a name server on `INTRANET_ADDRESS`, reachable through
 * the tunnel only.
 */
import { createCipheriv, createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { preparedTools } from '../../../scripts/support/tools.ts';
import { Daemon } from './daemon.ts';
import type { Namespace } from './namespace.ts';
import { spawnNginx } from './nginx.ts';
import { INTRANET_ADDRESS, INTRANET_DOMAIN } from './softether-config.ts';

export const WIKI_HOST = `wiki.${INTRANET_DOMAIN}`;
/** Text that appears nowhere else: a search for it in a capture means something. */
export const PAGE_MARKER = 'the heron stands in the culvert at dusk';
export const INDEX_PAGE = `<!doctype html>
<html lang="en"><title>Intranet</title><h1>Intranet</h1><p>${PAGE_MARKER}</p></html>
`;

/** Where the big file comes slowly, in how many seconds: for what happens to a tunnel in the meantime. */
export const SLOW_FILES = { '/in-13-s.bin': 13, '/in-5-min.bin': 300 } as const;

const BIG_FILE_BYTES = 20_000_000;
const BIG_FILE_SEED = 'culvert big file';

export interface Intranet {
  /** SHA-256 of `/big.bin`, in hex. */
  readonly bigFileHash: string;
  readonly logs: string;
  stop(): Promise<void>;
}

/** Starts both servers; `folder` is an empty one to live in. The gateway must be up. */
export async function startIntranet(namespace: Namespace, folder: string): Promise<Intranet> {
  const site = join(folder, 'site');
  mkdirSync(site);
  const bigFile = pseudoRandom(BIG_FILE_SEED, BIG_FILE_BYTES);
  writeFileSync(join(site, 'index.html'), INDEX_PAGE);
  writeFileSync(join(site, 'big.bin'), bigFile);
  const slow = Object.entries(SLOW_FILES).map(([path, seconds]) => {
    const rate = Math.round(BIG_FILE_BYTES / seconds);
    return `location = ${path} { alias ${site}/big.bin; limit_rate ${rate}; }`;
  });
  const directives = slow.join('\n    ');
  const daemons = [
    spawnNginx({ namespace, address: INTRANET_ADDRESS, folder, site, directives }),
    startNameServer(namespace),
  ];
  const stop = async () => {
    await Promise.all(daemons.map((daemon) => daemon.stop()));
  };
  try {
    const [web, names] = daemons as [Daemon, Daemon];
    await web.until('listening', () => web.holdsPort('tcp', 80));
    await names.until('listening', () => names.holdsPort('udp', 53));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    bigFileHash: createHash('sha256').update(bigFile).digest('hex'),
    get logs() {
      return daemons.map(({ name, log }) => `--- ${name}\n${log}`).join('\n');
    },
    stop,
  };
}

function startNameServer(namespace: Namespace): Daemon {
  const args = [
    '--keep-in-foreground',
    '--conf-file=/dev/null',
    '--user=root',
    '--pid-file=',
    '--log-facility=-',
    '--no-resolv',
    '--no-hosts',
    '--bind-interfaces',
    `--listen-address=${INTRANET_ADDRESS}`,
    `--local=/${INTRANET_DOMAIN}/`,
    `--host-record=${WIKI_HOST},${INTRANET_ADDRESS}`,
  ];
  return new Daemon('dnsmasq', namespace.spawn(preparedTools().dnsmasq, args));
}

/** Bytes that look random and are the same for the same seed: a key stream. */
function pseudoRandom(seed: string, length: number): Buffer {
  const key = createHash('sha256').update(seed).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}
