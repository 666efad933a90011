import { decode, encode } from '@leichtgewicht/dns-packet';
import { describe, expect, it } from 'vitest';
import { TunnelError } from '../../../shared/errors.ts';
import type { Bytes } from '../../../shared/wire/bytes.ts';
import { Sockets } from '../../../web/worker/sockets.ts';
import { Pair } from '../../support/ip-pair.ts';

const HOUR = 3_600_000;

/** The facade over one stack, an echo server with DNS on the other; virtual time runs while promises settle. */
class World {
  readonly pair = new Pair({ link: { seed: 1, latency: 10 } });
  readonly sockets: Sockets;
  /** Bytes the server got. */
  received = 0;
  serverEnded: string[] = [];
  names: Record<string, string[]> = {};

  constructor() {
    const { client, server } = this.pair;
    this.sockets = new Sockets((input) => client.tell(input));
    client.react = (output) => this.sockets.dispatch(output);
    const waiting: Bytes[] = [];
    let ended = false;
    server.react = (output) => {
      switch (output.kind) {
        case 'tcp-data': {
          this.received += output.bytes.length;
          const { socket, bytes } = output;
          waiting.push(bytes);
          server.tell({ kind: 'tcp-consumed', socket, length: bytes.length });
          if (waiting.length === 1) server.tell({ kind: 'tcp-write', socket, bytes });
          return;
        }
        case 'tcp-wrote': {
          const first = waiting.shift()!;
          if (output.length < first.length) waiting.unshift(first.subarray(output.length));
          if (output.length < first.length) return;
          const { socket } = output;
          const next = waiting[0];
          if (next !== undefined) server.tell({ kind: 'tcp-write', socket, bytes: next });
          else if (ended) server.tell({ kind: 'tcp-shutdown', socket });
          return;
        }
        case 'tcp-writable':
          server.tell({ kind: 'tcp-write', socket: output.socket, bytes: waiting[0]! });
          return;
        case 'tcp-end':
          ended = true;
          if (waiting.length > 0) return;
          server.tell({ kind: 'tcp-shutdown', socket: output.socket });
          return;
        case 'tcp-closed':
          this.serverEnded.push(output.failure?.code ?? 'in order');
          return;
        case 'udp-data':
          this.#answer(output.socket, output.address, output.port, output.bytes);
          return;
      }
    };
    server.tell({ kind: 'tcp-listen', listener: 1, port: 7 });
    server.tell({ kind: 'udp-open', socket: 1, port: 53 });
  }

  #answer(socket: number, address: Bytes, port: number, query: Bytes): void {
    const message = decode(query);
    const name = message.questions![0]!.name;
    const data = this.names[name];
    const bytes = new Uint8Array(
      encode({
        ...message,
        type: 'response',
        flags: data === undefined ? 3 : 0,
        answers: (data ?? []).map((each) => ({ type: 'A' as const, name, ttl: 60, data: each })),
      }),
    );
    this.pair.server.tell({ kind: 'udp-send', socket, address, port, bytes });
  }

  /** Lets virtual time pass until `promise` settles. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const mark = () => {
      settled = true;
    };
    promise.then(mark, mark);
    for (let i = 0; i < 100_000 && !settled; i++) {
      for (let tick = 0; tick < 5; tick++) await Promise.resolve();
      if (settled) break;
      this.#step();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return promise;
  }

  /** Lets a second pass. */
  drain(): void {
    this.pair.run(() => false, this.pair.clock.now + 1000);
  }

  #step(): void {
    const before = this.pair.steps;
    this.pair.run(() => this.pair.steps > before, HOUR);
  }
}

async function readAll(readable: ReadableStream<Bytes>): Promise<number[]> {
  const out: number[] = [];
  for await (const chunk of readable) out.push(...chunk);
  return out;
}

