import { decode, encode } from '@leichtgewicht/dns-packet';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { TunnelError } from '../../../shared/errors.ts';
import type { TcpLimits } from '../../../shared/ip/tcp/environment.ts';
import type { Bytes } from '../../../shared/wire/bytes.ts';
import { Sockets, type TcpSocket } from '../../../web/worker/sockets.ts';
import { UDP_QUEUE_LIMIT } from '../../../web/worker/udp-socket.ts';
import { Pair } from '../../support/ip-pair.ts';

const HOUR = 3_600_000;

/** The facade over one stack, an echo server with DNS on the other; virtual time runs while promises settle. */
class World {
  readonly pair: Pair;
  readonly sockets: Sockets;
  /** Bytes the server got. */
  received = 0;
  serverEnded: string[] = [];
  names: Record<string, string[]> = {};
  timers: { at: number; callback: () => void }[] = [];

  constructor(limits?: TcpLimits) {
    this.pair = new Pair({ link: { seed: 1, latency: 10 }, ...(limits && { limits }) });
    const { client, server } = this.pair;
    this.sockets = new Sockets(
      (input) => client.tell(input),
      (millis, callback) => {
        const timer = { at: this.pair.clock.now + millis, callback };
        this.timers.push(timer);
        return () => {
          this.timers = this.timers.filter((each) => each !== timer);
        };
      },
    );
    client.react = (output) => this.sockets.dispatch(output);
    const waiting: Bytes[] = [];
    let ended = false;
    server.react = (output) => {
      switch (output.kind) {
        case 'tcp-data': {
          this.received += output.bytes.length;
          const { socket, bytes } = output;
          waiting.push(bytes);
          if (waiting.length === 1) server.tell({ kind: 'tcp-write', socket, bytes });
          return;
        }
        case 'tcp-wrote': {
          const first = waiting.shift()!;
          // What it cannot send it does not read.
          server.tell({ kind: 'tcp-consumed', socket: output.socket, length: output.length });
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
          if (output.socket === 2) {
            const { socket, address, port, bytes } = output;
            server.tell({ kind: 'udp-send', socket, address, port, bytes });
            return;
          }
          this.#answer(output.socket, output.address, output.port, output.bytes);
          return;
      }
    };
    server.tell({ kind: 'tcp-listen', listener: 1, port: 7 });
    server.tell({ kind: 'udp-open', socket: 1, port: 53 });
    server.tell({ kind: 'udp-open', socket: 2, port: 7 });
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
    const [timer] = [...this.timers].sort((a, b) => a.at - b.at);
    if (this.pair.run(() => this.pair.steps > before, timer?.at ?? HOUR)) return;
    if (timer === undefined) return;
    this.pair.clock.now = timer.at;
    this.timers = this.timers.filter((each) => each !== timer);
    timer.callback();
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
    const world = new World({ sendBuffer: 1_000_000, receiveBuffer: 1_000_000 });
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
    world.names['xn--mller-kva.corp'] = ['10.1.2.4'];
    expect(await world.settle(world.sockets.resolve('Müller.corp'))).toEqual(['10.1.2.4']);
    const records = await world.settle(world.sockets.lookup('a.corp', 'A'));
    expect(records).toEqual([{ type: 'A', address: Uint8Array.of(10, 1, 2, 3) }]);
  });

  it('reads into buffers of the caller’s, however small', async () => {
    const world = new World();
    const socket = world.sockets.connect('10.0.0.2', 7);
    const writer = socket.writable.getWriter();
    await world.settle(writer.write(Uint8Array.of(1, 2, 3, 4, 5)));
    const reader = socket.readable.getReader({ mode: 'byob' });
    const got: number[] = [];
    for (let i = 0; i < 3; i++) {
      const { value } = await world.settle(reader.read(new Uint8Array(2)));
      got.push(...value!);
    }
    expect(got).toEqual([1, 2, 3, 4, 5]);
    await world.settle(writer.close());
    const last = await world.settle(reader.read(new Uint8Array(2)));
    expect(last).toMatchObject({ done: true });
    await world.settle(socket.closed);
  });

