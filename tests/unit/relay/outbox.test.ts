import { expect, test } from 'vitest';
import { newCounters } from '../../../relay/counters.ts';
import { IKE_RESERVE, Outbox, QUEUE_MARK } from '../../../relay/outbox.ts';
import { Channel, type ChannelNumber } from '../../../shared/relay/channels.ts';
import { forEachRecord } from '../../../shared/relay/frames.ts';
import type { Bytes } from '../../../shared/wire/bytes.ts';
import { packets } from './support.ts';

/** An outbox over a WebSocket that only remembers, as full as the test says. */
function setUp() {
  const sent: (Bytes | string)[] = [];
  const pongs: string[] = [];
  const corks: string[] = [];
  const socket = {
    OPEN: 1,
    readyState: 1,
    bufferedAmount: 0,
    send: (data: unknown) => void sent.push(data as Bytes | string),
    pong: (data: unknown) => void pongs.push(String(data)),
  } as const;
  const stream = { cork: () => corks.push('cork'), uncork: () => corks.push('uncork') };
  const counters = newCounters();
  const state: { bufferedAmount: number; readyState: number } = socket as never;
  return {
    outbox: new Outbox(socket as never, stream, counters),
    state,
    counters,
    sent,
    pongs,
    corks,
  };
}

/** A whole packet, as the gateway sent it. */
function record(outbox: Outbox, channel: ChannelNumber, packet: Bytes): void {
  outbox.record(channel, packet, 0, packet.length);
}

function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function channels(frame: Bytes | string | undefined): number[] {
  const out: number[] = [];
  forEachRecord(frame as Bytes, (channel) => out.push(channel));
  return out;
}

test('the records of a burst are one frame, under one cork', async () => {
  const { outbox, sent, corks } = setUp();
  record(outbox, Channel.natt, packets.esp(1));
  record(outbox, Channel.ike, packets.ike(2));
  expect(sent).toEqual([]);
  await tick();
  expect(sent.map(channels)).toEqual([[Channel.natt, Channel.ike]]);
  record(outbox, Channel.l2tp, packets.l2tp(3));
  await tick();
  expect(sent).toHaveLength(2);
  expect(corks).toEqual(['cork', 'uncork', 'cork', 'uncork']);
});

test('a long burst is several frames, still under one cork', async () => {
  const { outbox, sent, corks } = setUp();
  for (let i = 0; i < 100; i++) record(outbox, Channel.natt, packets.esp(1, 1400));
  await tick();
  expect(sent).toHaveLength(3);
  expect(sent.flatMap(channels)).toHaveLength(100);
  expect(corks).toEqual(['cork', 'uncork']);
});

test.each([
  ['an empty queue', 0, true, true],
  ['a queue just below the mark', QUEUE_MARK - 64, true, true],
  ['a queue at the mark', QUEUE_MARK, false, true],
  ['a queue with the reserve just not used up', QUEUE_MARK + IKE_RESERVE - 64, false, true],
  ['a queue with the reserve used up', QUEUE_MARK + IKE_RESERVE, false, false],
])('with %s', async (_what, buffered, takesEsp, takesIke) => {
  for (const [channel, packet, takes, dropped] of [
    [Channel.natt, packets.esp(1, 64), takesEsp, 'queueToTab'],
    [Channel.l2tp, packets.l2tp(1), takesEsp, 'queueToTab'],
    [Channel.ike, packets.ike(1, 64), takesIke, 'queueToTabIke'],
    [Channel.natt, packets.nattIke(60), takesIke, 'queueToTabIke'],
  ] as const) {
    const { outbox, state, counters, sent } = setUp();
    state.bufferedAmount = buffered;
    record(outbox, channel, packet);
    await tick();
    expect(sent.length).toBe(takes ? 1 : 0);
    expect([counters.toTab, counters[dropped]]).toEqual(takes ? [1, 0] : [0, 1]);
  }
});

test('the records of one burst count towards the mark', async () => {
  const { outbox, counters, state } = setUp();
  state.bufferedAmount = QUEUE_MARK - 3000;
  for (let i = 0; i < 10; i++) record(outbox, Channel.natt, packets.esp(1, 1000));
  await tick();
  expect([counters.toTab, counters.queueToTab]).toEqual([2, 8]);
});

test('toward a tab that does not read, messages are left out, but for the first and the last', () => {
  const { outbox, state, sent } = setUp();
  const unreachable = { type: 'unreachable', channel: 'ike', reason: 'ECONNREFUSED' } as const;
  outbox.control(unreachable);
  state.bufferedAmount = QUEUE_MARK + 1;
  outbox.control(unreachable);
  outbox.control({ type: 'claimed', spi: 4096 });
  outbox.control({ type: 'claim-refused', spi: 4096, code: 'RELAY_SPI_TAKEN' });
  outbox.control({ type: 'refused', code: 'RELAY_IDLE', message: 'Idle.' });
  expect(sent.map((text) => JSON.parse(String(text)).type)).toEqual(['unreachable', 'refused']);
});

test('of the pings of a burst the last is answered, and none while the tab does not read', async () => {
  const { outbox, state, counters, pongs } = setUp();
  for (const data of ['1', '2', '3']) outbox.pong(Buffer.from(data));
  await tick();
  expect([pongs, counters.pings]).toEqual([['3'], 2]);
  state.bufferedAmount = QUEUE_MARK + 1;
  outbox.pong(Buffer.from('4'));
  await tick();
  expect([pongs, counters.pings]).toEqual([['3'], 3]);
});

test('nothing is sent on a WebSocket that closes meanwhile', async () => {
  const { outbox, state, sent, pongs } = setUp();
  record(outbox, Channel.natt, packets.esp(1));
  outbox.pong(Buffer.from('1'));
  state.readyState = 2;
  await tick();
  expect([sent, pongs]).toEqual([[], []]);
});

test('a record larger than a usual frame goes out as it is', async () => {
  const { outbox, sent } = setUp();
  const giant = packets.esp(7, 65_507);
  record(outbox, Channel.natt, packets.esp(1));
  record(outbox, Channel.natt, giant);
  record(outbox, Channel.natt, packets.esp(2));
  await tick();
  expect(sent.map(channels)).toEqual([[Channel.natt], [Channel.natt], [Channel.natt]]);
  expect((sent[1] as Bytes).subarray(3)).toEqual(Buffer.from(giant));
});

test('a frame keeps its bytes until it is sent, also where the next ones are put together', async () => {
  const { outbox, sent } = setUp();
  for (let burst = 1; burst <= 3; burst++) {
    for (let i = 0; i < 20; i++) record(outbox, Channel.natt, packets.esp(burst, 1400));
    await tick();
  }
  expect(sent.map((frame) => (frame as Bytes)[3])).toEqual([1, 2, 3]);
});