describe('Sockets', () => {
  it('connects by address, echoes, ends in order', async () => {
    const world = new World();
    const socket = world.sockets.connect('10.0.0.2', 7);
    const info = await world.settle(socket.opened);
    expect(info).toMatchObject({ remoteAddress: '10.0.0.2', remotePort: 7 });
    const writer = socket.writable.getWriter();
    await world.settle(writer.write(Uint8Array.of(1, 2, 3)));
    await world.settle(writer.close());
    expect(await world.settle(readAll(socket.readable))).toEqual([1, 2, 3]);
    await world.settle(socket.closed);
    world.drain();
    expect(world.serverEnded).toEqual(['in order']);
  });

  it('connects by name, and writes before it is open wait', async () => {
    const world = new World();
    world.names['wiki.corp'] = ['10.0.0.2'];
    const socket = world.sockets.connect('Wiki.Corp', 7);
    const writer = socket.writable.getWriter();
    writer.write(Uint8Array.of(9));
    writer.close();
    expect(await world.settle(readAll(socket.readable))).toEqual([9]);
  });

  it('tries the next address when one refuses', async () => {
    const world = new World();
    world.names['two.corp'] = ['10.0.0.2', '10.0.0.2'];
    const refused = world.sockets.connect('two.corp', 8);
    await expect(world.settle(refused.opened)).rejects.toMatchObject({
      code: 'CONNECTION_REFUSED',
    });
    world.names['half.corp'] = ['10.9.9.9', '10.0.0.2'];
    const socket = world.sockets.connect('half.corp', 7);
    expect(await world.settle(socket.opened)).toMatchObject({ remoteAddress: '10.0.0.2' });
  });

  it('bytes nobody reads close the window; writes wait for room', async () => {
    const world = new World();
    const socket = world.sockets.connect('10.0.0.2', 7);
    await world.settle(socket.opened);
    const writer = socket.writable.getWriter();
    const chunk = new Uint8Array(1_000_000).fill(5);
    let written = 0;
    const writing = (async () => {
      for (let i = 0; i < 8; i++) {
        await writer.write(chunk);
        written++;
      }
      await writer.close();
    })();
    const pause = new Promise<void>((resolve) => setTimeout(resolve, 150));
    await world.settle(pause);
    // One window unread here, one send buffer there, one send buffer here, and the server's own window.
    expect(world.received).toBeLessThan(5_000_000);
    expect(written).toBeLessThan(7);
    let read = 0;
    const reading = (async () => {
      for await (const bytes of socket.readable) read += bytes.length;
    })();
    await world.settle(Promise.all([writing, reading]));
    expect(read).toBe(8_000_000);
  });

  it('failures are TunnelErrors: refused, no such name, silent host, abort by signal', async () => {
    const world = new World();
    const refused = world.sockets.connect('10.0.0.2', 8);
    await expect(world.settle(refused.opened)).rejects.toBeInstanceOf(TunnelError);
    await expect(refused.closed).rejects.toMatchObject({ code: 'CONNECTION_REFUSED' });
    await expect(readAll(refused.readable)).rejects.toMatchObject({ code: 'CONNECTION_REFUSED' });
    const unknown = world.sockets.connect('nowhere.corp', 7);
    await expect(world.settle(unknown.opened)).rejects.toMatchObject({ code: 'NAME_NOT_FOUND' });
    const silent = world.sockets.connect('10.9.9.9', 7);
    await expect(world.settle(silent.opened)).rejects.toMatchObject({ code: 'TIMED_OUT' });
    const controller = new AbortController();
    const aborted = world.sockets.connect('10.9.9.9', 7, { signal: controller.signal });
    controller.abort(new Error('changed my mind'));
    await expect(aborted.opened).rejects.toThrow('changed my mind');
    await expect(aborted.closed).rejects.toThrow('changed my mind');
  });

  it('close() resets the connection', async () => {
    const world = new World();
    const socket = world.sockets.connect('10.0.0.2', 7);
    await world.settle(socket.opened);
    const reading = readAll(socket.readable);
    await world.settle(socket.close());
    await expect(reading).rejects.toMatchObject({ code: 'CONNECTION_RESET' });
    world.drain();
    expect(world.serverEnded).toEqual(['CONNECTION_RESET']);
  });

  it('cancelling the readable ends the connection too', async () => {
    const world = new World();
    const socket = world.sockets.connect('10.0.0.2', 7);
    await world.settle(socket.opened);
    await world.settle(socket.readable.cancel());
    await world.settle(socket.closed);
    world.drain();
    expect(world.serverEnded).toEqual(['CONNECTION_RESET']);
  });

  it('pings, with the time of the stack’s clock', async () => {
    const world = new World();
    const reply = await world.settle(world.sockets.ping('10.0.0.2', { bytes: 100 }));
    expect(reply).toEqual({ address: '10.0.0.2', roundTripMillis: 20, bytes: 100, ttl: 64 });
    const silent = world.sockets.ping('10.9.9.9', { timeoutMillis: 300 });
    await expect(world.settle(silent)).rejects.toMatchObject({ code: 'TIMED_OUT' });
  });

  it('resolves names', async () => {
    const world = new World();
    world.names['a.corp'] = ['10.1.2.3'];
    expect(await world.settle(world.sockets.resolve('a.corp'))).toEqual(['10.1.2.3']);
    expect(await world.sockets.resolve('10.4.4.4')).toEqual(['10.4.4.4']);
  });

  it('closeAll: everything pending fails, and everything later', async () => {
    const world = new World();
    const open = world.sockets.connect('10.0.0.2', 7);
    await world.settle(open.opened);
    const opening = world.sockets.connect('10.9.9.9', 7);
    const ping = world.sockets.ping('10.9.9.9');
    const name = world.sockets.resolve('b.corp');
    const reading = readAll(open.readable);
    await Promise.resolve();
    await Promise.resolve();
    world.sockets.closeAll({ code: 'NOT_CONNECTED' });
    const later = world.sockets.connect('10.0.0.2', 7);
    for (const each of [open.closed, opening.opened, ping, name, reading, later.opened]) {
      await expect(each).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    }
    await expect(world.sockets.ping('10.0.0.2')).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
  });
});