  it('what has arrived in many pieces is one read of 64 KB at most', async () => {
    const world = new World();
    const socket = world.sockets.connect('10.0.0.2', 7);
    const writer = socket.writable.getWriter();
    const sent = Uint8Array.from({ length: 100_000 }, (_, i) => i * 7);
    await world.settle(writer.write(sent));
    world.drain();
    const reader = socket.readable.getReader();
    const first = await world.settle(reader.read());
    const second = await world.settle(reader.read());
    expect(first.value).toHaveLength(65_536);
    expect(second.value).toHaveLength(100_000 - 65_536);
    expect(Buffer.concat([first.value!, second.value!]).equals(sent)).toBe(true);
    // Across the pieces, into a buffer of the caller's too.
    await world.settle(writer.write(sent));
    world.drain();
    reader.releaseLock();
    const byob = socket.readable.getReader({ mode: 'byob' });
    const { value } = await world.settle(byob.read(new Uint8Array(50_001)));
    expect(Buffer.from(value!).equals(sent.subarray(0, 50_001))).toBe(true);
  });

  it('reads where the browser has no byte streams, and closes the window there too', async () => {
    vi.stubGlobal('ReadableByteStreamController', undefined);
    onTestFinished(() => void vi.unstubAllGlobals());
    const world = new World();
    const socket = world.sockets.connect('10.0.0.2', 7);
    expect(() => socket.readable.getReader({ mode: 'byob' })).toThrow(TypeError);
    const writer = socket.writable.getWriter();
    const sent = Uint8Array.from({ length: 300_000 }, (_, i) => i * 7);
    const writing = writer.write(sent).then(() => writer.close());
    world.drain();
    // Nobody has read, so the echo stands still.
    expect(world.received).toBeLessThan(sent.length);
    const got = await world.settle(readAll(socket.readable));
    expect(Buffer.from(got).equals(sent)).toBe(true);
    await world.settle(Promise.all([writing, socket.closed]));
    const reset = world.sockets.connect('10.0.0.2', 7);
    await world.settle(reset.opened);
    const reading = readAll(reset.readable);
    await world.settle(reset.close());
    await expect(reading).rejects.toMatchObject({ code: 'CONNECTION_RESET' });
  });

  it('traces the way: the only hop is the host itself', async () => {
    const world = new World();
    const hops = world.sockets.traceroute('10.0.0.2', { probes: 2 });
    const hop = await world.settle(hops.next());
    const probe = { address: '10.0.0.2', roundTripMillis: 20 };
    expect(hop.value).toEqual({ ttl: 1, probes: [probe, probe], isLast: true });
    expect(await world.settle(hops.next())).toMatchObject({ done: true });
  });

  it.each<[string, (writer: WritableStreamDefaultWriter, socket: TcpSocket) => unknown]>([
    ['close()', (_, socket) => socket.close()],
    ['cancelled readable', (_, socket) => socket.readable.cancel()],
    ['aborted writable', (writer) => writer.abort(new Error('enough'))],
  ])('no write waits for ever: %s', async (_, end) => {
    for (const [bytes, wait] of [
      [1, false],
      [4_000_000, true],
    ] as const) {
      const world = new World({ sendBuffer: 100_000, receiveBuffer: 100_000 });
      const socket = world.sockets.connect('10.0.0.2', 7);
      await world.settle(socket.opened);
      const writer = socket.writable.getWriter();
      const writing = writer.write(new Uint8Array(bytes)).then(
        () => 'written',
        () => 'failed',
      );
      const failed = expect(writer.closed).rejects.toBeInstanceOf(Error);
      if (wait) world.drain();
      await world.settle(Promise.resolve(end(writer, socket)));
      await world.settle(writing);
      await failed;
      await world.settle(socket.closed);
      world.drain();
      expect(world.serverEnded).toEqual(['CONNECTION_RESET']);
    }
  });

  it('no write waits for ever: aborted before it is open', async () => {
    const world = new World();
    const socket = world.sockets.connect('10.9.9.9', 7);
    const writer = socket.writable.getWriter();
    const writing = expect(writer.write(Uint8Array.of(1))).rejects.toBeInstanceOf(Error);
    await Promise.resolve();
    const aborting = writer.abort(new Error('enough'));
    await Promise.all([writing, aborting, socket.closed]);
    expect(world.timers).toEqual([]);
  });

  it('no write waits for ever: reset meanwhile', async () => {
    const world = new World();
    const socket = world.sockets.connect('10.0.0.2', 7);
    await world.settle(socket.opened);
    const writing = socket.writable.getWriter().write(Uint8Array.of(1));
    for (let number = 1; number < 10; number++) {
      const failure = { code: 'CONNECTION_RESET' } as const;
      world.sockets.dispatch({ kind: 'tcp-closed', socket: number, failure });
    }
    await expect(writing).rejects.toMatchObject({ code: 'CONNECTION_RESET' });
  });

