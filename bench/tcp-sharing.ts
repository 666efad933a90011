/**
 * Several of our senders behind one simulated bottleneck, in virtual time: what each gets, and how long the queue is.
 *
 *     node --import tsx bench/tcp-sharing.ts [--seconds 30]
 *
 * All start within a second; goodput and queue are means after the first 5 s.
 */
import { parseArgs } from 'node:util';
import type { IpAddress } from '../shared/ip/address.ts';
import type { Algorithm } from '../shared/ip/tcp/congestion/control.ts';
import { DEFAULT_TCP_LIMITS } from '../shared/ip/tcp/environment.ts';
import type { Bytes, Millis } from '../shared/wire/bytes.ts';
import { earliest } from '../shared/wire/machine.ts';
import { asPacket, Host, ip, SERVER } from '../tests/support/ip-pair.ts';
import { Link, type LinkOptions } from '../tests/support/link.ts';

const MEGABIT = 125;
const WARM_UP: Millis = 5000;
const CHUNK = new Uint8Array(65_536);
const PORT = 80;

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '30' } } });
const until = 1000 * Number(values.seconds);

const mixes: readonly (readonly Algorithm[])[] = [
  ['cubic', 'cubic'],
  ['bbr', 'bbr'],
  ['cubic', 'bbr'],
  ['cubic', 'cubic', 'cubic', 'bbr'],
];

for (const buffer of [20, 100, 300]) {
  for (const mix of mixes) {
    const { goodputs, queue, dropped } = share(mix, {
      seed: 1,
      latency: 25,
      rate: 50 * MEGABIT,
      buffer: 50 * MEGABIT * buffer,
    });
    const shares = mix.map((each, i) => `${each} ${goodputs[i]!.toFixed(1)}`).join(', ');
    console.log(
      `50 Mbit/s, ${buffer} ms buffer: ${shares} Mbit/s; queue ${queue.toFixed(0)} ms, ${dropped} dropped`,
    );
  }
}

function share(mix: readonly Algorithm[], link: LinkOptions) {
  const clock = { now: 0 };
  const up = new Link(link);
  const down = new Link({ seed: 2, latency: link.latency });
  const host = (address: IpAddress, out: Link, congestion: Algorithm) =>
    new Host(address, { link, limits: { ...DEFAULT_TCP_LIMITS, congestion } }, clock, out);
  const server = host(SERVER, down, 'cubic');
  const received = new Map<number, number>();
  server.react = (output) => {
    if (output.kind !== 'tcp-data') return;
    const { length } = output.bytes;
    received.set(output.socket, (received.get(output.socket) ?? 0) + length);
    server.tell({ kind: 'tcp-consumed', socket: output.socket, length });
  };
  const owners: number[] = [];
  const clients = mix.map((congestion, i) => {
    const client = host(ip(`10.0.1.${i}`), up, congestion);
    client.react = (output) => {
      const full = output.kind === 'tcp-wrote' && output.length === CHUNK.length;
      if (output.kind !== 'tcp-opened' && output.kind !== 'tcp-writable' && !full) return;
      client.tell({ kind: 'tcp-write', socket: 1, bytes: CHUNK });
    };
    return client;
  });
  server.tell({ kind: 'tcp-listen', listener: 1, port: PORT });
  const arrive = (to: Host, bytes: Bytes) =>
    to.tell({ kind: 'packets', packets: [asPacket(bytes)] });
  const run = (end: Millis) => {
    for (;;) {
      const hosts = [server, ...clients];
      const next = earliest(
        up.deadline,
        down.deadline,
        ...hosts.map((each) => each.stack.deadline),
      );
      if (next === undefined || next > end) break;
      clock.now = Math.max(clock.now, next);
      for (const bytes of up.arrived(clock.now)) arrive(server, bytes);
      // The last byte of the destination's address tells which client.
      for (const bytes of down.arrived(clock.now)) arrive(clients[bytes[19]!]!, bytes);
      for (const each of hosts) {
        if ((each.stack.deadline ?? Number.POSITIVE_INFINITY) <= clock.now) {
          each.tell({ kind: 'timeout' });
        }
      }
    }
    clock.now = end;
  };
  for (const [i, client] of clients.entries()) {
    client.tell({ kind: 'tcp-connect', socket: 1, address: SERVER.bytes, port: PORT });
    run((1000 * (i + 1)) / clients.length);
    owners.push(-1 - i);
  }
  run(WARM_UP);
  const before = new Map(received);
  const { waited, passed } = up;
  run(until);
  return {
    goodputs: owners.map((socket) => {
      const bytes = (received.get(socket) ?? 0) - (before.get(socket) ?? 0);
      return (bytes * 8) / 1000 / (until - WARM_UP);
    }),
    queue: (up.waited - waited) / (up.passed - passed),
    dropped: up.dropped,
  };
}
