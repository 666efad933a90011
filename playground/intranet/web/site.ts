/** What a web site of the intranet is: requests come in as visits, answers go out as values. `serve.ts` does the rest. */
import type { IncomingMessage } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import type { HostEntry } from '../hosts.ts';

export interface Site {
  readonly host: HostEntry;
  readonly title: string;
  /** May throw a `Refusal`. */
  answer(visit: Visit): Answer | Promise<Answer>;
  /** Takes over a connection whose client asked for WebSocket. */
  upgrade?(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export interface Visit {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: URL;
  /** Whether it came over TLS. */
  readonly secure: boolean;
  /** Dotted address of whoever asks: each visitor has one, and keeps it as long as the tunnel stands. */
  readonly visitor: string;
  /** For the body and the headers. */
  readonly request: IncomingMessage;
}

export interface Answer {
  /** 200 when missing. */
  readonly status?: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | Readable;
}

/** A request that is not answered as it wishes; becomes a page that says so. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export function notFound(): Refusal {
  return new Refusal(404, 'There is no such page here.');
}

/** To another page, which the client asks for with GET. @rfc 9110 §15.4.4 */
export function redirect(to: string, headers: Answer['headers'] = {}): Answer {
  return { status: 303, headers: { ...headers, Location: to }, body: '' };
}
