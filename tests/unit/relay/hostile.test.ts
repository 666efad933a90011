import { once } from 'node:events';
import { connect, type Socket as TcpSocket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { SPARE_CONNECTIONS_PER_CLIENT } from '../../../relay/server.ts';
import { TURN_SHARE } from '../../../relay/turn-share.ts';
import { FRAME_BYTES_LIMIT } from '../../../shared/relay/channels.ts';
import {
  REFUSALS,
  type RefusalCode,
  UPGRADE_REFUSALS,
  type UpgradeRefusalCode,
} from '../../../shared/relay/close-codes.ts';
import { encodeControl } from '../../../shared/relay/control.ts';
import { toHex } from '../../../shared/wire/bytes.ts';
import { frame, UPGRADE } from '../../support/raw-websocket.ts';
import { closeAll, eventually, FakeGateway, http, packets, relayFor, Tab, tcp } from './support.ts';

afterEach(closeAll);

const NOWHERE = { id: 'office', name: 'Office', address: '127.0.0.2' };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const POST = 'POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n';
const CHUNKED = 'Transfer-Encoding: chunked\r\n\r\n';
const HEALTH = 'GET /culvert/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';

/** A WebSocket made by hand, its gateway open where one is named. */
async function raw(relay: { readonly port: number }, gateway?: string): Promise<TcpSocket> {
  const socket = await tcp(relay as never);
  socket.setNoDelay(true);
  socket.write(UPGRADE);
  await once(socket, 'data');
  if (gateway !== undefined) {
    socket.write(frame(0x81, Buffer.from(encodeControl({ type: 'open', gateway }))));
    await once(socket, 'data');
  }
  return socket;
}

/** Everything that arrives until the connection ends. */
async function rest(socket: TcpSocket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  await once(socket, 'close');
  return Buffer.concat(chunks);
}

describe('a request', () => {
  test.each<[UpgradeRefusalCode, string, string]>([
    ['RELAY_SLOW_REQUEST', 'that never begins', ''],
    ['RELAY_SLOW_REQUEST', 'that never ends', 'GET /culvert HTTP/1.1\r\nHost: 127.0.0.1\r\n'],
    ['RELAY_BIG_HEADERS', 'with a big header', `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n`],
    ['RELAY_BIG_HEADERS', 'with many headers', `GET / HTTP/1.1\r\n${'X: x\r\n'.repeat(20_000)}`],
    ['RELAY_BAD_REQUEST', 'that is not HTTP', '\x16\x03\x01\x02\x00\x01'],
    [
      'RELAY_BAD_REQUEST',
      'for an upgrade without a key',
      UPGRADE.replace('Sec-WebSocket-Key', 'Sec-WebSocket-Kay'),
    ],
    ['RELAY_BAD_REQUEST', 'for an upgrade of an old version', UPGRADE.replace(': 13', ': 7')],
    ['RELAY_BAD_REQUEST', 'with a body', `${POST}Content-Length: 4\r\n\r\nbody`],
    ['RELAY_BAD_REQUEST', 'with a body in pieces', `${POST}${CHUNKED}${'1\r\nx\r\n'.repeat(5000)}`],
    ['RELAY_BAD_REQUEST', 'that asks first', `${POST}Expect: 100-continue\r\n\r\n`],
    ['RELAY_BAD_REQUEST', 'that asks for something else', `${POST}Expect: nothing\r\n\r\n`],
  ])('%s: %s', async (code, _what, text) => {
    const relay = await relayFor([NOWHERE], {}, { headersTimeout: 200 });
    const socket = await tcp(relay);
    const answer = rest(socket);
    socket.write(text);
    expect(String(await answer)).toMatch(
      new RegExp(`^HTTP/1.1 ${UPGRADE_REFUSALS[code].status} [^]*"code":"${code}"`),
    );
    expect(relay.report().refused).toEqual({ [code]: 1 });
  });

  test('that goes wrong behind an answer gets none', async () => {
    const relay = await relayFor([NOWHERE]);
    const socket = await tcp(relay);
    const answer = rest(socket);
    socket.write(HEALTH);
    await once(socket, 'data');
    socket.write('nonsense\r\n\r\n');
    expect(String(await answer).match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  test.each([
    ['complete', HEALTH],
    ['without a host', 'GET / HTTP/1.1\r\n\r\n'],
    ['for an upgrade', UPGRADE],
  ])('that does not wait for the answer before ends the connection: %s', async (_what, next) => {
    const relay = await relayFor([NOWHERE]);
    const socket = await tcp(relay);
    const answer = rest(socket);
    // All of it comes in one read.
    socket.write(HEALTH + next.repeat(40_000 / next.length));
    expect(String(await answer).match(/HTTP\/1\.1 200/g)).toHaveLength(1);
    expect(relay.report().refused).toEqual({ RELAY_BAD_REQUEST: 1 });
  });

  test('after another, once that is answered, is answered too', async () => {
    const relay = await relayFor([NOWHERE]);
    const socket = await tcp(relay);
    for (let i = 0; i < 50; i++) {
      socket.write(HEALTH);
      expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 200 .*"ok"/s);
    }
    socket.write('GET /culvert/health HTTP/1.1\r\n\r\n');
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 421 /);
    socket.write(UPGRADE);
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 101 /);
    expect(relay.report().refused).toEqual({ RELAY_BAD_HOST: 1 });
  });
});

test('one client gets so many connections and no more; sessions stand', async () => {
  const relay = await relayFor([NOWHERE], { limits: { sessionsPerAddress: 2 } });
  const tab = new Tab(relay);
  await tab.open();
  const idle: TcpSocket[] = [];
  for (let i = 0; i < SPARE_CONNECTIONS_PER_CLIENT + 1; i++) idle.push(await tcp(relay));
  await eventually(() => relay.report().connections === SPARE_CONNECTIONS_PER_CLIENT + 2);
  const extra = connect(relay.port, '127.0.0.1').on('error', () => {});
  await new Promise((resolve) => extra.once('close', resolve));
  expect(relay.report().connectionsRefused).toBe(1);
  idle[0]!.destroy();
  await eventually(() => relay.report().connections === SPARE_CONNECTIONS_PER_CLIENT + 1);
  expect((await http(relay, '/culvert/health')).body).toBe('{"status":"ok","sessions":1}');
});

describe('a WebSocket', () => {
  const ESP = Buffer.from('010014'.concat('11'.repeat(20)), 'hex');

  test.each<[RefusalCode, number, string, Buffer]>([
    ['RELAY_BAD_WEBSOCKET', 1002, 'unmasked', Buffer.from([0x82, 1, 0])],
    ['RELAY_BAD_WEBSOCKET', 1002, 'with a reserved bit', frame(0xc2, ESP)],
    ['RELAY_BAD_WEBSOCKET', 1002, 'with an unknown opcode', frame(0x83, ESP)],
    ['RELAY_BAD_WEBSOCKET', 1002, 'that continues nothing', frame(0x80, ESP)],
    ['RELAY_BAD_WEBSOCKET', 1002, 'with a long ping', frame(0x89, Buffer.alloc(126))],
    ['RELAY_BAD_WEBSOCKET', 1007, 'with text that is not UTF-8', frame(0x81, Buffer.from([0xff]))],
    [
      'RELAY_FRAME_TOO_BIG',
      1009,
      'announcing too much',
      Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0]),
    ],
    [
      'RELAY_FRAME_TOO_BIG',
      1009,
      'announcing far too much',
      Buffer.from([0x82, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0]),
    ],
    [
      'RELAY_FRAME_TOO_BIG',
      1009,
      'too big in all its fragments',
      Buffer.concat([frame(0x02, Buffer.alloc(FRAME_BYTES_LIMIT)), frame(0x80, Buffer.alloc(1))]),
    ],
    [
      'RELAY_TOO_MANY_PARTS',
      1008,
      'in too many fragments',
      Buffer.concat([
        frame(0x02, Buffer.alloc(1)),
        ...Array.from({ length: 400 }, () => frame(0x00, Buffer.alloc(1))),
      ]),
    ],
    [
      'RELAY_TOO_MANY_PARTS',
      1008,
      'in too many empty fragments',
      Buffer.concat([
        frame(0x02, Buffer.alloc(0)),
        ...Array.from({ length: 400 }, () => frame(0x00, Buffer.alloc(0))),
      ]),
    ],
  ])('%s, %i: %s', async (code, close, _what, bytes) => {
    const relay = await relayFor([NOWHERE]);
    const socket = await raw(relay, 'office');
    const answer = rest(socket);
    socket.write(bytes);
    expect([...(await answer)]).toEqual([0x88, 2, close >> 8, close & 0xff]);
    expect(relay.report().refused).toEqual({ [code]: 1 });
    await eventually(() => relay.report().sessions === 0);
    if (close !== 1007) expect(close).toBe(REFUSALS[code].close);
  });

  test('a few fragments are one frame', async () => {
    const gateway = await FakeGateway.start();
    const relay = await relayFor([gateway.config()]);
    const socket = await raw(relay, 'office');
    socket.write(
      Buffer.concat([
        frame(0x02, ESP.subarray(0, 2)),
        frame(0x89, Buffer.from('a ping between')),
        frame(0x00, ESP.subarray(2, 9)),
        frame(0x80, ESP.subarray(9)),
      ]),
    );
    await eventually(() => gateway.received.length === 1);
    expect(gateway.received[0]!.hex).toBe('11'.repeat(20));
  });

  test('RELAY_TOO_MANY_PARTS: a big frame byte by byte', async () => {
    const relay = await relayFor([NOWHERE]);
    const socket = await raw(relay, 'office');
    let ended = false;
    socket.once('close', () => (ended = true));
    socket.resume();
    socket.write(Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0]));
    for (let i = 0; i < FRAME_BYTES_LIMIT && !ended; i++) {
      socket.write(Buffer.of(0));
      await turn();
    }
    expect(relay.report().refused).toEqual({ RELAY_TOO_MANY_PARTS: 1 });
  });
});