  it('an end within an element of the caller’s buffer fails that read, and nothing else', async () => {
    const world = new World();
    const socket = world.sockets.connect('10.0.0.2', 7);
    const writer = socket.writable.getWriter();
    const reader = socket.readable.getReader({ mode: 'byob' });
    const reading = reader.read(new Uint32Array(2));
    const failed = expect(reading).rejects.toBeInstanceOf(TypeError);
    await world.settle(writer.write(Uint8Array.of(1)));
    await world.settle(writer.close());
    await world.settle(socket.closed);
    await failed;
  });

  it('writes any buffer and any view of one byte for byte, and nothing else', async () => {
    const world = new World();
    const socket = world.sockets.connect('10.0.0.2', 7);
    const writer = (socket.writable as WritableStream<unknown>).getWriter();
    const { buffer } = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    for (const chunk of [buffer, new Uint16Array(buffer, 2, 2), new DataView(buffer, 7)]) {
      await world.settle(writer.write(chunk));
    }
    await world.settle(writer.close());
    expect(await world.settle(readAll(socket.readable))).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 3, 4, 5, 6, 8,
    ]);
    const other = world.sockets.connect('10.0.0.2', 7);
    const text = (other.writable as WritableStream<unknown>).getWriter().write('text');
    await expect(world.settle(text)).rejects.toBeInstanceOf(TypeError);
  });

  it('closeAll: nothing more is tried of a race', async () => {
    const world = new World();
    world.names['two.corp'] = ['10.9.9.8', '10.9.9.9'];
    const socket = world.sockets.connect('two.corp', 7);
    await world.settle(world.sockets.resolve('two.corp'));
    expect(world.timers).toHaveLength(1);
    world.sockets.closeAll({ code: 'NOT_CONNECTED' });
    expect(world.timers).toEqual([]);
    await expect(socket.opened).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
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

describe('UDP sockets', () => {
  const text = (each: string) => new Uint8Array(Buffer.from(each));

  it('connected: to one host, and back', async () => {
    const world = new World();
    world.names['echo.corp'] = ['10.0.0.2'];
    const socket = world.sockets.udp({ remote: { host: 'echo.corp', port: 7 } });
    const { localPort } = await world.settle(socket.opened);
    expect(localPort).toBeGreaterThanOrEqual(49_152);
    const reader = socket.readable.getReader();
    const writer = socket.writable.getWriter();
    await world.settle(writer.write({ data: text('hi') }));
    const { value } = await world.settle(reader.read());
    expect(value).toEqual({ data: text('hi'), remoteAddress: '10.0.0.2', remotePort: 7 });
    const pending = reader.read();
    await socket.close();
    expect(await pending).toMatchObject({ done: true });
    await socket.closed;
    await expect(writer.write({ data: text('late') })).rejects.toMatchObject({
      code: 'CONNECTION_RESET',
    });
  });

  it('bound: to whom the datagram says, and from a port of one’s choice', async () => {
    const world = new World();
    const socket = world.sockets.udp({ localPort: 5000 });
    expect(await world.settle(socket.opened)).toEqual({ localPort: 5000 });
    const writer = socket.writable.getWriter();
    const message = { data: text('x'), remoteAddress: '10.0.0.2', remotePort: 7 };
    await world.settle(writer.write(message));
    expect((await world.settle(socket.readable.getReader().read())).value).toEqual(message);
    await expect(writer.write({ data: text('whither') })).rejects.toMatchObject({
      code: 'BAD_INPUT',
    });
  });

  it('what nobody reads is bounded: the newest are dropped', async () => {
    const world = new World();
    const socket = world.sockets.udp({ remote: { host: '10.0.0.2', port: 7 } });
    const { localPort } = await world.settle(socket.opened);
    const data = new Uint8Array(1000);
    for (let i = 0; i < 400; i++) {
      data[0] = i;
      const bytes = data.slice();
      const address = Uint8Array.of(10, 0, 0, 1);
      world.pair.server.tell({ kind: 'udp-send', socket: 2, address, port: localPort, bytes });
    }
    world.drain();
    const reader = socket.readable.getReader();
    let read = 0;
    for (; read < 262; read++) {
      const { value } = await reader.read();
      expect(value?.data[0]).toBe(read & 0xff);
    }
    const next = reader.read();
    await socket.close();
    expect(await next).toMatchObject({ done: true });
    expect(UDP_QUEUE_LIMIT).toBe(262_144);
  });

  it('closed before its host is known, it never opens', async () => {
    const world = new World();
    world.names['echo.corp'] = ['10.0.0.2'];
    const opened: number[] = [];
    const dispatch = world.pair.client.react;
    world.pair.client.react = (output) => {
      if (output.kind === 'udp-opened') opened.push(output.socket);
      dispatch(output);
    };
    const socket = world.sockets.udp({ remote: { host: 'echo.corp', port: 7 } });
    await socket.close();
    await world.settle(world.sockets.resolve('echo.corp'));
    world.drain();
    expect(opened).toEqual([]);
    await expect(socket.opened).rejects.toMatchObject({ code: 'CONNECTION_RESET' });
  });

  it('cancelled before it began, it never opens', async () => {
    const world = new World();
    const inputs: string[] = [];
    const sockets = new Sockets((input) => inputs.push(input.kind));
    const signal = AbortSignal.abort(new Error('too late'));
    await expect(sockets.udp({ signal }).opened).rejects.toThrow('too late');
    expect(inputs).toEqual([]);
    const open = world.sockets.udp();
    await world.settle(open.opened);
    const write = (message: unknown) =>
      (open.writable as WritableStream<unknown>).getWriter().write(message);
    const to = { remoteAddress: '10.0.0.2', remotePort: 70_000 };
    await expect(write({ ...to, data: new ArrayBuffer(2) })).rejects.toMatchObject({
      code: 'BAD_INPUT',
    });
  });

  it('aborted while its host is looked for, no write waits for that', async () => {
    const world = new World();
    const socket = world.sockets.udp({ remote: { host: 'slow.corp', port: 7 } });
    const writer = socket.writable.getWriter();
    const writing = expect(writer.write({ data: Uint8Array.of(1) })).rejects.toBeInstanceOf(Error);
    await Promise.resolve();
    const aborting = writer.abort(new Error('enough'));
    await Promise.all([writing, aborting, socket.closed]);
  });

  it('datagrams are any buffer, or any view of one', async () => {
    const world = new World();
    const socket = world.sockets.udp({ remote: { host: '10.0.0.2', port: 7 } });
    const writer = (socket.writable as WritableStream<unknown>).getWriter();
    const reader = socket.readable.getReader();
    for (const data of [Uint8Array.of(1, 2).buffer, Uint16Array.of(0x201)]) {
      await world.settle(writer.write({ data }));
      const { value } = await world.settle(reader.read());
      expect(value?.data).toEqual(Uint8Array.of(1, 2));
    }
    await expect(world.settle(writer.write({ data: 'text' }))).rejects.toBeInstanceOf(TypeError);
  });

  it('fails by name, by signal, with the tunnel, and when the host says that nobody listens', async () => {
    const world = new World();
    const unknown = world.sockets.udp({ remote: { host: 'nowhere.corp', port: 7 } });
    await expect(world.settle(unknown.opened)).rejects.toMatchObject({ code: 'NAME_NOT_FOUND' });
    const controller = new AbortController();
    const aborted = world.sockets.udp({ signal: controller.signal });
    await world.settle(aborted.opened);
    controller.abort(new Error('enough'));
    await expect(aborted.closed).rejects.toThrow('enough');
    const connected = world.sockets.udp({ remote: { host: '10.0.0.2', port: 9 } });
    await world.settle(connected.opened);
    const failure = { code: 'CONNECTION_REFUSED' } as const;
    const undelivered = {
      kind: 'udp-undelivered',
      sent: true,
      address: Uint8Array.of(10, 0, 0, 2),
      failure,
    } as const;
    for (let socket = 1; socket < 10; socket++) {
      world.sockets.dispatch({ ...undelivered, socket, port: 10 });
      // A router's hint that may pass (RFC 1122 §3.2.2.1).
      const hint = { failure: { code: 'UNREACHABLE' } } as const;
      world.sockets.dispatch({ ...undelivered, ...hint, socket, port: 9 });
    }
    const ended = expect(connected.readable.getReader().read()).rejects.toMatchObject(failure);
    for (let socket = 1; socket < 10; socket++) {
      world.sockets.dispatch({ ...undelivered, socket, port: 9 });
    }
    await ended;
    const last = world.sockets.udp();
    await world.settle(last.opened);
    world.sockets.closeAll({ code: 'NOT_CONNECTED' });
    await expect(last.closed).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    await expect(world.sockets.udp().opened).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
  });
});
