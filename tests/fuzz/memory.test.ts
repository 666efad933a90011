/** A tunnel that stands, and a flood of what it has to drop or to answer: what it holds stays bounded. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { test } from 'vitest';
import { Channel } from '../../shared/relay/channels.ts';
import { type Bytes, concat } from '../../shared/wire/bytes.ts';
import { SeededRandom } from '../support/random.ts';
import { BUDGET_MILLIS } from './support/budget.ts';
import { insist } from './support/insist.ts';
import { TunnelWorld } from './support/tunnel-world.ts';

/** Part of the budget, for warming up and for the flood. */
const SHARE = 0.1;

/** Far above what the named limits of the layers add up to without TCP data. */
const MOST_BYTES = 24 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test('memory under a flood', () => {
  const random = new SeededRandom(1);
  const world = new TunnelWorld(0);
  world.run(() => world.connected > 0, 30_000);
  insist(world.connected === 1, 'not connected');
  const pattern = world.sealed.findLast((clear) => (clear[8]! & 0x80) === 0)!;
  flood(world, random, pattern);
  const before = held();
  const packets = flood(world, random, pattern);
  const grown = held() - before;
  insist(world.tab.closed === 0, `closed: ${world.failure?.code}`);
  insist(grown < MOST_BYTES, `${grown} bytes more after ${packets} packets`);
  console.log(`fuzz memory: ${packets} packets, ${Math.round(grown / 1024)} KB more`);
});

function flood(world: TunnelWorld, random: SeededRandom, pattern: Bytes): number {
  const begin = performance.now();
  let packets = 0;
  for (; performance.now() - begin < SHARE * BUDGET_MILLIS; packets += 4) {
    world.inject('down', Channel.natt, concat(Uint8Array.of(1), random.bytes(60)));
    world.inject('down', Channel.ike, random.bytes(60));
    world.injectSealed(data(pattern, concat(Uint8Array.of(0xff, 3, 0, 0x21), ip(random))));
    world.injectSealed(data(pattern, concat(Uint8Array.of(0xff, 3, 0xc0, 0x21), random.bytes(40))));
    if (packets % 400 === 0) world.run(() => false, 100);
    world.network.length = 0;
    world.arrived.up.length = 0;
    world.arrived.down.length = 0;
  }
  return packets;
}

/** A frame in a data message of the gateway's. */
function data(pattern: Bytes, frame: Bytes): Bytes {
  const bytes = concat(pattern.slice(0, 14), frame);
  bytes[4] = bytes.length >>> 8;
  bytes[5] = bytes.length;
  return bytes;
}

/** A packet to the tab: a fragment, a segment for nobody, a datagram, an echo. */
function ip(random: SeededRandom): Bytes {
  const [kind, id] = random.bytes(2);
  const bytes = concat(Uint8Array.of(0x45, 0, 0, 0, 0, id!, 0, 0, 64, 0, 0, 0), new Uint8Array(8));
  bytes.set([10, 30, 0, 254, 10, 30, 0, 10], 12);
  const packet = concat(bytes, random.bytes(8 * (1 + (kind! % 100))));
  packet[2] = packet.length >>> 8;
  packet[3] = packet.length;
  packet[6] = kind! % 3 === 0 ? 0x20 : 0;
  packet[7] = kind! % 3 === 0 ? kind! : 0;
  packet[9] = [1, 6, 17][kind! % 3]!;
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += (packet[i]! << 8) | packet[i + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  packet[10] = (~sum >>> 8) & 0xff;
  packet[11] = ~sum & 0xff;
  return packet;
}

function held(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