describe('a flood', () => {
  const KEEPALIVE = Buffer.from('010001ff', 'hex');

  test('beyond the rate is dropped and counted; IKE still passes', async () => {
    const gateway = await FakeGateway.start();
    const relay = await relayFor([gateway.config()], { limits: { packetsPerSecond: 100 } });
    const tab = new Tab(relay);
    await tab.open();
    const burst = Array.from({ length: 1500 }, () => ['natt', packets.esp(1)] as const);
    tab.send(...burst, ['natt', packets.nattIke()], ['ike', packets.ike(1)]);
    for (const ike of [packets.nattIke(), packets.ike(1)].map(toHex)) {
      await eventually(() => gateway.received.some(({ hex }) => hex === ike));
    }
    const { overRate, overRateIke } = relay.counters;
    expect(overRate).toBeGreaterThan(1000);
    expect(overRateIke).toBe(0);
    tab.send(...Array.from({ length: 500 }, () => ['ike', packets.ike(1)] as const));
    await eventually(() => relay.counters.overRateIke > 0);
  });

  test('of frames is taken in shares: a turn handles its share and no more', async () => {
    const relay = await relayFor([NOWHERE]);
    const socket = await raw(relay, 'office');
    const one = frame(0x82, Buffer.from('0100080000000000000000', 'hex'));
    const count = 60_000;
    socket.write(Buffer.concat(Array.from({ length: count }, () => one)));
    let most = 0;
    let turns = 0;
    for (let before = 0; before < count; turns++) {
      await turn();
      const now = relay.counters.badShapeFromTab;
      most = Math.max(most, now - before);
      before = now;
    }
    // Between two looks of the test there may be two turns of the relay.
    expect(most).toBeLessThanOrEqual(2 * TURN_SHARE);
    // A frame and its record are two; in the long run a session gets its share and no more.
    expect(turns).toBeGreaterThan((2 * count) / TURN_SHARE / 2);
  });

  test('of pings is answered once a turn', async () => {
    const relay = await relayFor([NOWHERE]);
    const socket = await raw(relay, 'office');
    let pongs = 0;
    socket.on('data', (chunk) => (pongs += chunk.length / 3));
    const count = 20_000;
    socket.write(Buffer.concat(Array.from({ length: count }, () => frame(0x89, Buffer.from('x')))));
    await eventually(() => relay.counters.pings + pongs === count);
    expect(pongs).toBeLessThan(count / 100);
  });

  test('in one session leaves the others their turn', async () => {
    const gateway = await FakeGateway.start();
    const sink = await FakeGateway.start('127.0.0.3');
    const gateways = [gateway.config(), sink.config({ id: 'sink' })];
    // Few enough that the flood exceeds them on a busy machine too.
    const relay = await relayFor(gateways, { limits: { packetsPerSecond: 2000 } });
    const tab = new Tab(relay);
    const { local } = await tab.open();
    const flooder = await raw(relay, 'sink');
    const load = Buffer.concat(Array.from({ length: 5000 }, () => frame(0x82, KEEPALIVE)));
    let flooding = true;
    const flood = (): void => {
      if (flooding) flooder.write(load, () => setImmediate(flood));
    };
    for (let i = 0; i < 4; i++) flood();
    await eventually(() => relay.counters.overRate > 0);

    for (let echo = 1; echo <= 20; echo++) {
      const before = relay.counters.overRate;
      tab.send(['natt', packets.esp(echo, 100)]);
      let turns = 0;
      while (tab.records.length < echo && turns < TURNS_LIMIT) {
        if (gateway.received.pop()) gateway.send('natt', packets.esp(echo, 100), local);
        await turn();
        turns++;
      }
      expect(tab.records).toHaveLength(echo);
      // That the flood went on meanwhile is what makes the bound mean something.
      await eventually(() => relay.counters.overRate > before);
    }
    flooding = false;
  });

  test('of refused requests does not fill the log', async () => {
    const lines: string[] = [];
    const relay = await relayFor([NOWHERE], {}, { log: (line) => lines.push(line) });
    const socket = UPGRADE.replace('culvert.v1', 'culvert.v2');
    for (let i = 0; i < 10; i++) {
      const refused = Array.from({ length: 40 }, async () => {
        const client = await tcp(relay);
        client.write(socket);
        await rest(client);
      });
      await Promise.all(refused);
    }
    expect(relay.report().refused).toEqual({ RELAY_BAD_SUBPROTOCOL: 400 });
    expect(relay.report().logLinesLeftOut + lines.length).toBe(400);
    expect(relay.report().logLinesLeftOut).toBeGreaterThan(0);
  });
});

/** Turns of the event loop within which an echo must be back, whatever the others do. */
const TURNS_LIMIT = 20;
