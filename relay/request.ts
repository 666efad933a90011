/**
 * A request as the relay takes it: without a body, and one at a time on a connection. Node hands over at once whatever a
 * read of a connection brought, and 64 KB are thousands of requests, or of pieces of a body, before anybody else has a
 * turn. What it takes for an upgrade it reads no further than the headers of; so to Node what the relay does not take is one.
 */
import { IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** By connection, the request that is being answered. */
const answering = new WeakMap<Socket, RelayRequest>();

export class RelayRequest extends IncomingMessage {
  /** Whether it asks for an upgrade, or is for a proxy's tunnel, as the parser says. Declared alone: the constructor below this one sets it already. */
  declare private asksForUpgrade: boolean | null;

  /** Read by Node once the headers are there, and again behind all that it has read. */
  get upgrade(): boolean {
    return (this.asksForUpgrade === true && this.#isMeant) || this.hasBody || this.isBehind;
  }

  set upgrade(asks: boolean | null) {
    this.asksForUpgrade = asks;
  }

  /** An upgrade to anything else is ignored, as HTTP has it: some clients ask for HTTP/2 with every request. @rfc 9110 §7.8 */
  get #isMeant(): boolean {
    return this.method === 'CONNECT' || this.headers.upgrade?.toLowerCase() === 'websocket';
  }

  /** Whether it has a body, or asks whether it may send one. */
  get hasBody(): boolean {
    const { expect, 'content-length': length = 0, 'transfer-encoding': coding } = this.headers;
    return expect !== undefined || coding !== undefined || Number(length) !== 0;
  }

  /** Whether another one of its connection is being answered still. Browsers and proxies wait. */
  get isBehind(): boolean {
    return (answering.get(this.socket) ?? this) !== this;
  }

  /** To be called once, before the answer. */
  answeredBy(response: ServerResponse): void {
    answering.set(this.socket, this);
    response.once('finish', () => answering.delete(this.socket));
  }
}
