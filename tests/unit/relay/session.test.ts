import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { GatewayConfig } from '../../../relay/config.ts';
import { IKE_RESERVE, QUEUE_MARK } from '../../../relay/outbox.ts';
import { MOVES_LIMIT } from '../../../relay/session.ts';
import { Channel, FRAME_BYTES_LIMIT } from '../../../shared/relay/channels.ts';
import { REFUSALS } from '../../../shared/relay/close-codes.ts';
import { encodeControl } from '../../../shared/relay/control.ts';
import { forEachRecord } from '../../../shared/relay/frames.ts';
import { toHex } from '../../../shared/wire/bytes.ts';
import { because } from './addon.ts';
import {
  closeAll,
  eventually,
  FakeGateway,
  http,
  packets,
  relayFor,
  Tab,
  tcp,
  udpSocket,
} from './support.ts';

afterEach(closeAll);

const NOWHERE: GatewayConfig = { id: 'office', name: 'Office', address: '127.0.0.2' };

describe('opening', () => {
  test('tells where the relay sends from and to', async () => {
    const gateway = await FakeGateway.start();
    const relay = await relayFor([gateway.config()]);
    const opened = await new Tab(relay).open();
    expect(opened).toEqual({
      type: 'opened',
      gateway: { id: 'office', name: 'Office', address: '127.0.0.2' },
      local: opened.local,
      remote: gateway.config().ports,
      channels: ['ike', 'natt', 'l2tp'],
      nat: 'possible',
      mtu: 1500,
      limits: { frameBytes: 131_072, recordBytes: 65_507 },
    });
    const { address, ike, natt, l2tp } = opened.local;
    expect(address).toMatch(/^127\./);
    expect(new Set([ike, natt, l2tp]).size).toBe(3);
  });

  test('the usual ports without others', async () => {
    const relay = await relayFor([NOWHERE]);
    const { remote } = await new Tab(relay).open();
    expect(remote).toEqual({ ike: 500, natt: 4500, l2tp: 1701 });
  });

  test('a host name is resolved when the session opens', async () => {
    const gateway = await FakeGateway.start('127.0.0.3');
    const relay = await relayFor(
      [gateway.config({ address: 'vpn.example' })],
      {},
      { resolve: async (name) => (name === 'vpn.example' ? '127.0.0.3' : '') },
    );
    const tab = new Tab(relay);
    const opened = await tab.open();
    expect(opened.gateway.address).toBe('127.0.0.3');
    tab.send(['ike', packets.ike(1)]);
    await eventually(() => gateway.received.length === 1);
  });

  test('two sessions have sockets of their own', async () => {
    const gateway = await FakeGateway.start();
    const relay = await relayFor([gateway.config()]);
    const [one, two] = [new Tab(relay), new Tab(relay)];
    const [first, second] = await Promise.all([one.open(), two.open()]);
    gateway.send('natt', packets.esp(1), first.local);
    gateway.send('natt', packets.esp(2), second.local);
    await eventually(() => one.records.length + two.records.length === 2);
    expect(one.records).toEqual([[Channel.natt, toHex(packets.esp(1))]]);
    expect(two.records).toEqual([[Channel.natt, toHex(packets.esp(2))]]);
  });
});

