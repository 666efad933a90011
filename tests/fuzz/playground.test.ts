/** The playground's gateway, and datagrams from whoever can send some while a client dials and afterwards. */
import fc from 'fast-check';
import { PlaygroundWorld } from '../support/playground-world.ts';
import { fuzz } from './support/campaign.ts';
import { insist } from './support/insist.ts';
import { mutate, mutations, octets } from './support/mutation.ts';

/** Bounds of the gateway under test, small enough to be reached. */
const LIMITS = { halfOpen: 8, unfinished: 8, calls: 4, idleMillis: 600_000, octets: 1e9 };

const datagrams = fc.array(
  fc.record({
    /** How long nothing comes before it. */
    after: fc.nat({ max: 40 }),
    channel: fc.constantFrom('ike' as const, 'natt' as const),
    /** Whose address and port it claims. */
    from: fc.constantFrom('client', 'neighbour', 'stranger'),
    /** A message of the client's, damaged, or any bytes. */
    content: fc.oneof(
      fc.record({ message: fc.nat({ max: 31 }), damage: mutations }),
      fc.record({ bytes: octets(600) }),
    ),
  }),
  { maxLength: 24 },
);

fuzz({
  name: 'playground, datagrams from anybody',
  input: fc.record({ seed: fc.nat({ max: 7 }), datagrams }),
  check: async ({ seed, datagrams: list }) => {
    const world = await PlaygroundWorld.make({ limits: LIMITS }, seed);
    const tab = world.dial();
    for (const { after, channel, from, content } of list) {
      world.run(() => false, after);
      const sent = [...world.messages, ...(world.lastEsp === undefined ? [] : [world.lastEsp])];
      const bytes =
        'bytes' in content
          ? Uint8Array.from(content.bytes)
          : mutate(sent[content.message % sent.length]!, content.damage);
      const address = from === 'stranger' ? '203.0.113.9' : tab.at.address;
      const port = from === 'client' ? tab.at[channel] : 9_999;
      world.send(channel, { address, port }, bytes);
      const { clients, halfOpen, calls } = world.gateway.counts;
      insist(halfOpen <= LIMITS.halfOpen, `${halfOpen} half-open`);
      insist(clients <= LIMITS.halfOpen + LIMITS.unfinished + LIMITS.calls, `${clients} clients`);
      insist(calls <= 1, `${calls} calls`);
    }
    world.run(() => tab.session !== undefined || tab.closed !== undefined, 60_000);
    insist(tab.session !== undefined, `not connected: ${tab.closed?.failure?.code}`);
    insist(world.fetches(tab), 'no page');
  },
});
