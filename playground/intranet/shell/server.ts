/** `shell`: an SSH server with a harmless shell and SFTP, over a tree of files that each visitor has for themselves. */
import { createHash } from 'node:crypto';
import ssh2, { type AuthContext, type Connection, type Session } from 'ssh2';
import type { Host } from '../../network/host.ts';
import type { Network } from '../../network/network.ts';
import type { TcpDuplex } from '../../network/tcp-duplex.ts';
import { DOMAIN, HOSTS, hostName } from '../hosts.ts';
import { Visitors } from '../visitors.ts';
import type { Shell } from './commands.ts';
import { FileTree, HOME } from './file-tree.ts';
import { runCommand, runShell } from './session.ts';
import { serveSftp } from './sftp.ts';

const PORT = 22;

/** Printed wherever there is room for it: it protects nothing. */
export const USER = 'guest';
export const PASSWORD = 'guest';

/** How long somebody may take to sign in, and how long they may be silent then. */
const SIGN_IN_MILLIS = 60_000;
const IDLE_MILLIS = 900_000;

/** Visitors whose files are kept at a time. */
const TREE_LIMIT = 128;

/** Channels of one connection at a time. */
const CHANNEL_LIMIT = 8;

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
    ssh2.utils.generateKeyPairSync('ed25519'),
    ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 }),
  ];
  const server = new ssh2.Server({
    hostKeys: keys.map((key) => key.private),
    banner: `A demonstration inside ${DOMAIN}. Sign in as ${USER} with the password ${PASSWORD}.\n`,
  });
  /** Connections by what the library calls them, from the beginning: it tells of them once the client has spoken. */
  const connections = new Map<string, TcpDuplex>();
  server.on('connection', (connection, { ip, port }) => {
    const duplex = connections.get(`${ip}:${port}`)!;
    serveConnection(connection, duplex, () => trees.of(ip));
  });
  host.listen(PORT, (duplex) => {
    const key = `${duplex.remoteAddress}:${duplex.remotePort}`;
    connections.set(key, duplex);
    duplex.once('close', () => connections.delete(key));
    duplex.setTimeout(SIGN_IN_MILLIS, () => duplex.destroy());
    // It asks a socket for no more than this one has.
    server.injectSocket(duplex as never);
  });
  return { fingerprints: keys.map((key) => fingerprintOf(key.public)) };
}

function serveConnection(connection: Connection, duplex: TcpDuplex, files: () => FileTree): void {
  let channels = 0;
  connection.on('error', () => duplex.destroy());
  connection.on('authentication', authenticate);
  connection.on('ready', () => duplex.setTimeout(IDLE_MILLIS));
  connection.on('session', (accept, reject) => {
    if (channels >= CHANNEL_LIMIT) {
      reject();
      return;
    }
    channels++;
    const session = accept();
    session.on('close', () => channels--);
    serveSession(session, duplex.remoteAddress, files);
  });
}

function authenticate(context: AuthContext): void {
  const known = context.username === USER;
  if (known && context.method === 'password' && context.password === PASSWORD) context.accept();
  else context.reject(['password']);
}

function serveSession(session: Session, visitor: string, files: () => FileTree): void {
  const shell = (): Shell => ({
    files: files(),
    visitor,
    hostName: hostName(HOSTS.shell),
    folder: HOME,
    size,
    running: true,
  });
  let size: Shell['size'];
  let running: Shell | undefined;
  session.on('pty', (accept, _, { cols, rows }) => {
    size = { columns: cols, rows };
    accept();
  });
  session.on('window-change', (accept, _, { cols, rows }) => {
    if (running !== undefined) running.size = { columns: cols, rows };
    accept?.();
  });
  session.on('shell', (accept) => {
    running = shell();
    const channel = accept();
    runShell(running, channel).catch(() => channel.destroy());
  });
  session.on('exec', (accept, _, { command }) => {
    const channel = accept();
    runCommand(shell(), channel, command).catch(() => channel.destroy());
  });
  session.on('sftp', (accept) => serveSftp(accept(), files()));
}

function fingerprintOf(publicKey: string): string {
  const [, blob = ''] = publicKey.split(' ');
  const digest = createHash('sha256').update(Buffer.from(blob, 'base64')).digest('base64');
  return `SHA256:${digest.replace(/=+$/, '')}`;
}
