import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Host } from '../../../playground/network/host.ts';
import type { Network } from '../../../playground/network/network.ts';
import type { TcpDuplex } from '../../../playground/network/tcp-duplex.ts';
import { IpStack } from '../../../shared/ip/stack.ts';
import { BACKLOG_LIMIT, PEER_BACKLOG_LIMIT } from '../../../shared/ip/tcp/tcp.ts';
import { CopyingSink } from '../../support/ip-pair.ts';
import { nodePrimitives } from '../../support/node-primitives.ts';
import { SeededRandom } from '../../support/random.ts';
import { at, emptyNetwork, readAll } from './world.ts';

const SERVER = '10.99.0.10';

function world(connectionsPerPeer?: number) {
  const { network, visitor } = emptyNetwork();
  const server = new Host(network, {
    address: at(SERVER),
    ...(connectionsPerPeer !== undefined && { connectionsPerPeer }),
  });
  return { network, server, visitor, client: visitor('10.99.1.1') };
}

/** The accepted end of the next connection to port 80. */
function nextConnection(server: Host): Promise<TcpDuplex> {
  return new Promise((resolve) => server.listen(80, resolve));
}

describe('a host’s TCP connections', () => {
  it('carry bytes both ways and end half by half', async () => {
    const { server, client } = world();
    const accepted = nextConnection(server);
    const near = client.connect(at(SERVER), 80);
    expect(near.connecting).toBe(true);
    near.end('question');
    await once(near, 'connect');
    const far = await accepted;
    expect((await readAll(far)).toString()).toBe('question');
    far.end('answer');
    expect((await readAll(near)).toString()).toBe('answer');
    expect(near).toMatchObject({ bytesWritten: 8, bytesRead: 6, remoteAddress: SERVER });
    expect(far).toMatchObject({ remoteAddress: '10.99.1.1', remotePort: near.localPort });
    expect(far.address()).toEqual({ address: SERVER, family: 'IPv4', port: 80 });
  });

  it('hold the peer back where nobody reads, and lose nothing', async () => {
    const { server, client } = world();
    const accepted = nextConnection(server);
    const near = client.connect(at(SERVER), 80);
    const far = await accepted;
    // More than the buffers of both ends hold.
    const piece = Buffer.alloc(65_536, 7);
    let written = 0;
    while (near.write(piece)) written += piece.length;
    for (let i = 0; i < 64; i++) near.write(piece);
    written += 65 * piece.length;
    near.end();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(near.writableLength).toBeGreaterThan(0);
    expect(near.bytesWritten).toBeLessThan(written);
    let read = 0;
    for await (const chunk of far) read += chunk.length;
    expect(read).toBe(written);
  });

  it('are refused where nobody listens', async () => {
    const { client } = world();
    const [error] = await once(client.connect(at(SERVER), 81), 'error');
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('tell one end that the other broke off', async () => {
    const { server, client } = world();
    const accepted = nextConnection(server);
    const near = client.connect(at(SERVER), 80);
    const far = await accepted;
    far.resetAndDestroy();
    const [error] = await once(near, 'error');
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    expect([server.connections, client.connections]).toEqual([0, 0]);
  });

  it('are closed like a kernel’s: with FIN where all was read, with RST where not', async () => {
    const { server, client } = world();
    const accepted: TcpDuplex[] = [];
    server.listen(80, (connection) => accepted.push(connection));
    const [read, unread] = [client.connect(at(SERVER), 80), client.connect(at(SERVER), 80)];
    unread.write('question');
    await expect.poll(() => accepted.map(({ bytesRead }) => bytesRead).sort()).toEqual([0, 8]);
    for (const each of accepted) each.destroy();
    const [error] = await once(unread, 'error');
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    expect(await readAll(read)).toHaveLength(0);
    // The other end is closed: what is sent to it is refused.
    read.write('more');
    expect((await once(read, 'error'))[0]).toMatchObject({ code: 'ECONNRESET' });
  });

  it('deliver what was written before they were closed', async () => {
    const { server, client } = world();
    const accepted = nextConnection(server);
    const near = client.connect(at(SERVER), 80);
    near.write('never read');
    const far = await accepted;
    far.write(Buffer.alloc(300_000, 1));
    far.destroySoon();
    await once(far, 'close');
    near.write('too late');
    expect(await readAll(near)).toHaveLength(300_000);
    near.end();
    await once(near, 'close');
    await expect.poll(() => server.connections).toBe(0);
  });

  it('say when they are idle', async () => {
    const { server, client } = world();
    const accepted = nextConnection(server);
    client.connect(at(SERVER), 80);
    const far = await accepted;
    far.setTimeout(1000);
    far.setTimeout(5);
    await once(far, 'timeout');
    let late = false;
    const heard = () => {
      late = true;
    };
    far.setTimeout(5, heard);
    far.setTimeout(0, heard);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(late).toBe(false);
  });

  it('are bounded for each peer, and the others are served', async () => {
    const { server, client, visitor } = world(2);
    server.listen(80, (connection) => connection.end('here'));
    const kept = [client.connect(at(SERVER), 80), client.connect(at(SERVER), 80)];
    await Promise.all(kept.map((each) => once(each, 'connect')));
    const [error] = await once(client.connect(at(SERVER), 80), 'error');
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    expect((await readAll(visitor('10.99.1.2').connect(at(SERVER), 80))).toString()).toBe('here');
    // What ended makes room.
    for (const each of kept) {
      each.resume().end();
      await once(each, 'close');
    }
    expect((await readAll(client.connect(at(SERVER), 80))).toString()).toBe('here');
  });

  it('end with their peer’s address, at once', async () => {
    const { server, client } = world();
    const accepted = nextConnection(server);
    client.connect(at(SERVER), 80).on('error', () => undefined);
    const far = await accepted;
    client.close();
    server.forget(client.address);
    const [error] = await once(far, 'error');
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    expect(server.connections).toBe(0);
  });
});

describe('connections that are only half open', () => {
  /** A client that sends SYNs and answers nothing; how many of them were answered. */
  function knock(network: Network, address: string, times: number): () => number {
    // By port, as what is answered once is answered again after a while.
    const answered = new Set<number>();
    const attachment = network.attach(at(address), 'client', {
      deliver: (packet) => answered.add(new DataView(packet.buffer).getUint16(22)),
    });
    const stack = new IpStack({
      address: at(address),
      nameServers: [],
      random: new SeededRandom(1),
      primitives: nodePrimitives,
      sink: new CopyingSink(1400, (packet) => attachment.send(packet)),
    });
    for (let socket = 1; socket <= times; socket++) {
      stack.handle({ kind: 'tcp-connect', socket, address: at(SERVER), port: 80 }, 0);
    }
    onTestFinished(() => attachment.detach());
    return () => answered.size;
  }

  it('are bounded for each peer and in all, and keep no other peer out', async () => {
    const { network, server, client } = world();
    server.listen(80, (connection) => connection.end('here'));
    const first = knock(network, '10.99.2.1', 1000);
    await setImmediate();
    await setImmediate();
    expect(first()).toBe(PEER_BACKLOG_LIMIT);
    expect((await readAll(client.connect(at(SERVER), 80))).toString()).toBe('here');
    const more = Array.from({ length: 5 }, (_, i) => knock(network, `10.99.2.${i + 2}`, 100));
    await setImmediate();
    await setImmediate();
    const answered = [first, ...more].map((each) => each()).reduce((sum, each) => sum + each);
    expect(answered).toBe(BACKLOG_LIMIT);
  });
});

describe('a host', () => {
  it('has each port once', () => {
    const { server } = world();
    server.listen(80, () => undefined);
    server.bind(53, () => undefined);
    expect(() => server.listen(80, () => undefined)).toThrow(RangeError);
    expect(() => server.bind(53, () => undefined)).toThrow(RangeError);
  });

  it('exchanges datagrams until the port is closed', async () => {
    const { server, client } = world();
    const echo = server.bind(7, (datagram) => echo.send(datagram));
    const replies: string[] = [];
    const port = client.bind(1000, ({ bytes }) => replies.push(Buffer.from(bytes).toString()));
    const send = (text: string) =>
      port.send({ address: at(SERVER), port: 7, bytes: new Uint8Array(Buffer.from(text)) });
    send('one');
    await expect.poll(() => replies).toEqual(['one']);
    echo.close();
    send('two');
    await setImmediate();
    const next = server.bind(7, ({ address, port: from }) =>
      next.send({ address, port: from, bytes: new Uint8Array(Buffer.from('next')) }),
    );
    send('three');
    await expect.poll(() => replies).toEqual(['one', 'next']);
  });
});
