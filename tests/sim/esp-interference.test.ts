/** Somebody on the way meddles with every ESP packet of a tunnel, in both directions: what is inside comes through once and unchanged. */
import { describe, expect, test } from 'vitest';
import { type Bytes, toHex } from '../../shared/wire/bytes.ts';
import { PlaygroundWorld, type Tab } from '../support/playground-world.ts';
import { SeededRandom } from '../support/random.ts';

/** SPI and sequence number. */
const HEADER = 8;

type Direction = 'tab' | 'gateway';

/** What arrives in place of each packet; `earlier`: what was sent before it in its direction, at most the last few. */
const MEDDLINGS: Readonly<
  Record<string, (esp: Bytes, earlier: readonly Bytes[]) => readonly Bytes[]>
> = {
  'as it is': (esp) => [esp],
  'the last few again': (esp, earlier) => [...earlier, esp, ...earlier],
  'it three times': (esp) => [esp, esp, esp],
  'it truncated, then whole': (esp) => {
    const lengths = [0, 1, HEADER - 1, HEADER, HEADER + 8, esp.length >> 1, esp.length - 1];
    return [...lengths.map((length) => esp.slice(0, length)), esp];
  },
  'it with more behind it, then as it is': (esp) => {
    const longer = new Uint8Array(esp.length + 16);
    longer.set(esp);
    return [longer, longer.slice(0, -12), esp];
  },
  'it forged in every fifth byte, then as it is': (esp, earlier) => [
    ...Array.from({ length: Math.ceil(esp.length / 5) }, (_, i) => {
      const forged = esp.slice();
      // Another one from packet to packet; among them the sequence number, which a replay window must not believe.
      forged[Math.min(5 * i + (earlier.length % 5), esp.length - 1)]! ^= 0x40;
      return forged;
    }),
    esp,
  ],
};

async function tunnel(): Promise<{ world: PlaygroundWorld; tab: Tab }> {
  const world = await PlaygroundWorld.make();
  const tab = world.dial();
  world.run(() => tab.session !== undefined || tab.closed !== undefined, 60_000);
  expect(tab.session).toBeDefined();
  return { world, tab };
}

/** A download of which each piece arrives, whole and in order, before TCP would send anything again. */
function downloads(world: PlaygroundWorld, tab: Tab, socket = 1): void {
  world.stream(tab, socket);
  const random = new SeededRandom(31);
  for (let round = 0; round < 60; round++) {
    const bytes = random.bytes(5_000);
    world.feed(bytes);
    world.run(() => false, 150);
    expect(toHex(world.read(tab, socket)), `piece ${round}`).toBe(toHex(bytes));
  }
  expect(tab.closed).toBeUndefined();
}

describe('nothing is lost, nothing comes twice', () => {
  test.each(Object.entries(MEDDLINGS))('%s', async (_name, meddling) => {
    const { world, tab } = await tunnel();
    const sent: Record<Direction, Bytes[]> = { tab: [], gateway: [] };
    world.meddle = (esp, to) => {
      const arriving = meddling(esp, sent[to].slice(-6));
      sent[to].push(esp);
      return arriving;
    };
    downloads(world, tab);
    expect(sent.tab.length).toBeGreaterThan(200);
    expect(sent.gateway.length).toBeGreaterThan(60);
  });
});

test('packets in the wrong order all count', async () => {
  const { world, tab } = await tunnel();
  const held: Record<Direction, Bytes[]> = { tab: [], gateway: [] };
  // In fours, the last first; what is left of a four comes with the next.
  world.meddle = (esp, to) => {
    held[to].unshift(esp);
    return held[to].length < 4 ? [] : held[to].splice(0);
  };
  expect(world.fetches(tab)).toBe(true);
});

test('and of another tunnel’s keys none is believed', async () => {
  const { world, tab } = await tunnel();
  const other = world.dial();
  world.run(() => other.session !== undefined, 60_000);
  const last: Record<Direction, Bytes | undefined> = { tab: undefined, gateway: undefined };
  world.meddle = (esp, to) => {
    const before = last[to];
    last[to] = esp;
    if (before === undefined) return [esp];
    // Somebody else's packet, under this one's SPI and the next sequence number.
    const forged = before.slice();
    forged.set(esp.subarray(0, HEADER));
    return [forged, esp];
  };
  expect(world.fetches(tab, 60_000, 1)).toBe(true);
  expect(world.fetches(other, 60_000, 2)).toBe(true);
  downloads(world, tab, 3);
});
