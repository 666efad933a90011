import type { TcpLimits } from '../../shared/ip/tcp/environment.ts';
import type { SenderSnapshot } from '../../shared/ip/tcp/snapshot.ts';
import type { Millis } from '../../shared/wire/bytes.ts';
import { Pair, SERVER } from './ip-pair.ts';
import type { LinkOptions } from './link.ts';

const PORT = 80;
const CHUNK = 65_536;

/** An endless upload from one stack to another; only counted, not checked: `Transfer` does that. */
export class Upload {
  readonly pair: Pair;
  received = 0;
  /** Longest time in which nothing new reached the reader, since the first byte. */
  stall: Millis = 0;
  #lastAt: Millis | undefined;

  constructor(link: LinkOptions, limits: TcpLimits, mtu = 1400, clientWakesEvery: Millis = 0) {
    this.pair = new Pair({ link, limits, mtu, clientWakesEvery });
    const { client, server, clock } = this.pair;
    const chunk = new Uint8Array(CHUNK);
    const write = (socket: number) => client.tell({ kind: 'tcp-write', socket, bytes: chunk });
    client.react = (output) => {
      if (output.kind === 'tcp-opened' || output.kind === 'tcp-writable') write(output.socket);
      else if (output.kind === 'tcp-wrote' && output.length === CHUNK) write(output.socket);
    };
    server.react = (output) => {
      if (output.kind !== 'tcp-data') return;
      const { length } = output.bytes;
      this.received += length;
      this.stall = Math.max(this.stall, clock.now - (this.#lastAt ?? clock.now));
      this.#lastAt = clock.now;
      server.tell({ kind: 'tcp-consumed', socket: output.socket, length });
    };
    server.tell({ kind: 'tcp-listen', listener: 1, port: PORT });
    client.tell({ kind: 'tcp-connect', socket: 1, address: SERVER.bytes, port: PORT });
  }

  /** Lets `millis` pass; answers the goodput in that time, in Mbit/s. */
  run(millis: Millis): number {
    const before = this.received;
    const until = this.pair.clock.now + millis;
    this.pair.run(() => false, until);
    this.pair.clock.now = until;
    this.stall = Math.max(this.stall, until - (this.#lastAt ?? until));
    return ((this.received - before) * 8) / 1000 / millis;
  }

  get sender(): SenderSnapshot {
    for (const output of this.pair.client.stack.handle({ kind: 'inspect' }, this.pair.clock.now)) {
      const sender = output.kind === 'connections' ? output.connections[0]?.sender : undefined;
      if (sender !== undefined) return sender;
    }
    throw new Error('no connection');
  }
}
