/** A thousand connections at once, each of them echoing: the memory that one takes, both of its ends together. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { IpOutput } from '../../shared/ip/stack.ts';
import { BACKLOG_LIMIT } from '../../shared/ip/tcp/tcp.ts';
import { type Host, Pair, SERVER } from '../../tests/support/ip-pair.ts';
import { answer } from '../harness/part.ts';
import { rowOf } from '../harness/results.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const CONNECTIONS = 1000;
const PORT = 7;
const MESSAGE = new Uint8Array(20_000).fill(7);
const LAPS = 5;
const PATIENCE = 60_000;

await answer(async () => {
  const laps = Array.from({ length: LAPS }, (_, i) => measure(i + 1));
  const head = { bench: 'tcp', where: 'virtual time', unit: 'KB/connection' } as const;
  const row = (name: string, figures: readonly number[]) =>
    rowOf({ ...head, case: `${CONNECTIONS} connections, ${name}` }, figures, {});
  return [
    row(
      'all data on the way',
      laps.map(({ busy }) => busy),
    ),
    row(
      'quiet again',
      laps.map(({ quiet }) => quiet),
    ),
  ];
});

/** KB for each connection while every message is on its way, and after every echo has arrived. */
function measure(seed: number): { busy: number; quiet: number } {
  const pair = new Pair({ link: { seed, latency: 25 } });
  const before = memory();
  const progress = { opened: 0, echoed: 0 };
  pair.client.react = (output) => clientReact(pair.client, output, progress);
  pair.server.react = (output) => serverReact(pair.server, output);
  pair.server.tell({ kind: 'tcp-listen', listener: 1, port: PORT });
  const address = SERVER.bytes;
  for (let socket = 1; socket <= CONNECTIONS; socket++) {
    pair.client.tell({ kind: 'tcp-connect', socket, address, port: PORT });
    const isFull = socket % BACKLOG_LIMIT === 0 || socket === CONNECTIONS;
    if (!isFull) continue;
    expectWithin(pair.run(() => progress.opened === socket, pair.clock.now + PATIENCE));
  }
  for (let socket = 1; socket <= CONNECTIONS; socket++) {
    pair.client.tell({ kind: 'tcp-write', socket, bytes: MESSAGE });
  }
  const busy = memory() - before;
  const all = CONNECTIONS * MESSAGE.length;
  expectWithin(pair.run(() => progress.echoed === all, pair.clock.now + PATIENCE));
  // The last acknowledgments arrive, and with them the end of every retransmission timer.
  pair.run(() => false, pair.clock.now + 1000);
  const quiet = memory() - before;
  return { busy: busy / 1000 / CONNECTIONS, quiet: quiet / 1000 / CONNECTIONS };
}

function clientReact(
  host: Host,
  output: IpOutput,
  progress: { opened: number; echoed: number },
): void {
  if (output.kind === 'tcp-opened') progress.opened++;
  if (output.kind !== 'tcp-data') return;
  progress.echoed += output.bytes.length;
  host.tell({ kind: 'tcp-consumed', socket: output.socket, length: output.bytes.length });
}

function serverReact(host: Host, output: IpOutput): void {
  if (output.kind !== 'tcp-data') return;
  const { socket, bytes } = output;
  host.tell({ kind: 'tcp-consumed', socket, length: bytes.length });
  host.tell({ kind: 'tcp-write', socket, bytes });
}

function expectWithin(done: boolean): void {
  if (!done) throw new Error('not every connection came to its end');
}

/** Bytes in use, on the heap and in buffers, with everything collected that can be. */
function memory(): number {
  // What the first one finds dead, buffers among it, the second gives back.
  collectGarbage();
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
