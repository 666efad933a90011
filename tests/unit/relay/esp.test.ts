/** Raw ESP through the relay: the channel, the claims, and whose packet is whose. The sockets are a stand-in. */
import { afterEach, describe, expect, test } from 'vitest';
import type { Relay } from '../../../relay/server.ts';
import { Channel, CLAIMS_LIMIT } from '../../../shared/relay/channels.ts';
import { REFUSALS } from '../../../shared/relay/close-codes.ts';
import {
  type ControlFromRelay,
  type ControlFromTab,
  encodeControl,
} from '../../../shared/relay/control.ts';
import { type Bytes, toHex } from '../../../shared/wire/bytes.ts';
import { FakeEsp } from './fake-esp.ts';
import { closeAll, eventually, FakeGateway, packets, relayFor, Tab } from './support.ts';

afterEach(closeAll);

function esp(spi: number, length = 64): Bytes {
  const bytes = new Uint8Array(length);
  new DataView(bytes.buffer).setUint32(0, spi);
  return bytes;
}

function say(tab: Tab, message: ControlFromTab): void {
  tab.socket.send(encodeControl(message));
}

async function claim(tab: Tab, spi: number): Promise<ControlFromRelay> {
  say(tab, { type: 'claim', spi });
  return await tab.message();
}

interface World {
  readonly sockets: FakeEsp;
  readonly relay: Relay;
  readonly tab: Tab;
}

async function world(): Promise<World> {
  const sockets = new FakeEsp();
  const gateway = await FakeGateway.start();
  const relay = await relayFor([gateway.config()], {}, { espPorts: sockets });
  const tab = new Tab(relay);
  await tab.open();
  return { sockets, relay, tab };
}

async function another({ relay }: World): Promise<Tab> {
  const tab = new Tab(relay);
  await tab.open();
  return tab;
}

describe('the channel', () => {
  test.each([
    ['auto', 'possible'],
    ['raw', 'none'],
    [undefined, 'possible'],
  ] as const)('is announced with “esp”: %s', async (mode, nat) => {
    const gateway = await FakeGateway.start();
    const config = gateway.config(mode && { esp: mode });
    const relay = await relayFor([config], {}, { espPorts: new FakeEsp() });
    const opened = await new Tab(relay).open();
    expect(opened).toMatchObject({ channels: ['ike', 'natt', 'esp', 'l2tp'], nat });
  });

  class NoRights extends FakeEsp {
    override open(): never {
      throw Object.assign(new Error('not permitted'), { code: 'EPERM' });
    }
  }

  test.each([
    ['without the addon', undefined, undefined],
    ['without CAP_NET_RAW', undefined, new NoRights()],
    ['where the operator wants UDP', 'udp', new FakeEsp()],
  ] as const)('is not there %s, and not to be used', async (_why, mode, espPorts) => {
    const gateway = await FakeGateway.start();
    const config = gateway.config(mode && { esp: mode });
    const relay = await relayFor([config], {}, espPorts && { espPorts });
    const [tab, other] = [new Tab(relay), new Tab(relay)];
    const [opened] = await Promise.all([tab.open(), other.open()]);
    expect(opened.channels).toEqual(['ike', 'natt', 'l2tp']);
    tab.send(['ike', packets.ike(1)], ['esp', esp(4096)]);
    expect((await tab.refusal()).code).toBe('RELAY_BAD_FRAME');
    say(other, { type: 'claim', spi: 4096 });
    expect((await other.refusal()).code).toBe('RELAY_OUT_OF_ORDER');
    expect(relay.counters.toGateway).toBe(0);
  });

  test('a claim before the gateway is open is out of order', async () => {
    const { relay } = await world();
    const tab = new Tab(relay);
    tab.socket.once('open', () => say(tab, { type: 'claim', spi: 4096 }));
    expect(await tab.refusal()).toEqual({
      code: 'RELAY_OUT_OF_ORDER',
      close: REFUSALS.RELAY_OUT_OF_ORDER.close,
    });
  });
});

