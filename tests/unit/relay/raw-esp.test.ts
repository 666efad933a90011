import { afterEach, expect, test } from 'vitest';
import { type EspPort, RawEsp } from '../../../relay/raw-esp.ts';
import type { SocketEvents } from '../../../relay/sockets.ts';
import { toHex } from '../../../shared/wire/bytes.ts';
import { closeAll, eventually, onClose, packets } from './support.ts';

afterEach(closeAll);

const LOCAL = '127.0.0.1';
const GATEWAY = '127.0.0.11';

/** A port, what arrived at it and what became of what it sent. */
function openPort(raw: RawEsp, local: string, remote: string) {
  const received: string[] = [];
  const counts = { sent: 0, full: 0, failed: 0 };
  const events: SocketEvents = {
    received: (bytes, start, end) => received.push(toHex(bytes.slice(start, end))),
    foreign() {},
    sent: (count) => {
      counts.sent += count;
    },
    full: (count) => {
      counts.full += count;
    },
    failed: (_code, count) => {
      counts.failed += count;
    },
  };
  const port = raw.open(local, remote, events);
  onClose(() => port.close());
  return { port, received, counts };
}

/** Sends the packets as records of one frame. */
function send(raw: RawEsp, port: EspPort, ...sent: Uint8Array[]): void {
  const frame = Buffer.concat(sent);
  let at = 0;
  for (const { length } of sent) {
    port.send(frame, at, at + length, false);
    at += length;
  }
  raw.flush();
}

const spi = (tag: number): number => tag * 2 ** 24;

test('a packet reaches whoever has claimed its SPI, and nobody else', async () => {
  const raw = RawEsp.load()!;
  const gateway = openPort(raw, GATEWAY, LOCAL);
  const one = openPort(raw, LOCAL, GATEWAY);
  const two = openPort(raw, LOCAL, GATEWAY);
  expect([one.port.claim(spi(1)), two.port.claim(spi(2))]).toEqual([true, true]);
  expect([two.port.claim(spi(1)), one.port.claim(spi(1))]).toEqual([false, true]);
  const { unclaimed } = raw;
  send(raw, gateway.port, packets.esp(1), packets.esp(2, 1400), packets.esp(3));
  await eventually(() => raw.unclaimed === unclaimed + 1);
  expect(one.received).toEqual([toHex(packets.esp(1))]);
  expect(two.received).toEqual([toHex(packets.esp(2, 1400))]);
  expect(gateway.counts).toEqual({ sent: 3, full: 0, failed: 0 });
});
