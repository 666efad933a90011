/**
 * What it costs a tab to send packets in frames of different sizes: Chromium with all its processes, up to the system's
 * socket. At the other end somebody reads and forgets.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { RECORD_HEADER } from '../../shared/relay/channels.ts';
import { onChromiumPage } from '../harness/chromium.ts';
import { cpuMillis } from '../harness/cpu.ts';
import { answer } from '../harness/part.ts';
import { race } from '../harness/race.ts';
import { frameSizeRow } from './frame-sizes.ts';
import { FRAME_SIZES, PACKET } from './protocols.ts';

const WARM_UP_ROUNDS = 2;
/** Packets of a lap: a multiple of every size. */
const PACKETS = 9600;
/** What waits in the socket at most: as much as makes the tab stop its senders. */
const BUFFERED = 1_000_000;

await answer(async ({ rounds }) => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  let bytes = 0;
  let arrived = (): void => {};
  server.on('connection', (socket) =>
    socket.on('message', (data: Buffer) => {
      bytes += data.length;
      if (bytes === PACKETS * (RECORD_HEADER + PACKET)) arrived();
    }),
  );
  await once(server, 'listening');
  try {
    return await onChromiumPage({}, async (page) => {
      const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      await page.evaluate(connect, url);
      const processes = await page.processes();
      const lap = (size: number) => async (): Promise<number> => {
        bytes = 0;
        const all = new Promise<void>((resolve) => {
          arrived = resolve;
        });
        const before = cpuMillis(processes);
        await page.evaluate(send, [size, PACKETS, RECORD_HEADER + PACKET, BUFFERED] as const);
        await all;
        return (1000 * (cpuMillis(processes) - before)) / PACKETS;
      };
      const laps = await race(
        Object.fromEntries(FRAME_SIZES.map((size) => [String(size), lap(size)])),
        { rounds, warmUp: WARM_UP_ROUNDS },
      );
      return [frameSizeRow('tab', 'Chromium', (size) => laps[String(size)]!)];
    });
  } finally {
    server.close();
  }
});

type SocketPlace = { socket: WebSocket };

/** Runs in the page. */
async function connect(url: string): Promise<void> {
  const socket = new WebSocket(url);
  (globalThis as unknown as SocketPlace).socket = socket;
  await new Promise((resolve) => {
    socket.onopen = resolve;
  });
}

/** Runs in the page: each frame is a buffer of its own into which its packets are copied, as in the tab. */
async function send([size, packets, length, buffered]: readonly [
  number,
  number,
  number,
  number,
]): Promise<void> {
  const { socket } = globalThis as unknown as SocketPlace;
  const packet = new Uint8Array(length).fill(0xa5);
  for (let sent = 0; sent < packets; sent += size) {
    const frame = new Uint8Array(size * length);
    for (let i = 0; i < size; i++) frame.set(packet, i * length);
    socket.send(frame);
    while (socket.bufferedAmount > buffered) await new Promise((resolve) => setTimeout(resolve));
  }
}
