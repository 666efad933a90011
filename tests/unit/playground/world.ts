/** A network with its intranet, and clients that dialled in: what the tests of the playground stand on. */
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import type { Duplex } from 'node:stream';
import { onTestFinished } from 'vitest';
import { startIntranet } from '../../../playground/intranet/index.ts';
import { Host } from '../../../playground/network/host.ts';
import { Network } from '../../../playground/network/network.ts';
import type { TcpDuplex } from '../../../playground/network/tcp-duplex.ts';
import { parseAddress } from '../../../shared/ip/address.ts';
import type { Bytes } from '../../../shared/wire/bytes.ts';

export function at(address: string): Bytes {
  return parseAddress(address)!;
}

export interface Page {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

export interface AskOptions {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  /** Over which connection; one of TCP by default. */
  readonly connect?: () => Duplex;
}

/** A visitor: a host of our stack at a client's address, which asks the hosts that the name server knows. */
export class Visitor extends Host {
  /** Asks `http://10.99.0.11/path` or the like: addresses, not names. */
  async ask(url: string, options: AskOptions = {}): Promise<Page> {
    const { hostname, port, pathname, search } = new URL(url);
    const { method = 'GET', headers = {}, body } = options;
    const connect =
      options.connect ?? (() => this.connect(at(hostname), port === '' ? 80 : Number(port)));
    const agent = new Agent();
    // What Node's agent is given to speak HTTP over need not be a `net.Socket`.
    agent.createConnection = connect as unknown as typeof agent.createConnection;
    return new Promise((resolve, reject) => {
      const asked = request({ agent, method, headers, path: pathname + search }, (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece) => pieces.push(piece));
        response.on('error', reject);
        response.on('end', () => {
          const whole = Buffer.concat(pieces);
          const { statusCode: status = 0, headers } = response;
          resolve({ status, headers, body: whole, text: whole.toString() });
        });
      });
      asked.on('error', reject);
      asked.end(body);
    });
  }

  /** Sends a form, follows no redirect. */
  send(url: string, fields: Record<string, string>, headers = {}): Promise<Page> {
    return this.ask(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams(fields).toString(),
    });
  }
}

/** A network with nothing on it but visitors; everything leaves when the test ends. */
export function emptyNetwork(): { network: Network; visitor: (address: string) => Visitor } {
  const network = new Network();
  const visitor = (address: string) => {
    const made = new Visitor(network, { address: at(address), kind: 'client' });
    onTestFinished(() => made.close());
    return made;
  };
  return { network, visitor };
}

export async function intranet() {
  const made = emptyNetwork();
  const { close, bookmarks } = await startIntranet(made.network);
  onTestFinished(close);
  return { ...made, bookmarks };
}

/** Everything that arrives until the peer ends; this end stays open. */
export async function readAll(connection: TcpDuplex): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of connection.iterator({ destroyOnReturn: false })) pieces.push(piece);
  return Buffer.concat(pieces);
}