describe('claims', () => {
  test('what is claimed comes, what nobody has claimed does not', async () => {
    const { sockets, relay, tab } = await world();
    sockets.arrive(esp(4096));
    expect(await claim(tab, 4096)).toEqual({ type: 'claimed', spi: 4096 });
    sockets.arrive(esp(4096, 100));
    sockets.arrive(esp(4097));
    sockets.arrive(esp(0), 4096);
    sockets.arrive(esp(4096, 15));
    sockets.strangers = 3;
    await eventually(() => tab.records.length === 1);
    expect(tab.records).toEqual([[Channel.esp, toHex(esp(4096, 100))]]);
    expect(relay.counters).toMatchObject({
      unclaimed: 2,
      foreign: 3,
      badShapeFromGateway: 2,
      toTab: 1,
    });
  });

  test('two sessions do not share packets', async () => {
    const one = await world();
    const two = await another(one);
    await claim(one.tab, 4096);
    await claim(two, 5000);
    one.sockets.arrive(esp(4096));
    one.sockets.arrive(esp(5000));
    await eventually(() => one.tab.records.length + two.records.length === 2);
    expect(one.tab.records).toEqual([[Channel.esp, toHex(esp(4096))]]);
    expect(two.records).toEqual([[Channel.esp, toHex(esp(5000))]]);
  });

  test('an SPI is one session’s until it gives it up or ends', async () => {
    const one = await world();
    const two = await another(one);
    const taken = { type: 'claim-refused', spi: 4096, code: 'RELAY_SPI_TAKEN' };
    await claim(one.tab, 4096);
    expect(await claim(one.tab, 4096)).toEqual({ type: 'claimed', spi: 4096 });
    expect(await claim(two, 4096)).toEqual(taken);
    // Of no effect: it is not its to give up.
    say(two, { type: 'release', spi: 4096 });
    expect(await claim(two, 4096)).toEqual(taken);
    say(one.tab, { type: 'release', spi: 4096 });
    await claim(one.tab, 7000);
    expect(await claim(two, 4096)).toEqual({ type: 'claimed', spi: 4096 });
    two.socket.close();
    await two.closed;
    await eventually(() => one.relay.report().sessions === 1);
    expect(await claim(one.tab, 4096)).toEqual({ type: 'claimed', spi: 4096 });
  });

  test('a session holds a bounded number of them', async () => {
    const { tab } = await world();
    for (let i = 0; i < CLAIMS_LIMIT; i++) {
      expect((await claim(tab, 4096 + i)).type).toBe('claimed');
    }
    expect(await claim(tab, 9000)).toEqual({
      type: 'claim-refused',
      spi: 9000,
      code: 'RELAY_SPI_LIMIT',
    });
    say(tab, { type: 'release', spi: 4096 });
    expect((await claim(tab, 9000)).type).toBe('claimed');
  });

  test('a session that ends lets go of its port', async () => {
    const one = await world();
    const two = await another(one);
    expect(one.sockets.ports).toBe(2);
    one.tab.socket.close();
    await eventually(() => one.sockets.ports === 1);
    two.socket.close();
    await eventually(() => one.sockets.ports === 0);
  });
});

describe('packets to the gateway', () => {
  test('go out in order, once there is a claim', async () => {
    const { sockets, relay, tab } = await world();
    tab.send(['esp', esp(1)]);
    await eventually(() => relay.counters.unclaimed === 1);
    await claim(tab, 4096);
    tab.send(['esp', esp(2)], ['esp', esp(3, 15)], ['esp', esp(0)], ['esp', esp(4)]);
    await eventually(() => sockets.sent.length === 2);
    expect(sockets.sent).toEqual([esp(2), esp(4)].map(toHex));
    expect(relay.counters).toMatchObject({ toGateway: 2, badShapeFromTab: 2, unclaimed: 1 });
  });

  test.each([
    ['full', 'queueToGateway'],
    ['failed', 'sendFailed'],
  ] as const)('that the system does not take are counted: %s', async (fate, counter) => {
    const { sockets, relay, tab } = await world();
    await claim(tab, 4096);
    sockets.fate = fate;
    tab.send(['esp', esp(2)]);
    await eventually(() => relay.counters[counter] === 1);
    expect(relay.counters.toGateway).toBe(0);
  });

  test('count toward the session’s rate, together with those in UDP', async () => {
    const gateway = await FakeGateway.start();
    const sockets = new FakeEsp();
    const limits = { packetsPerSecond: 100 };
    const relay = await relayFor([gateway.config()], { limits }, { espPorts: sockets });
    const tab = new Tab(relay);
    await tab.open();
    await claim(tab, 4096);
    for (let i = 0; i < 20; i++) {
      tab.send(...Array.from({ length: 20 }, () => ['esp', esp(2)] as const));
      tab.send(...Array.from({ length: 20 }, () => ['natt', packets.esp(1)] as const));
    }
    await eventually(() => relay.counters.overRate + relay.counters.toGateway === 800);
    expect(relay.counters.toGateway).toBeLessThan(400);
    expect(sockets.sent.length).toBeGreaterThan(50);
  });
});
