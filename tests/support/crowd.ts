/**
 * Many of our own clients at once, from Node, each with an account, a tunnel and a page of its own: over a relay that has a
 * playground beside it.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { TunnelError } from '../../shared/errors.ts';
import { RELAY_SUBPROTOCOL } from '../../shared/relay/channels.ts';
import type { Session } from '../../shared/vpn/session.ts';
import type { Bytes, Random } from '../../shared/wire/bytes.ts';
import { wasmSuiteOf } from '../../wasm/index.ts';
import { type RelaySocket, TunnelDriver } from '../../web/worker/driver.ts';
import { Sockets } from '../../web/worker/sockets.ts';
import { wasmModule } from './wasm-suite.ts';

const MAIN = fileURLToPath(new URL('../../relay/main.ts', import.meta.url));

const random: Random = {
  bytes: (length) => webcrypto.getRandomValues(new Uint8Array(length)),
};

/** The program with a playground, for `sessions` clients at a time. */
export class PlaygroundProgram {
  readonly origin: string;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(origin: string, child: ChildProcess, folder: string) {
    this.origin = origin;
    this.#child = child;
    this.#folder = folder;
  }

  static async start(sessions: number): Promise<PlaygroundProgram> {
    const folder = mkdtempSync(join(tmpdir(), 'culvert-crowd-'));
    const file = join(folder, 'culvert.config.json');
    writeFileSync(
      file,
      JSON.stringify({
        listen: { host: '127.0.0.1', port: 0 },
        gateways: [],
        // Each has asked for its account over a connection that stays open a while.
        limits: { sessions: 2 * sessions, sessionsPerAddress: 2 * sessions },
      }),
    );
    const options = ['--config', file, '--no-portal', '--playground'];
    const child = spawn(
      process.execPath,
      ['--import', import.meta.resolve('tsx'), MAIN, ...options],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const origin = await new Promise<string>((resolve, reject) => {
      let out = '';
      child.stdout.on('data', (chunk) => {
        out += chunk;
        const at = /ready at ws:\/\/(\S+)\/culvert/.exec(out)?.[1];
        if (at !== undefined) resolve(`http://${at}`);
      });
      child.once('exit', (code) => reject(new Error(`the program ended (${code}): ${out}`)));
    });
    return new PlaygroundProgram(origin, child, folder);
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    if (this.#child.exitCode === null) await once(this.#child, 'exit');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export interface Visitor {
  readonly session: Session;
  /** One GET of an `http:` URL over a connection of its own: the whole answer. */
  get(url: string): Promise<string>;
  leave(): Promise<void>;
}

/** Takes an account and dials. Rejects with `TunnelError`. */
export async function visit(origin: string): Promise<Visitor> {
  const answer = await fetch(`${origin}/culvert/playground`);
  if (!answer.ok) throw new Error(`no account: status ${answer.status}`);
  const account = await answer.json();
  const suite = wasmSuiteOf(await wasmModule('strict'), random);
  const address = `${origin.replace('http', 'ws')}/culvert`;
  return new Promise((resolve, reject) => {
    let ended: (() => void) | undefined;
    const end = new Promise<void>((done) => {
      ended = done;
    });
    const driver = new TunnelDriver({
      socket: new WebSocket(address, RELAY_SUBPROTOCOL, {
        perMessageDeflate: false,
      }) as unknown as RelaySocket,
      now: () => performance.now(),
      suite,
      random,
      gateway: 'playground',
      credentials: { kind: 'pre-shared-key', key: new TextEncoder().encode(account.preSharedKey) },
      userName: account.userName,
      password: account.password,
      authMethods: ['mschapv2'],
      emit: (output) => {
        if (output.kind === 'network') sockets.dispatch(output.output);
        else if (output.kind === 'connected') {
          resolve({
            session: output.session,
            get: (url) => get(sockets, new URL(url)),
            leave: () => {
              driver.run({ kind: 'close' });
              return end;
            },
          });
        } else if (output.kind === 'closed') {
          const failure = output.failure ?? { code: 'NOT_CONNECTED' };
          sockets.closeAll(failure);
          reject(TunnelError.of(failure));
          ended?.();
        }
      },
    });
    const sockets = new Sockets((input) => driver.network(input));
  });
}

async function get(sockets: Sockets, { hostname, port, pathname }: URL): Promise<string> {
  const socket = sockets.connect(hostname, Number(port || 80));
  const writer = socket.writable.getWriter();
  const lines = [`GET ${pathname} HTTP/1.1`, `Host: ${hostname}`, 'Connection: close', '', ''];
  await writer.write(new TextEncoder().encode(lines.join('\r\n')));
  const text = new TextDecoder();
  let answer = '';
  for await (const chunk of socket.readable as AsyncIterable<Bytes>) {
    answer += text.decode(chunk, { stream: true });
  }
  return answer;
}
