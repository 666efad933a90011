/** One SSH connection: signing in, and the channels opened on it. */
import type { AuthContext, Connection, Session } from 'ssh2';
import type { TcpDuplex } from '../../network/tcp-duplex.ts';
import { HOSTS, hostName } from '../hosts.ts';
import { Backlog } from './backlog.ts';
import type { Shell } from './commands.ts';
import { type FileTree, HOME } from './file-tree.ts';
import { ShellSession } from './session.ts';
import { serveSftp } from './sftp.ts';

/** Printed wherever there is room for it: it protects nothing. */
export const USER = 'guest';
export const PASSWORD = 'guest';

/** How long somebody may take to sign in, and how long they may be silent then. */
const SIGN_IN_MILLIS = 60_000;
const IDLE_MILLIS = 900_000;

/** Bytes until the client has said who it is, with whatever it sends behind that unasked. @rfc 4253 §4.2 */
const INTRODUCTION_LIMIT = 16_384;

/** Channels at a time. */
const CHANNEL_LIMIT = 8;

export class Guest {
  readonly #duplex: TcpDuplex;
  readonly #backlog: Backlog;
  readonly #patience: NodeJS.Timeout;
  #introduced = false;
  #channels = 0;

  constructor(duplex: TcpDuplex) {
    this.#duplex = duplex;
    this.#backlog = new Backlog(duplex);
    this.#patience = setTimeout(() => duplex.destroy(), SIGN_IN_MILLIS).unref();
    duplex.once('close', () => clearTimeout(this.#patience));
  }

  /** To be called when the library reads already. */
  watch(): void {
    const duplex = this.#duplex;
    this.#backlog.holdBack();
    duplex.on('data', () => {
      if (!this.#introduced && duplex.bytesRead > INTRODUCTION_LIMIT) duplex.resetAndDestroy();
    });
  }

  /** The client has introduced itself. `files`: what its visitor has here. */
  serve(connection: Connection, files: () => FileTree): void {
    const duplex = this.#duplex;
    this.#introduced = true;
    connection.on('error', () => duplex.destroy());
    connection.on('authentication', authenticate);
    connection.on('ready', () => {
      clearTimeout(this.#patience);
      duplex.setTimeout(IDLE_MILLIS, () => duplex.destroy());
    });
    connection.on('session', (accept, reject) => {
      if (this.#channels >= CHANNEL_LIMIT) {
        reject();
        return;
      }
      this.#channels++;
      const session = accept();
      session.on('close', () => this.#channels--);
      this.#serveSession(session, files);
    });
  }

  #serveSession(session: Session, files: () => FileTree): void {
    const backlog = this.#backlog;
    let size: Shell['size'];
    let running: Shell | undefined;
    const shell = (): Shell => ({
      files: files(),
      visitor: this.#duplex.remoteAddress,
      hostName: hostName(HOSTS.shell),
      folder: HOME,
      size,
      running: true,
    });
    session.on('pty', (accept, _, { cols, rows }) => {
      size = { columns: cols, rows };
      accept?.();
    });
    session.on('window-change', (accept, _, { cols, rows }) => {
      if (running !== undefined) running.size = { columns: cols, rows };
      accept?.();
    });
    session.on('shell', (accept) => {
      running = shell();
      const channel = accept();
      new ShellSession(running, channel, backlog).run().catch(() => channel.destroy());
    });
    session.on('exec', (accept, _, { command }) => {
      const channel = accept();
      const single = new ShellSession(shell(), channel, backlog);
      single.runCommand(command).catch(() => channel.destroy());
    });
    session.on('sftp', (accept) => serveSftp(accept(), files(), backlog));
  }
}

function authenticate(context: AuthContext): void {
  const known = context.username === USER;
  if (known && context.method === 'password' && context.password === PASSWORD) context.accept();
  else context.reject(['password']);
}
