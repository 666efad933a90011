/** IKE in both roles: somebody between the two, somebody who only adds, and a gateway that knows the key and lies. */
import fc from 'fast-check';
import type { IkeConfig } from '../../shared/ike/config.ts';
import { type Aggressive, groupIdentity } from '../../shared/ike/credentials.ts';
import { Ike } from '../../shared/ike/ike.ts';
import type { IkeInput, IkeOutput } from '../../shared/ike/io.ts';
import type { Attribute } from '../../shared/isakmp/attribute.ts';
import { ExchangeType, XauthAttribute } from '../../shared/isakmp/numbers.ts';
import { encodePayloads } from '../../shared/isakmp/payload.ts';
import { concat, EMPTY } from '../../shared/wire/bytes.ts';
import { ikeConfig } from '../sim/ike-pair.ts';
import { fuzz } from './support/campaign.ts';
import { actions, Duel, injections } from './support/duel.ts';
import { insist } from './support/insist.ts';
import { answer, honest, Liar, SECRETS, signed } from './support/liar.ts';
import { mutate, mutations, octets } from './support/mutation.ts';

const AGGRESSIVE: Aggressive = { identity: groupIdentity('staff'), group: 2 };

function duelist(role: IkeConfig['role'], seed: number, isAggressive: boolean): Ike {
  const plain = ikeConfig(role, seed);
  const { credentials } = plain;
  if (!isAggressive || credentials.kind !== 'pre-shared-key') return new Ike(plain);
  return new Ike({ ...plain, credentials: { ...credentials, aggressive: AGGRESSIVE } });
}

function duel(seed: number, isAggressive: boolean): Duel<IkeInput, IkeOutput> {
  const pair = new Duel<IkeInput, IkeOutput>(
    duelist('initiator', seed, isAggressive),
    duelist('responder', seed + 1, isAggressive),
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
    isAggressive: fc.boolean(),
    prefix: fc.nat({ max: 12 }),
    script: fc.array(actions, { maxLength: 30 }),
  }),
  check: ({ seed, isAggressive, prefix, script }) => {
    const pair = duel(seed, isAggressive);
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
    isAggressive: fc.boolean(),
    /** What is added behind each message that arrives. */
    script: fc.array(fc.array(injections, { maxLength: 3 }), { maxLength: 14 }),
  }),
  check: ({ seed, isAggressive, script }) => {
    const pair = duel(seed, isAggressive);
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

const attribute: fc.Arbitrary<Attribute> = fc
  .record({
    type: fc.oneof(fc.constantFrom(...Object.values(XauthAttribute)), fc.nat({ max: 0x7fff })),
    value: fc.oneof(fc.constantFrom(0, 1, 2), fc.nat({ max: 0xffff }), octets(40)),
  })
  .map(({ type, value }) =>
    typeof value === 'number'
      ? { kind: 'basic', type, value }
      : { kind: 'variable', type, value: concat(value) },
  );

fuzz({
  name: 'ike, a gateway that lies about XAUTH',
  input: fc.record({
    seed: fc.nat({ max: 3 }),
    script: fc.array(
      fc.record({
        configType: fc.nat({ max: 5 }),
        attributes: fc.array(attribute, { maxLength: 8 }),
        messageId: fc.integer({ min: 0, max: 20 }),
        changes: fc.oneof(fc.constant([]), mutations),
        millis: fc.constantFrom(0, 0, 0, 500, 30_000),
      }),
      { minLength: 1, maxLength: 24 },
    ),
  }),
  check: ({ seed, script }) => {
    const liar = new Liar(seed, { userName: 'alice', password: 'open wonderland' });
    const { sa } = liar;
    insist(sa !== undefined, 'no IKE SA');
    for (const { configType, attributes, messageId, changes, millis } of script) {
      liar.pass(millis);
      const payloads = [{ kind: 'attributes', configType, identifier: 7, attributes }] as const;
      const body = mutate(encodePayloads(payloads), changes, 60_000);
      liar.tell(signed(sa, ExchangeType.transaction, messageId, EMPTY, payloads, body));
    }
    liar.pass(4_000_000);
    insist(liar.client.closed === 1, 'not closed');
  },
});
