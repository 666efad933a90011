import { randomInt } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { type EspPort, RawEsp } from '../../../relay/raw-esp.ts';
import { toHex } from '../../../shared/wire/bytes.ts';
import { ADDON_OBSTACLE, because, SocketLog } from './addon.ts';
import { closeAll, eventually, onClose, packets } from './support.ts';

afterEach(closeAll);

/** Raw sockets hear what other processes of this host send: addresses that nobody else is likely to use. */
const NETWORK = `127.${16 + randomInt(200)}.${randomInt(256)}`;
const LOCAL = `${NETWORK}.1`;
const GATEWAY = `${NETWORK}.11`;
const OTHER_GATEWAY = `${NETWORK}.12`;

/** A port and what became of its packets, closed with the test. */
function openPort(raw: RawEsp, local: string, remote: string) {
  const log = new SocketLog();
  const port = raw.open(local, remote, log);
  onClose(() => port.close());
  return Object.assign(log, { port });
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

const OBSTACLE =
  ADDON_OBSTACLE ?? (RawEsp.load() === undefined ? 'it needs CAP_NET_RAW' : undefined);

test('raw ESP is there where the tests are to be complete', () => {
  if (process.env.CI) expect(OBSTACLE).toBeUndefined();
});

describe.skipIf(OBSTACLE !== undefined)(`raw ESP${because(OBSTACLE)}`, () => {
  test.each([
    ['IPv4', LOCAL, GATEWAY],
    ['IPv6', '::1', '::1'],
  ])('a packet reaches whoever has claimed its SPI, over %s', async (_family, local, remote) => {
    const raw = RawEsp.load()!;
    const one = openPort(raw, local, remote);
    const two = openPort(raw, local, remote);
    const gateway = openPort(raw, remote, local);
    expect([one.port.claim(spi(1)), two.port.claim(spi(2))]).toEqual([true, true]);
    const { unclaimed } = raw;
    send(
      raw,
      gateway.port,
      packets.esp(1),
      packets.esp(2, 1400),
      packets.esp(3),
      packets.esp(1, 9),
    );
    await eventually(() => raw.unclaimed > unclaimed && one.arrived.length === 2);
    expect(one.arrived.map(toHex)).toEqual([packets.esp(1), packets.esp(1, 9)].map(toHex));
    expect(two.arrived.map(toHex)).toEqual([toHex(packets.esp(2, 1400))]);
    expect(gateway.counts).toEqual({ sent: 4, full: 0, failed: 0 });
  });

  test('an SPI is one session’s until it is released', () => {
    const raw = RawEsp.load()!;
    const [one, two] = [openPort(raw, LOCAL, GATEWAY).port, openPort(raw, LOCAL, GATEWAY).port];
    expect([one.claim(7), two.claim(7), one.claim(7), one.claims]).toEqual([true, false, true, 1]);
    two.release(7);
    expect(two.claim(7)).toBe(false);
    one.release(7);
    expect([two.claim(7), one.claim(7), one.claims]).toEqual([true, false, 0]);
  });

  test('another gateway’s sessions may have the same SPI', () => {
    const raw = RawEsp.load()!;
    expect(openPort(raw, LOCAL, GATEWAY).port.claim(7)).toBe(true);
    expect(openPort(raw, LOCAL, OTHER_GATEWAY).port.claim(7)).toBe(true);
  });

  test('a session that ends gives up what it has claimed', () => {
    const raw = RawEsp.load()!;
    const one = raw.open(LOCAL, GATEWAY, new SocketLog());
    const two = openPort(raw, LOCAL, GATEWAY).port;
    one.claim(7);
    one.close();
    expect(two.claim(7)).toBe(true);
  });

  test('what comes from an address for which nothing is open reaches nobody', async () => {
    const raw = RawEsp.load()!;
    const one = openPort(raw, LOCAL, GATEWAY);
    one.port.claim(spi(1));
    const stranger = openPort(raw, `${NETWORK}.13`, LOCAL);
    const { strangers } = raw;
    send(raw, stranger.port, packets.esp(1));
    await eventually(() => raw.strangers > strangers);
    expect(one.arrived).toEqual([]);
  });

  test('the raw socket goes with the last session', () => {
    const raw = RawEsp.load()!;
    const before = rawSockets();
    const ports = [GATEWAY, GATEWAY, OTHER_GATEWAY].map((gateway) =>
      raw.open(LOCAL, gateway, new SocketLog()),
    );
    expect(rawSockets()).toBe(before + 1);
    for (let i = 0; i < 2000; i++) raw.open(LOCAL, `127.0.1.${i % 200}`, new SocketLog()).close();
    for (const port of ports) port.close();
    expect(rawSockets()).toBe(before);
  });
});

/** This process's sockets for protocol 50; the system's table has the protocol where others have the port. */
function rawSockets(): number {
  const table = readFileSync('/proc/net/raw', 'utf8');
  return readdirSync('/proc/self/fd').filter((fd) => {
    const inode = /^socket:\[(\d+)\]$/.exec(target(`/proc/self/fd/${fd}`))?.[1];
    return inode !== undefined && new RegExp(` [0-9A-F]{8}:0032 .* ${inode} `).test(table);
  }).length;
}

/** Where the link leads; nowhere when it is gone meanwhile. */
function target(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}
