/**
 * The program that uses the kernel's TCP in a namespace: takes orders on standard input, reports on standard output.
 *
 *     node --import tsx kernel-peer.ts [SETTING=VALUE …]     settings below /proc/sys/net/ipv4
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { patternAt } from '../../support/net/pattern.ts';
import { Meter, type Outcome, type Work } from '../../support/net/work.ts';
import type { Order, Report } from './kernel-orders.ts';

const BUFFER_BYTES = 262_144;
const BACKLOG = 1024;

for (const argument of process.argv.slice(2)) {
  const [setting, value] = argument.split('=') as [string, string];
  writeFileSync(`/proc/sys/net/ipv4/${setting}`, value);
}
for await (const line of createInterface({ input: process.stdin })) obey(JSON.parse(line));
process.exit(0);

function obey(order: Order): void {
  const { id, work } = order;
  const over = (outcome: Outcome) => report({ id, kind: 'over', outcome });
  const options = { allowHalfOpen: true, noDelay: true, highWaterMark: BUFFER_BYTES };
  if (order.kind === 'connect') {
    perform(connect({ ...options, host: order.address, port: order.port }), work).then(over);
    return;
  }
  const server = createServer(options, (socket) => perform(socket, work).then(over));
  server.listen({ port: order.port, host: '::', backlog: BACKLOG }, () =>
    report({ id, kind: 'listening' }),
  );
}

function report(report: Report): void {
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

function perform(socket: Socket, work: Work): Promise<Outcome> {
  const { bytes = work.seconds === undefined ? 0 : Number.POSITIVE_INFINITY, seconds } = work;
  const hash = seconds === undefined ? createHash('sha256') : undefined;
  let meter = new Meter(performance.now());
  let sent = 0;
  let error: string | undefined;

  const write = (until: number) => {
    while (sent < bytes && performance.now() < until) {
      const piece = patternAt(sent, bytes - sent);
      sent += piece.length;
      if (socket.write(piece)) continue;
      socket.once('drain', () => write(until));
      return;
    }
    socket.end();
  };
  const begin = () => {
    meter = new Meter(performance.now());
    if (!work.echo) write(performance.now() + 1000 * (seconds ?? Number.POSITIVE_INFINITY));
  };
  const read = () =>
    socket.on('data', (piece) => {
      meter.add(piece.length, performance.now());
      hash?.update(piece);
      if (work.reset) socket.resetAndDestroy();
      if (!work.echo) return;
      sent += piece.length;
      if (!socket.write(piece)) socket.pause().once('drain', () => socket.resume());
    });

  if (socket.connecting) socket.once('connect', begin);
  else begin();
  if (work.readAfter === undefined) read();
  else setTimeout(read, work.readAfter);
  if (work.echo) socket.once('end', () => socket.end());
  socket.on('error', (cause: NodeJS.ErrnoException) => {
    error = cause.code ?? cause.message;
  });
  return new Promise((resolve) => {
    socket.on('close', () => {
      meter.finish(performance.now());
      resolve({
        received: meter.received,
        sent,
        progress: meter.progress,
        ...(hash === undefined ? {} : { hash: hash.digest('hex') }),
        ...(error === undefined ? {} : { error }),
      });
    });
  });
}