describe('moving', () => {
  test('to another address of the gateway’s, and back', async () => {
    const [one, two] = [await FakeGateway.start(), await FakeGateway.start('127.0.0.8')];
    const ports = { ike: two.port('ike'), natt: two.port('natt'), l2tp: two.port('l2tp') };
    const relay = await relayFor([one.config({ addresses: ['127.0.0.8'], ports })]);
    const tab = new Tab(relay);
    const first = await tab.open();
    for (const address of ['127.0.0.8', '127.0.0.2', '127.0.0.8']) {
      const opened = await tab.move(address);
      expect(opened).toMatchObject({ type: 'opened', gateway: { id: 'office', address } });
      expect(opened.local.natt).not.toBe(first.local.natt);
      two.send('natt', packets.esp(1), first.local);
    }
    tab.send(['natt', packets.esp(2)]);
    await eventually(() => two.received.length === 1);
    two.send('natt', packets.esp(3), {
      ...first.local,
      ...two.received[0]!.from,
      natt: two.received[0]!.from.port,
    });
    await eventually(() => tab.records.length === 1);
    expect(tab.records).toEqual([[Channel.natt, toHex(packets.esp(3))]]);
  });

  test('to any other is refused, and a gateway that was not opened moves nowhere', async () => {
    const gateway = await FakeGateway.start();
    const relay = await relayFor([
      gateway.config({ addresses: ['127.0.0.8'] }),
      { ...NOWHERE, id: 'other', address: '127.0.0.9' },
    ]);
    const tab = new Tab(relay);
    await tab.open();
    tab.socket.send(encodeControl({ type: 'move', address: '127.0.0.9' }));
    const { close } = REFUSALS.RELAY_FOREIGN_ADDRESS;
    expect(await tab.refusal()).toEqual({ code: 'RELAY_FOREIGN_ADDRESS', close });
    const early = new Tab(relay);
    await once(early.socket, 'open');
    early.socket.send(encodeControl({ type: 'move', address: '127.0.0.2' }));
    expect((await early.refusal()).code).toBe('RELAY_OUT_OF_ORDER');
  });

  test('gives no new burst', async () => {
    const gateway = await FakeGateway.start();
    const relay = await relayFor([gateway.config()], { limits: { packetsPerSecond: 100 } });
    const tab = new Tab(relay);
    await tab.open();
    const started = performance.now();
    const burst = Array.from({ length: 300 }, () => ['natt', packets.esp(1)] as const);
    for (let sent = burst.length; sent <= 5 * burst.length; sent += burst.length) {
      tab.send(...burst);
      await eventually(() => relay.counters.toGateway + relay.counters.overRate === sent);
      await tab.move(gateway.address);
    }
    const seconds = (performance.now() - started) / 1000;
    expect(relay.counters.toGateway).toBeLessThanOrEqual(256 + 100 * seconds);
  });

  test('more often than a gateway has addresses is refused', async () => {
    const relay = await relayFor([NOWHERE]);
    const tab = new Tab(relay);
    await tab.open();
    for (let i = 0; i < MOVES_LIMIT; i++) await tab.move(NOWHERE.address);
    tab.socket.send(encodeControl({ type: 'move', address: NOWHERE.address }));
    expect((await tab.refusal()).code).toBe('RELAY_OUT_OF_ORDER');
  });

  test('records in the middle of it are out of order', async () => {
    const relay = await relayFor([NOWHERE]);
    const tab = new Tab(relay);
    await tab.open();
    tab.socket.send(encodeControl({ type: 'move', address: '127.0.0.2' }));
    tab.send(['ike', packets.ike(1)]);
    expect((await tab.refusal()).code).toBe('RELAY_OUT_OF_ORDER');
  });
});

