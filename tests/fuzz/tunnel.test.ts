/** The tunnel as a whole: somebody on the way to the gateway, a gateway that lies, and a relay that lies. */
import fc from 'fast-check';
import { Channel, type ChannelNumber } from '../../shared/relay/channels.ts';
import { type ControlFromRelay, encodeControl } from '../../shared/relay/control.ts';
import { type Bytes, concat } from '../../shared/wire/bytes.ts';
import { fuzz } from './support/campaign.ts';
import { insist } from './support/insist.ts';
import { mutate, mutations, octets } from './support/mutation.ts';
import { CONTENT, OPENED, OPENED_ESP, TunnelWorld } from './support/tunnel-world.ts';

const seed = fc.nat({ max: 3 });
const channel = fc.constantFrom<ChannelNumber>(
  Channel.ike,
  Channel.natt,
  Channel.natt,
  Channel.esp,
  Channel.l2tp,
);
/** A relay without raw ESP, or with it. */
const relayKind = fc.constantFrom(OPENED, OPENED_ESP);

/** Long enough for a connection, a retransmission or two, and a download. */
const CONNECT_MILLIS = 30_000;

/** In this time a tunnel ends that was told to. */
const CLOSE_MILLIS = 5_000;

const addition = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      add: fc.constant('again' as const),
      message: fc.nat({ max: 100 }),
      changes: mutations,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      add: fc.constant('invent' as const),
      channel,
      bytes: octets(80),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ add: fc.constant('unreachable' as const) }),
  },
);

fuzz({
  name: 'tunnel, somebody who adds',
  input: fc.record({
    seed,
    relay: relayKind,
    script: fc.array(
      fc.record({
        direction: fc.constantFrom('up' as const, 'down' as const),
        additions: fc.array(addition, { maxLength: 3 }),
      }),
      { maxLength: 60 },
    ),
  }),
  check: ({ seed: value, relay, script }) => {
    const world = new TunnelWorld(value, encodeControl(relay));
    let next = 0;
    world.onArrival = () => {
      const step = script[next++];
      for (const each of step?.additions ?? []) {
        const direction = step!.direction;
        if (each.add === 'unreachable') {
          const reason = 'ECONNREFUSED';
          world.tell({
            kind: 'control',
            text: encodeControl({ type: 'unreachable', channel: 'natt', reason }),
          });
        } else if (each.add === 'invent') {
          world.inject(direction, each.channel, new Uint8Array(each.bytes));
        } else {
          const known = world.arrived[direction];
          const message = known[each.message % Math.max(1, known.length)];
          if (message === undefined) continue;
          world.inject(direction, message.channel, mutate(message.bytes, each.changes, 2_000));
        }
      }
    };
    world.run(() => world.connected > 0 || world.tab.closed > 0, CONNECT_MILLIS);
    insist(world.connected === 1, `not connected: ${world.failure?.code} ${world.failure?.detail}`);
    world.download();
    const ended = () =>
      world.network.some(({ kind }) => kind === 'tcp-end' || kind === 'tcp-closed');
    world.run(ended, CONNECT_MILLIS);
    insist(Buffer.compare(received(world), CONTENT) === 0, 'another content');
    end(world);
  },
});

/** Packets that a lying gateway adds, at most: the answers to them would make it add for ever. */
const MOST_EXTRA = 200;

const lie = fc.record({
  /** Which packet, counted from the last lie. */
  after: fc.nat({ max: 6 }),
  changes: mutations,
  extra: fc.option(fc.record({ packet: fc.nat({ max: 31 }), changes: mutations }), {
    nil: undefined,
  }),
});

fuzz({
  name: 'tunnel, a gateway that lies',
  input: fc.record({
    seed,
    lies: fc.array(lie, { maxLength: 30 }),
    own: fc.array(
      fc.record({
        what: fc.constantFrom('connect', 'ping', 'resolve', 'close', 'pass', 'hold', 'resume'),
        millis: fc.constantFrom(10, 300, 5_000, 40_000),
      }),
      { maxLength: 12 },
    ),
  }),
  check: ({ seed: value, lies, own }) => {
    const world = new TunnelWorld(value);
    let added = 0;
    let [at, wait] = [0, lies[0]?.after ?? Infinity];
    world.lie = (clear) => {
      if (wait-- > 0) return undefined;
      const { changes } = lies[at++]!;
      wait = lies[at]?.after ?? Infinity;
      return mutate(clear, changes, 1_600);
    };
    world.onArrival = () => {
      const extra = added < MOST_EXTRA ? lies[at]?.extra : undefined;
      const pattern = extra && world.sealed[extra.packet % Math.max(1, world.sealed.length)];
      if (pattern === undefined) return;
      added++;
      world.injectSealed(mutate(pattern, extra!.changes, 1_600));
    };
    world.run(() => world.connected > 0 || world.tab.closed > 0, CONNECT_MILLIS);
    for (const [index, { what, millis }] of own.entries()) {
      act(world, what, index + 10);
      world.run(() => false, millis);
    }
    end(world);
  },
});

