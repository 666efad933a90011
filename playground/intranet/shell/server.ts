/** `shell`: an SSH server with a harmless shell and SFTP, over a tree of files that each visitor has for themselves. */
import { createHash } from 'node:crypto';
import ssh2 from 'ssh2';
import type { Host } from '../../network/host.ts';
import type { Network } from '../../network/network.ts';
import { DOMAIN, HOSTS, hostName } from '../hosts.ts';
import { Visitors } from '../visitors.ts';
import { FileTree, HOME } from './file-tree.ts';
import { Guest, PASSWORD, USER } from './guest.ts';

const PORT = 22;

/** Visitors whose files are kept at a time. */
const TREE_LIMIT = 128;

const FILES: Readonly<Record<string, string>> = {
  '/etc/': '',
  '/etc/hostname': `${hostName(HOSTS.shell)}\n`,
  '/etc/motd': 'This host is made of TypeScript and good intentions.\n',
  '/home/': '',
  [`${HOME}/`]: '',
  [`${HOME}/readme.txt`]: `This is your home on ${hostName(HOSTS.shell)}.

The files are yours alone: other visitors have their own. What you write is kept
in memory, up to 1 MB, and forgotten when your tunnel ends. SFTP sees the same
files.
`,
  [`${HOME}/notes/`]: '',
  [`${HOME}/notes/shopping.txt`]: 'beans\nmilk\na new grinder\n',
  [`${HOME}/notes/haiku.txt`]:
    'A packet sets out,\nwrapped in four others. At last\nonly the words land.\n',
};

export interface ShellServer {
  /** SHA-256 fingerprints of its keys, as SSH clients show them. */
  readonly fingerprints: readonly string[];
}

/** Serves SSH on the host's port 22, with keys made now. */
export function serveShell(host: Host, network: Network): ShellServer {
  const trees = new Visitors(network, () => new FileTree(FILES), TREE_LIMIT);
  // Two, as not every client knows the better one.
  const keys = [
    usable(() => ssh2.utils.generateKeyPairSync('ed25519')),
    usable(() => ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 })),
  ];
  const server = new ssh2.Server({
    hostKeys: keys.map((key) => key.private),
    banner: `A demonstration inside ${DOMAIN}. Sign in as ${USER} with the password ${PASSWORD}.\n`,
  });
  /** By what the library calls them, from the beginning: it tells of a connection once the client has said who it is. */
  const guests = new Map<string, Guest>();
  server.on('connection', (connection, { ip, port }) => {
    guests.get(`${ip}:${port}`)?.serve(connection, () => trees.of(ip));
  });
  host.listen(PORT, (duplex) => {
    const key = `${duplex.remoteAddress}:${duplex.remotePort}`;
    const guest = new Guest(duplex);
    guests.set(key, guest);
    duplex.once('close', () => guests.delete(key));
    // It asks a socket for no more than this one has.
    server.injectSocket(duplex as never);
    guest.watch();
  });
  return { fingerprints: keys.map((key) => fingerprintOf(key.public)) };
}

function fingerprintOf(publicKey: string): string {
  const [, blob = ''] = publicKey.split(' ');
  const digest = createHash('sha256').update(Buffer.from(blob, 'base64')).digest('base64');
  return `SHA256:${digest.replace(/=+$/, '')}`;
}

type HostKey = ReturnType<typeof ssh2.utils.generateKeyPairSync>;

/** ssh2 writes one Ed25519 key in some 270 so that it cannot read it again. */
function usable(generate: () => HostKey): HostKey {
  for (;;) {
    const key = generate();
    if (!(ssh2.utils.parseKey(key.private) instanceof Error)) return key;
  }
}
