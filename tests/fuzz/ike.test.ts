/** IKE in both roles: somebody between the two, somebody who only adds, and a gateway that knows the key and lies. */
import fc from 'fast-check';
import { Ike } from '../../shared/ike/ike.ts';
import type { IkeInput, IkeOutput } from '../../shared/ike/io.ts';
import { ExchangeType } from '../../shared/isakmp/numbers.ts';
import { encodePayloads } from '../../shared/isakmp/payload.ts';
import { concat, EMPTY } from '../../shared/wire/bytes.ts';
import { ikeConfig } from '../sim/ike-pair.ts';
import { fuzz } from './support/campaign.ts';
import { actions, Duel, injections } from './support/duel.ts';
import { insist } from './support/insist.ts';
import { answer, honest, Liar, SECRETS, signed } from './support/liar.ts';
import { mutate, mutations, octets } from './support/mutation.ts';

function duel(seed: number): Duel<IkeInput, IkeOutput> {
  const pair = new Duel<IkeInput, IkeOutput>(
    new Ike(ikeConfig('initiator', seed)),
    new Ike(ikeConfig('responder', seed + 1)),
    {
      message: (output) =>
        output.kind === 'transmit'
          ? { kind: 'datagram', channel: output.channel, bytes: output.bytes }
          : undefined,
      invented: (bytes) => ({ kind: 'datagram', channel: 'natt', bytes }),
      timeout: { kind: 'timeout' },
      commands: [
        { kind: 'start' },
        { kind: 'unreachable' },
        { kind: 'alive' },
        { kind: 'rekey-child' },
        { kind: 'used', spi: 1, octets: 2 ** 40, packets: 2 ** 32 },
        { kind: 'timeout' },
        { kind: 'alive' },
        { kind: 'rekey-child' },
        { kind: 'close' },
      ],
      secrets: SECRETS,
    },
  );
  pair.give('client', { kind: 'start' });
  return pair;
}

fuzz({
  name: 'ike, somebody in the middle',
  input: fc.record({
    seed: fc.nat({ max: 7 }),
    prefix: fc.nat({ max: 12 }),
    script: fc.array(actions, { maxLength: 30 }),
  }),
  check: ({ seed, prefix, script }) => {
    const pair = duel(seed);
    pair.deliver(prefix);
    for (const action of script) pair.do(action);
    for (const side of ['client', 'server'] as const) {
      if (pair.closed(side) === 0) pair.give(side, { kind: 'close' });
      insist(pair.closed(side) === 1, 'not closed');
    }
  },
});

fuzz({
  name: 'ike, somebody who adds',
  input: fc.record({
    seed: fc.nat({ max: 7 }),
    /** What is added behind each message that arrives. */
    script: fc.array(fc.array(injections, { maxLength: 3 }), { maxLength: 14 }),
  }),
  check: ({ seed, script }) => {
    const pair = duel(seed);
    for (const added of script) {
      pair.deliver(1);
      for (const action of added) pair.doLate(action);
    }
    const connected = () =>
      pair.has('client', 'child-established') && pair.has('server', 'child-established');
    insist(pair.settle(connected, 30_000), 'not connected');
    insist(pair.closed('client') + pair.closed('server') === 0, 'closed');
  },
});

const spi = fc.oneof(
  fc
    .constantFrom(0, 1, 255, 256, 0xffff_ffff)
    .map((n) => Uint8Array.of(n >>> 24, n >>> 16, n >>> 8, n)),
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
);

fuzz({
  name: 'ike, a gateway that lies',
  input: fc.record({
    seed: fc.nat({ max: 3 }),
    script: fc.array(
      fc.record({
        kind: fc.constantFrom('answer', 'begin', 'identities', 'alive', 'error', 'delete'),
        spi,
        messageId: fc.integer({ min: 1, max: 20 }),
        changes: mutations,
        extra: octets(40),
        millis: fc.constantFrom(0, 0, 0, 500, 30_000, 4_000_000),
      }),
      { minLength: 1, maxLength: 24 },
    ),
  }),
  check: ({ seed, script }) => {
    const liar = new Liar(seed);
    const { sa } = liar;
    insist(sa !== undefined, 'no IKE SA');
    for (const { kind, spi, messageId, changes, extra, millis } of script) {
      liar.pass(millis);
      const payloads = honest(kind, spi, sa);
      const body = mutate(concat(encodePayloads(payloads), extra), changes, 60_000);
      const last = liar.quickModes.at(-1);
      if (kind === 'answer' && last !== undefined) answer(liar, sa, last, payloads, body);
      else {
        const exchange =
          kind === 'begin' || kind === 'identities' || kind === 'answer'
            ? ExchangeType.quickMode
            : ExchangeType.informational;
        liar.tell(signed(sa, exchange, messageId, EMPTY, payloads, body));
      }
    }
    liar.pass(4_000_000);
    if (liar.client.closed === 0) liar.take(liar.client.handle({ kind: 'close' }));
    insist(liar.client.closed === 1, 'not closed');
  },
});
