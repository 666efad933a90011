/** The relay over real sockets: whatever a tab sends, whatever a gateway answers, whatever comes to its port. */
import { once } from 'node:events';
import fc from 'fast-check';
import { afterAll, beforeAll } from 'vitest';
import type { Relay } from '../../relay/server.ts';
import { hasShape } from '../../relay/shape.ts';
import { CHANNEL_NAMES, Channel, type ChannelName } from '../../shared/relay/channels.ts';
import { decodeControlFromRelay, type OpenedMessage } from '../../shared/relay/control.ts';
import { FrameWriter, forEachRecord } from '../../shared/relay/frames.ts';
import { type Bytes, concat, EMPTY } from '../../shared/wire/bytes.ts';
import { FakeEsp } from '../unit/relay/fake-esp.ts';
import {
  closeAll,
  eventually,
  FakeGateway,
  http,
  packets,
  relayFor,
  Tab,
  tcp,
} from '../unit/relay/support.ts';
import { fuzz } from './support/campaign.ts';
import { insist } from './support/insist.ts';
import { mutate, mutations, octets } from './support/mutation.ts';

const esp = new FakeEsp();
let gateway: FakeGateway;
let relay: Relay;
beforeAll(async () => {
  gateway = await FakeGateway.start();
  const limits = { sessions: 1_000, sessionsPerAddress: 1_000 };
  const config = gateway.config({ addresses: ['127.0.0.8'] });
  relay = await relayFor([config], { limits }, { espPorts: esp });
});
afterAll(closeAll);

const message = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      send: fc.constant('frame' as const),
      records: fc.array(
        fc.record({
          channel: fc.constantFrom(...CHANNEL_NAMES),
          length: fc.constantFrom(28, 32, 64, 1_400, 9_000),
          changes: mutations,
        }),
        { maxLength: 6 },
      ),
      changes: fc.option(mutations, { nil: undefined, freq: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ send: fc.constant('noise' as const), bytes: octets(60) }) },
  { weight: 1, arbitrary: fc.record({ send: fc.constant('text' as const), changes: mutations }) },
  { weight: 1, arbitrary: fc.record({ send: fc.constant('ping' as const), bytes: octets(20) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      send: fc.constant('claim' as const),
      type: fc.constantFrom('claim' as const, 'release' as const),
      spi: fc.constantFrom(0, 255, 256, 257, 2 ** 24, 2 ** 32),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      send: fc.constant('move' as const),
      address: fc.constantFrom('127.0.0.2', '127.0.0.8', '127.0.0.9', '127.0.0', ''),
    }),
  },
  {
    weight: 2,
    /** From the gateway. */
    arbitrary: fc.record({
      send: fc.constant('datagram' as const),
      channel: fc.constantFrom(...CHANNEL_NAMES),
      changes: mutations,
    }),
  },
);

const OPEN = '{"type":"open","gateway":"office"}';

fuzz({
  name: 'relay, a tab and a gateway that lie',
  input: fc.record({
    opensFirst: fc.nat({ max: 4 }).map((chance) => chance > 0),
    script: fc.array(message, { maxLength: 12 }),
  }),
  check: async ({ opensFirst, script }) => {
    const tab = new Tab(relay);
    await once(tab.socket, 'open');
    let refusals = 0;
    tab.socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (!isBinary && decodeControlFromRelay(data.toString()).type === 'refused') refusals++;
    });
    let local: OpenedMessage['local'] | undefined;
    if (opensFirst) {
      tab.socket.send(OPEN);
      const answer = await tab.message();
      insist(answer.type === 'opened', 'not opened');
      local = answer.local;
    }
    for (const each of script) {
      if (each.send === 'frame') tab.socket.send(frame(each.records, each.changes));
      else if (each.send === 'noise') tab.socket.send(each.bytes);
      else if (each.send === 'text') tab.socket.send(text(mutate(Buffer.from(OPEN), each.changes)));
      else if (each.send === 'ping') tab.socket.ping(each.bytes);
      else if (each.send === 'claim') {
        tab.socket.send(JSON.stringify({ type: each.type, spi: each.spi }));
      } else if (each.send === 'move') {
        tab.socket.send(JSON.stringify({ type: 'move', address: each.address }));
      } else if (local !== undefined) {
        const bytes = mutate(pattern(each.channel, 32), each.changes, 1_400);
        if (each.channel === 'esp') esp.arrive(bytes, 2 ** 24);
        else gateway.send(each.channel, bytes, local);
      }
    }
    tab.socket.close();
    await tab.closed;
    await eventually(() => esp.ports === 0);
    insist(esp.claimed === 0, 'a claim is left');
    insist(refusals <= 1, 'refused twice');
    for (const bytes of tab.frames) {
      forEachRecord(bytes, (channel, start, end) => {
        insist(hasShape(channel, bytes, start, end), 'a record without shape');
      });
    }
  },
});

const UPGRADE = [
  'GET /culvert HTTP/1.1',
  'Host: 127.0.0.1',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  'Sec-WebSocket-Protocol: culvert.v1',
  '',
  '',
].join('\r\n');

fuzz({
  name: 'relay, bytes on its port',
  input: fc.record({
    upgrade: fc.option(mutations, { nil: undefined, freq: 1 }),
    /** WebSocket frames, masked with zeros: kind, content, and what is done to the whole. */
    frames: fc.array(
      fc.record({
        head: fc.constantFrom(0x81, 0x82, 0x88, 0x89, 0x8a, 0x01, 0x00, 0xc2, 0x83),
        content: fc.oneof(
          octets(40),
          fc.constant(new TextEncoder().encode(OPEN)),
          fc.constant(Uint8Array.of(1, 0, 16, ...packets.esp(1, 16))),
        ),
        changes: fc.option(mutations, { nil: undefined, freq: 1 }),
      }),
      { maxLength: 8 },
    ),
  }),
  check: async ({ upgrade, frames }) => {
    const socket = await tcp(relay);
    socket.resume();
    socket.write(upgrade ? mutate(Buffer.from(UPGRADE), upgrade, 4_000) : UPGRADE);
    for (const { head, content, changes } of frames) {
      const bytes = concat(Uint8Array.of(head, 0x80 | content.length, 0, 0, 0, 0), content);
      socket.write(changes ? mutate(bytes, changes, 4_000) : bytes);
    }
    await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
    insist((await http(relay, '/culvert/health')).status === 200, 'not well');
  },
});

function pattern(channel: ChannelName, length: number): Bytes {
  if (channel === 'ike') return packets.ike(1, length);
  return channel === 'l2tp' ? packets.l2tp(0) : packets.esp(1, length);
}

type Records = Extract<typeof message extends fc.Arbitrary<infer T> ? T : never, { send: 'frame' }>;

function frame(
  records: Records['records'],
  changes: Parameters<typeof mutate>[1] | undefined,
): Bytes {
  const writer = new FrameWriter();
  for (const { channel, length, changes: each } of records) {
    const bytes = mutate(pattern(channel, length), each, 9_000);
    if (bytes.length > 0) writer.append(Channel[channel], bytes, 0, bytes.length);
  }
  const bytes = writer.take() ?? EMPTY;
  return changes ? mutate(bytes, changes) : bytes;
}

function text(bytes: Bytes): string {
  return new TextDecoder().decode(bytes);
}