function act(world: TunnelWorld, what: string, number: number): void {
  const address = Uint8Array.of(10, 30, 0, 254);
  if (what === 'connect') world.ip({ kind: 'tcp-connect', socket: number, address, port: 80 });
  else if (what === 'ping') {
    world.ip({ kind: 'ping', ping: number, address, length: 56, timeout: 1_000 });
  } else if (what === 'resolve') {
    world.ip({ kind: 'resolve', query: number, name: 'intranet.example', type: 'A' });
  } else if (what === 'close') world.tell({ kind: 'close' });
  else if (what === 'hold' || what === 'resume') world.ip({ kind: what });
}

const text = new TextEncoder().encode(encodeControl(OPENED_ESP));
const size = fc.constantFrom(576, 1_280, 1_500, 9_000, 65_535);

fuzz({
  name: 'tunnel, a relay that lies',
  input: fc.record({
    seed,
    relay: relayKind,
    nat: fc.constantFrom('possible' as const, 'none' as const),
    mtu: size,
    damage: fc.option(mutations, { nil: undefined, freq: 3 }),
    script: fc.array(
      fc.oneof(
        fc.record({ say: fc.constant('control' as const), changes: mutations }),
        fc.record({ say: fc.constant('frame' as const), bytes: octets(200) }),
        fc.record({
          say: fc.constant('claim' as const),
          /** Which of the tab's, counted from the last; or one of nobody's. */
          asked: fc.nat({ max: 4 }),
          code: fc.constantFrom(
            ...[undefined, 'RELAY_SPI_TAKEN' as const, 'RELAY_SPI_LIMIT' as const],
          ),
        }),
        fc.record({
          say: fc.constant('record' as const),
          channel,
          length: fc.constantFrom(1, 8, 28, 1_500, 2_048, 16_384, 65_507),
          head: octets(40),
        }),
        fc.record({
          say: fc.constant('pass' as const),
          millis: fc.constantFrom(10, 1_000, 60_000),
        }),
        fc.record({ say: fc.constant('gone' as const) }),
      ),
      { maxLength: 30 },
    ),
  }),
  check: ({ seed: value, relay, nat, mtu, damage, script }) => {
    const opened = encodeControl({ ...relay, nat, mtu });
    const world = new TunnelWorld(value, damage ? damaged(damage) : opened);
    world.run(() => world.connected > 0, 200 * value);
    for (const each of script) {
      if (each.say === 'control') world.tell({ kind: 'control', text: damaged(each.changes) });
      else if (each.say === 'frame') {
        world.tell({ kind: 'frame', bytes: new Uint8Array(each.bytes) });
      } else if (each.say === 'claim') {
        const spi = world.claims.at(-1 - each.asked) ?? 4096;
        const answer: ControlFromRelay =
          each.code === undefined
            ? { type: 'claimed', spi }
            : { type: 'claim-refused', spi, code: each.code };
        world.tell({ kind: 'control', text: encodeControl(answer) });
      } else if (each.say === 'record') {
        const bytes = concat(each.head, new Uint8Array(each.length)).slice(0, each.length);
        world.inject('down', each.channel, bytes);
      } else if (each.say === 'pass') world.run(() => false, each.millis);
      else world.tell({ kind: 'relay-closed', failure: { code: 'RELAY_CLOSED' } });
    }
    end(world);
  },
});

function damaged(changes: Parameters<typeof mutate>[1]): string {
  return new TextDecoder().decode(mutate(text, changes, 4_000));
}

function received(world: TunnelWorld): Bytes {
  return concat(
    ...world.network.flatMap((output) => (output.kind === 'tcp-data' ? [output.bytes] : [])),
  );
}

function end(world: TunnelWorld): void {
  if (world.tab.closed === 0) world.tell({ kind: 'close' });
  world.run(() => world.tab.closed > 0, CLOSE_MILLIS);
  insist(world.tab.closed === 1, 'not closed');
}