describe('packets', () => {
  test('a batch goes out datagram by datagram, in order', async () => {
    const gateway = await FakeGateway.start();
    const relay = await relayFor([gateway.config()]);
    const tab = new Tab(relay);
    const { local } = await tab.open();
    tab.send(
      ['ike', packets.ike(1)],
      ['natt', packets.esp(2)],
      ['natt', packets.esp(3)],
      ['l2tp', packets.l2tp(0)],
    );
    await eventually(() => gateway.received.length === 4);
    expect(
      gateway.received.filter(({ channel }) => channel === 'natt').map(({ hex }) => hex),
    ).toEqual([toHex(packets.esp(2)), toHex(packets.esp(3))]);
    for (const { channel, from } of gateway.received) expect(from.port).toBe(local[channel]);
    expect(relay.counters.toGateway).toBe(4);
  });

  test('a burst comes back in few frames, in order', async () => {
    const gateway = await FakeGateway.start();
    const relay = await relayFor([gateway.config()]);
    const tab = new Tab(relay);
    const { local } = await tab.open();
    const sent = Array.from({ length: 60 }, (_, i) => packets.esp(i + 1, 1200));
    for (const packet of sent) gateway.send('natt', packet, local);
    await eventually(() => tab.records.length === 60);
    expect(tab.records.map(([, hex]) => hex)).toEqual(sent.map(toHex));
    expect(tab.frames.length).toBeLessThan(60);
    expect(relay.counters.toTab).toBe(60);
  });

  test('one frame of a thousand keepalives', async () => {
    const gateway = await FakeGateway.start();
    const relay = await relayFor([gateway.config()]);
    const tab = new Tab(relay);
    await tab.open();
    tab.send(...Array.from({ length: 1000 }, () => ['natt', new Uint8Array([0xff])] as const));
    await eventually(() => relay.counters.toGateway === 1000);
  });

  test('a thousand frames of one keepalive', async () => {
    const gateway = await FakeGateway.start();
    const relay = await relayFor([gateway.config()]);
    const tab = new Tab(relay);
    await tab.open();
    for (let i = 0; i < 1000; i++) tab.send(['natt', new Uint8Array([0xff])]);
    await eventually(() => relay.counters.toGateway === 1000);
  });

  test('a frame that arrives one byte at a time', async () => {
    const gateway = await FakeGateway.start();
    const relay = await relayFor([gateway.config()]);
    const socket = await tcp(relay);
    socket.setNoDelay(true);
    socket.write(
      `GET /culvert HTTP/1.1\r\nHost: 127.0.0.1:${relay.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: culvert.v1\r\n\r\n',
    );
    await once(socket, 'data');
    socket.write(masked(0x81, Buffer.from(encodeControl({ type: 'open', gateway: 'office' }))));
    await once(socket, 'data');
    for (const byte of masked(0x82, Buffer.from('010001ff0100020102010001ff', 'hex'))) {
      socket.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(() => gateway.received.length === 2);
    expect(relay.counters.badShapeFromTab).toBe(1);
  });

  test('what has not the channel’s shape passes in neither direction', async () => {
    const gateway = await FakeGateway.start();
    const relay = await relayFor([gateway.config()]);
    const tab = new Tab(relay);
    const { local } = await tab.open();
    const noise = new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n and then some more');
    tab.send(
      ['ike', noise],
      ['l2tp', noise],
      ['natt', new Uint8Array(40)],
      ['ike', packets.ike(9)],
    );
    gateway.send('ike', noise, local);
    gateway.send('l2tp', noise, local);
    gateway.send('natt', new Uint8Array(40), local);
    gateway.send('ike', packets.ike(8), local);
    await eventually(() => gateway.received.length === 1 && tab.records.length === 1);
    await eventually(() => relay.counters.badShapeFromGateway === 3);
    expect(gateway.received[0]!.hex).toBe(toHex(packets.ike(9)));
    expect(tab.records).toEqual([[Channel.ike, toHex(packets.ike(8))]]);
    expect(relay.counters.badShapeFromTab).toBe(3);
  });
});

describe('addresses', () => {
  test('what comes from elsewhere never reaches the tab', async () => {
    const gateway = await FakeGateway.start();
    const relay = await relayFor([gateway.config()]);
    const tab = new Tab(relay);
    const { local } = await tab.open();
    const stranger = await udpSocket('127.0.0.9');
    const neighbour = await udpSocket(gateway.address);
    stranger.send(packets.ike(1), local.ike, local.address);
    stranger.send(packets.esp(1), local.natt, local.address);
    stranger.send(packets.l2tp(5), local.l2tp, local.address);
    neighbour.send(packets.ike(1), local.ike, local.address);
    neighbour.send(packets.esp(1), local.natt, local.address);
    await eventually(() => relay.counters.foreign === 1);
    gateway.send('ike', packets.ike(7), local);
    gateway.send('natt', packets.esp(7), local);
    gateway.send('l2tp', packets.l2tp(7), local);
    await eventually(() => tab.records.length === 3);
    expect(new Set(tab.records.map(([, hex]) => hex))).toEqual(
      new Set([packets.ike(7), packets.esp(7), packets.l2tp(7)].map(toHex)),
    );
  });

  test('L2TP may answer from another port, which is then followed', async () => {
    const gateway = await FakeGateway.start();
    const relay = await relayFor([gateway.config()]);
    const tab = new Tab(relay);
    const { local } = await tab.open();
    const other = await udpSocket(gateway.address);
    const heard: string[] = [];
    other.on('message', (bytes) => heard.push(bytes.toString('hex')));
    other.send(packets.l2tp(7), local.l2tp, local.address);
    await eventually(() => tab.records.length === 1);
    tab.send(['l2tp', packets.l2tp(7)], ['l2tp', packets.l2tp(0)]);
    await eventually(() => heard.length === 1 && gateway.received.length === 1);
    expect(heard).toEqual([toHex(packets.l2tp(7))]);
    expect(gateway.received[0]!.hex).toBe(toHex(packets.l2tp(0)));
  });

  test('L2TP may answer from another address that is the gateway’s', async () => {
    const gateway = await FakeGateway.start();
    const relay = await relayFor([gateway.config({ addresses: ['127.0.0.8'] })]);
    const tab = new Tab(relay);
    const { local } = await tab.open();
    const other = await udpSocket('127.0.0.8');
    other.send(packets.l2tp(7), local.l2tp, local.address);
    other.send(packets.esp(7), local.natt, local.address);
    await eventually(() => tab.records.length === 1);
    expect(tab.records).toEqual([[Channel.l2tp, toHex(packets.l2tp(7))]]);
  });

  test('an ICMP error is told, at most once a second, and ends nothing', async () => {
    const gateway = await FakeGateway.start();
    const relay = await relayFor([gateway.config()]);
    const tab = new Tab(relay);
    const { local } = await tab.open();
    gateway.stop('ike');
    // Again and again: the system sends so many ICMP errors a second and no more, whoever they are for.
    const provoke = (errors: number) =>
      eventually(() => {
        tab.send(['ike', packets.ike(1)]);
        return relay.counters.unreachable >= errors;
      });
    await provoke(1);
    expect(await tab.message()).toEqual({
      type: 'unreachable',
      channel: 'ike',
      reason: 'ECONNREFUSED',
    });
    await provoke(2);
    gateway.send('natt', packets.esp(1), local);
    await eventually(() => tab.records.length === 1);
  });

  test('a datagram the system refuses is counted', async () => {
    const relay = await relayFor([{ ...NOWHERE, address: '127.0.0.255' }]);
    const tab = new Tab(relay);
    await tab.open();
    tab.send(['ike', packets.ike(1, 65_507)], ['natt', new Uint8Array([0xff])]);
    await eventually(
      () => relay.counters.sendFailed + relay.counters.unreachable + relay.counters.toGateway >= 2,
    );
  });
});

describe('refusals', () => {
  test.each<[keyof typeof REFUSALS, (tab: Tab) => unknown]>([
    ['RELAY_UNKNOWN_GATEWAY', (tab) => tab.socket.send('{"type":"open","gateway":"elsewhere"}')],
    ['RELAY_BAD_MESSAGE', (tab) => tab.socket.send('{"type":"open","gateway":"127.0.0.1:22"}')],
    ['RELAY_BAD_MESSAGE', (tab) => tab.socket.send('hello')],
    ['RELAY_OUT_OF_ORDER', (tab) => tab.send(['ike', packets.ike(1)])],
    ['RELAY_OPEN_TIMEOUT', () => {}],
  ])('%s before a gateway is open', async (code, act) => {
    const relay = await relayFor([NOWHERE], { limits: { openSeconds: 0.5 } });
    const tab = new Tab(relay);
    await once(tab.socket, 'open');
    act(tab);
    expect(await tab.refusal()).toEqual({ code, close: REFUSALS[code].close });
  });

  test.each<[keyof typeof REFUSALS, (tab: Tab) => unknown]>([
    ['RELAY_OUT_OF_ORDER', (tab) => tab.socket.send('{"type":"open","gateway":"office"}')],
    ['RELAY_BAD_MESSAGE', (tab) => tab.socket.send('')],
    ['RELAY_BAD_FRAME', (tab) => tab.socket.send(Buffer.alloc(0))],
    ['RELAY_BAD_FRAME', (tab) => tab.socket.send(Buffer.from('0000', 'hex'))],
    ['RELAY_BAD_FRAME', (tab) => tab.socket.send(Buffer.from('000000', 'hex'))],
    ['RELAY_BAD_FRAME', (tab) => tab.socket.send(Buffer.from('000002ff', 'hex'))],
    ['RELAY_BAD_FRAME', (tab) => tab.socket.send(Buffer.from('020001ff', 'hex'))],
    ['RELAY_BAD_FRAME', (tab) => tab.socket.send(Buffer.from('040001ff', 'hex'))],
    ['RELAY_BAD_FRAME', (tab) => tab.socket.send(Buffer.from('010001ff01', 'hex'))],
  ])('%s while a gateway is open (%#)', async (code, act) => {
    const relay = await relayFor([NOWHERE]);
    const tab = new Tab(relay);
    await tab.open();
    act(tab);
    expect(await tab.refusal()).toEqual({ code, close: REFUSALS[code].close });
    expect(relay.counters.toGateway).toBe(0);
  });

  test('RELAY_OUT_OF_ORDER while the gateway’s name is being resolved', async () => {
    const relay = await relayFor(
      [{ ...NOWHERE, address: 'slow.example' }],
      {},
      { resolve: () => new Promise(() => {}) },
    );
    const tab = new Tab(relay);
    await once(tab.socket, 'open');
    tab.socket.send('{"type":"open","gateway":"office"}');
    tab.send(['ike', packets.ike(1)]);
    expect((await tab.refusal()).code).toBe('RELAY_OUT_OF_ORDER');
  });

  test.each([
    ['has no address', { ...NOWHERE, address: 'gone.example' }],
    ['cannot be sent to', { ...NOWHERE, address: '255.255.255.255' }],
  ])('RELAY_UNREACHABLE_GATEWAY when it %s', async (_why, gateway) => {
    const relay = await relayFor(
      [gateway],
      {},
      { resolve: () => Promise.reject(new Error('gone')) },
    );
    const tab = new Tab(relay);
    await once(tab.socket, 'open');
    tab.socket.send('{"type":"open","gateway":"office"}');
    const code = 'RELAY_UNREACHABLE_GATEWAY';
    expect(await tab.refusal()).toEqual({ code, close: REFUSALS[code].close });
  });

  test('RELAY_FRAME_TOO_BIG closes with 1009 and no message', async () => {
    const relay = await relayFor([NOWHERE]);
    const tab = new Tab(relay);
    await tab.open();
    tab.socket.send(Buffer.alloc(FRAME_BYTES_LIMIT + 1));
    expect(await tab.closed).toBe(REFUSALS.RELAY_FRAME_TOO_BIG.close);
  });

  test('RELAY_IDLE when nothing comes from the tab, whatever comes from the gateway', async () => {
    const gateway = await FakeGateway.start();
    const relay = await relayFor([gateway.config()], { limits: { idleSeconds: 0.6 } });
    const [quiet, busy] = [new Tab(relay), new Tab(relay)];
    const [{ local }] = await Promise.all([quiet.open(), busy.open()]);
    const beat = setInterval(() => {
      busy.send(['natt', new Uint8Array([0xff])]);
      gateway.send('natt', packets.esp(1), local);
    }, 20);
    try {
      expect(await quiet.refusal()).toEqual({
        code: 'RELAY_IDLE',
        close: REFUSALS.RELAY_IDLE.close,
      });
      expect(busy.socket.readyState).toBe(WebSocket.OPEN);
    } finally {
      clearInterval(beat);
    }
  });

  test.each([
    ['in all', { sessions: 2 }],
    ['from one address', { sessionsPerAddress: 2 }],
  ])('RELAY_FULL when there are too many %s, until one leaves', async (_what, limits) => {
    const relay = await relayFor([NOWHERE], { limits });
    const [one, two] = [new Tab(relay), new Tab(relay)];
    await Promise.all([one.open(), two.open()]);
    const code = 'RELAY_FULL';
    for (let i = 0; i < 3; i++) {
      expect(await new Tab(relay).refusal()).toEqual({ code, close: REFUSALS[code].close });
    }
    one.socket.close();
    await one.closed;
    while (JSON.parse((await http(relay, '/culvert/health')).body).sessions > 1);
    await new Tab(relay).open();
  });

  const lab = laboratoryObstacle();

  test.skipIf(lab !== undefined)(
    `RELAY_FULL when the system has no more ports${because(lab)}`,
    () => {
      // Three sessions' and one more, in a network namespace of their own.
      const { stdout, stderr } = spawnSync(
        'unshare',
        [
          '-n',
          'sh',
          '-c',
          'ip link set lo up && echo 40000 40009 >/proc/sys/net/ipv4/ip_local_port_range && exec "$0" --import tsx "$1"',
          process.execPath,
          new URL('./few-ports.ts', import.meta.url).pathname,
        ],
        { encoding: 'utf8' },
      );
      expect(stderr).toBe('');
      expect(JSON.parse(stdout)).toEqual({ stood: 3, refusal: 'RELAY_FULL' });
    },
  );

  test('RELAY_SHUTTING_DOWN when the relay stops', async () => {
    const relay = await relayFor([NOWHERE]);
    const tab = new Tab(relay);
    await tab.open();
    const [refusal] = await Promise.all([tab.refusal(), relay.close()]);
    const code = 'RELAY_SHUTTING_DOWN';
    expect(refusal).toEqual({ code, close: REFUSALS[code].close });
  });

  test('a tab that ignores the close is cut off', async () => {
    const relay = await relayFor([NOWHERE]);
    const tab = new Tab(relay);
    await tab.open();
    tab.socket.pause();
    await relay.close();
  });
});

describe('a tab that does not read', () => {
  test('costs a bounded amount of memory; IKE is dropped last', async () => {
    const gateway = await FakeGateway.start();
    const relay = await relayFor([gateway.config()]);
    const tab = new Tab(relay);
    const { local } = await tab.open();
    const sizes = new Map<number, number>();
    tab.socket.on('message', (frame: Buffer<ArrayBuffer>) => {
      forEachRecord(frame, (_channel, start, end) => {
        sizes.set(end - start, (sizes.get(end - start) ?? 0) + 1);
      });
    });
    tab.socket.pause();
    const packet = packets.esp(1, 1400);
    // The kernel's own buffers take some megabytes first.
    while (relay.counters.queueToTab < 500) {
      for (let i = 0; i < 50; i++) gateway.send('natt', packet, local);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { toTab, queueToTabIke } = relay.counters;
    expect(queueToTabIke).toBe(0);
    gateway.send('ike', packets.ike(1), local);
    await eventually(() => relay.counters.toTab > toTab);
    const before = relay.counters.toTab;
    while (relay.counters.queueToTabIke < 50) {
      for (let i = 0; i < 10; i++) gateway.send('ike', packets.ike(2, 1400), local);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const reserve = (relay.counters.toTab - before) * 1403;
    expect(reserve).toBeLessThan(IKE_RESERVE + QUEUE_MARK);
    expect(reserve).toBeGreaterThan(IKE_RESERVE / 2);

    // A longer flood changes nothing: 17 MB more come in and are gone.
    const memory = arrayBuffers();
    const dropped = relay.counters.queueToTab;
    while (relay.counters.queueToTab < dropped + 12_000) {
      for (let i = 0; i < 100; i++) gateway.send('natt', packet, local);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(arrayBuffers() - memory).toBeLessThan(8 * 1024 * 1024);

    // What was not dropped arrives in the end, the IKE message among it.
    tab.socket.resume();
    await eventually(() => (sizes.get(1400) ?? 0) + (sizes.get(32) ?? 0) === relay.counters.toTab);
    expect(sizes.get(32)).toBe(1);
  });
});

test('a ping is answered', async () => {
  const relay = await relayFor([NOWHERE]);
  const tab = new Tab(relay);
  await tab.open();
  tab.socket.ping('hello');
  const [data] = await once(tab.socket, 'pong');
  expect(String(data)).toBe('hello');
});

test('the log names sessions and counts, never the contents of a packet', async () => {
  const gateway = await FakeGateway.start();
  const lines: string[] = [];
  const relay = await relayFor([gateway.config()], {}, { log: (line) => lines.push(line) });
  const tab = new Tab(relay);
  await tab.open();
  tab.send(['ike', packets.ike(0xab)]);
  await eventually(() => gateway.received.length === 1);
  tab.socket.close();
  await eventually(() => lines.length === 2);
  expect(lines[0]).toBe('session 1 of 127.0.0.1: opened office');
  expect(lines[1]).toMatch(
    /^session 1 of 127\.0\.0\.1: closed \(1005\) after \d+ s, 1 datagrams up, 0 down, 0 dropped$/,
  );
});

/** Why there is no namespace with few ports. */
function laboratoryObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'it needs root';
  const { status } = spawnSync('unshare', ['-n', 'ip', 'link', 'set', 'lo', 'up']);
  return status === 0 ? undefined : 'it needs unshare and ip';
}

/** A masked client frame with a payload below 126 bytes (RFC 6455 §5.2). */
function masked(firstByte: number, payload: Buffer): Buffer {
  const mask = [1, 2, 3, 4];
  return Buffer.from([
    firstByte,
    0x80 | payload.length,
    ...mask,
    ...payload.map((byte, i) => byte ^ mask[i % 4]!),
  ]);
}

/** Bytes in buffers that something still holds. */
function arrayBuffers(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().arrayBuffers;
}
