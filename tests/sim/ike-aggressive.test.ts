/** Aggressive mode with a group name: two machines, somebody between them, and renewals. RFC 2409 §5.4. */
import { describe, expect, test } from 'vitest';
import type { Aggressive, Credentials } from '../../shared/ike/credentials.ts';
import { groupIdentity } from '../../shared/ike/credentials.ts';
import { Ike } from '../../shared/ike/ike.ts';
import { PHASE1_TRANSFORMS } from '../../shared/ike/phase1-transforms.ts';
import { decodeClearBody, decodeMessage, encodeClearMessage } from '../../shared/isakmp/message.ts';
import { ExchangeType, HeaderFlag, IdType, NotifyType } from '../../shared/isakmp/numbers.ts';
import type { Payload } from '../../shared/isakmp/payload.ts';
import { type Bytes, EMPTY } from '../../shared/wire/bytes.ts';
import { utf8Encode } from '../../shared/wire/text.ts';
import { IkePair, ikeConfig, type PairOptions, type Side } from './ike-pair.ts';

const SIDES = ['client', 'server'] as const;

function knowing(key: string, aggressive: Aggressive): Credentials {
  return { kind: 'pre-shared-key', key: utf8Encode(key), aggressive };
}

const GROUP: Aggressive = { identity: groupIdentity('road warriors'), group: 2 };
const GATEWAY: Aggressive = { identity: groupIdentity('gateway.example'), group: 2 };
const CLIENT = { credentials: knowing('sesame', GROUP) };
const SERVER = { credentials: knowing('sesame', GATEWAY) };

function aggressivePair({ client, server, ...rest }: PairOptions = {}): IkePair {
  return new IkePair({
    ...rest,
    client: { ...CLIENT, ...client },
    server: { ...SERVER, ...server },
  });
}

function exchangeOf(bytes: Bytes): number {
  return decodeMessage(bytes).header.exchangeType;
}

function isEncrypted(bytes: Bytes): boolean {
  return (decodeMessage(bytes).header.flags & HeaderFlag.encryption) !== 0;
}

/** Replaces message 2 by what `change` makes of its payloads. */
function forging(change: (payloads: readonly Payload[]) => readonly Payload[]) {
  return (from: Side, bytes: Bytes): readonly Bytes[] => {
    const message = decodeMessage(bytes);
    if (from === 'client' || message.header.exchangeType !== ExchangeType.aggressive)
      return [bytes];
    const payloads = decodeClearBody(message).map(({ payload }) => payload);
    return [encodeClearMessage(message.header, change(payloads))];
  };
}

function ending(pair: IkePair): { code?: string | undefined; detail?: string | undefined } {
  pair.give('client', { kind: 'start' });
  pair.run(() => pair.closed('client') !== undefined);
  return { ...pair.closed('client')?.failure };
}

describe('a tunnel', () => {
  test('takes three messages, and the name goes first and in clear', () => {
    const pair = aggressivePair();
    expect(pair.connect()).toBe(true);
    const own = pair.sent.client.filter((bytes) => exchangeOf(bytes) === ExchangeType.aggressive);
    expect(own.map(isEncrypted)).toEqual([false, true]);
    const named = decodeClearBody(decodeMessage(own[0]!)).find(
      ({ payload }) => payload.kind === 'identification',
    );
    expect(named?.payload).toMatchObject({
      idType: IdType.keyId,
      data: utf8Encode('road warriors'),
    });
    const [established] = pair.all('client', 'ike-established');
    expect(established?.authentication).toBe('pre-shared key, aggressive mode');
    expect(established?.encapsulation).toBe('udp');
  });

  test('floats to port 4500 with message 3', () => {
    const pair = aggressivePair();
    pair.connect();
    const channels = pair
      .all('client', 'transmit')
      .filter(({ bytes }) => exchangeOf(bytes) === ExchangeType.aggressive)
      .map(({ channel }) => channel);
    expect(channels).toEqual(['ike', 'natt']);
  });

  test.each(['on', 'off'] as const)('stays on port 500 without a NAT (%s)', (natTraversal) => {
    const { localAddress, remoteAddress } = ikeConfig('responder', 1);
    const pair = aggressivePair({
      client: { natTraversal, localAddress: remoteAddress, remoteAddress: localAddress },
    });
    expect(pair.connect()).toBe(true);
    expect(pair.all('client', 'ike-established')[0]?.encapsulation).toBe('raw');
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'stands where one message in five is lost (seed %i)',
    (seed) => {
      const pair = aggressivePair({ seed, link: { loss: 0.2, duplication: 0.1 } });
      expect(pair.connect()).toBe(true);
    },
  );

  test('stands where message 3 is lost and the gateway says nothing', () => {
    let lost = 0;
    const isThird = (bytes: Bytes): boolean =>
      exchangeOf(bytes) === ExchangeType.aggressive && isEncrypted(bytes);
    const pair = aggressivePair({
      tap: (_from, bytes) => (isThird(bytes) && lost++ === 0 ? [] : [bytes]),
    });
    expect(pair.connect()).toBe(true);
    pair.run(() => false, 120_000);
    expect(pair.sent.client.filter(isThird).length).toBe(3);
  });

  test('stands where message 3 is lost and the gateway repeats message 2', () => {
    let lost = 0;
    let second: Bytes | undefined;
    const tap = (from: Side, bytes: Bytes): readonly Bytes[] => {
      if (exchangeOf(bytes) !== ExchangeType.aggressive)
        return lost > 1 || isOurs(bytes) ? [bytes] : [];
      if (from === 'server') second = bytes;
      return isEncrypted(bytes) && lost++ === 0 ? [] : [bytes];
    };
    const isOurs = (bytes: Bytes): boolean => exchangeOf(bytes) === ExchangeType.quickMode;
    const pair = aggressivePair({ tap });
    pair.give('client', { kind: 'start' });
    pair.run(() => lost > 0);
    pair.run(() => false, 100);
    pair.give('client', { kind: 'datagram', channel: 'ike', bytes: second! });
    expect(lost).toBe(2);
    expect(pair.run(() => pair.children('client') > 0)).toBe(true);
  });

  test.each(SIDES)('is renewed by the %s, in aggressive mode again', (side) => {
    const short = { ikeLifetime: { seconds: 120 } };
    const pair = aggressivePair({ [side]: short });
    expect(pair.connect()).toBe(true);
    expect(pair.run(() => pair.traces('client', 'ike-renewed').length >= 3, 600_000)).toBe(true);
    expect(pair.closed('client')).toBeUndefined();
    expect(pair.sent[side].map(exchangeOf)).not.toContain(ExchangeType.identityProtection);
  });
});

describe('what is offered', () => {
  test('has the one group, with everything else', () => {
    const { phase1: _quick, ...config } = ikeConfig('initiator', 1);
    const credentials = knowing('sesame', { ...GROUP, group: 14 });
    const [first] = new Ike({ ...config, credentials })
      .handle({ kind: 'start' }, 0)
      .flatMap((output) => (output.kind === 'transmit' ? [output.bytes] : []));
    const [sa] = decodeClearBody(decodeMessage(first!));
    const offered = sa?.payload.kind === 'security-association' ? sa.payload.proposals : [];
    const expected = PHASE1_TRANSFORMS.filter(({ group }) => group === 14).length;
    expect(offered.map(({ transforms }) => transforms.length)).toEqual([expected]);
  });

  test('is refused where the transforms have another group', () => {
    const credentials = knowing('sesame', { ...GROUP, group: 17 });
    expect(() => new Ike({ ...ikeConfig('initiator', 1), credentials })).toThrow('phase1: length');
  });
});

describe('what goes wrong', () => {
  test('another key', () => {
    const pair = aggressivePair({ server: { credentials: knowing('another', GATEWAY) } });
    expect(ending(pair)).toEqual({
      code: 'IKE_AUTHENTICATION_FAILED',
      detail: 'HASH_R of aggressive mode message 2 is wrong',
    });
    expect(pair.children('server')).toBe(0);
  });

  test('a client with another key is not believed', () => {
    const pair = aggressivePair({ client: { credentials: knowing('another', GROUP) } });
    ending(pair);
    expect(pair.all('server', 'ike-established')).toEqual([]);
  });

  test('a gateway that has main mode alone', () => {
    const plain = { credentials: { kind: 'pre-shared-key', key: utf8Encode('sesame') } } as const;
    const { code, detail } = ending(aggressivePair({ server: plain }));
    expect(code).toBe('IKE_NO_RESPONSE');
    expect(detail).toContain('may not allow this mode');
  });

  test('a client that is offered aggressive mode without having asked for it', () => {
    const plain = { credentials: { kind: 'pre-shared-key', key: utf8Encode('sesame') } } as const;
    const pair = aggressivePair({ client: plain, server: plain });
    expect(pair.connect()).toBe(true);
    const before = pair.sent.client.length;
    const begun = new Ike({ ...ikeConfig('initiator', 9), ...CLIENT }).handle({ kind: 'start' }, 0);
    for (const output of begun) {
      if (output.kind !== 'transmit') continue;
      pair.give('client', { kind: 'datagram', channel: 'natt', bytes: output.bytes });
    }
    expect(pair.sent.client.length).toBe(before);
  });

  test('a choice that was not offered', () => {
    const tap = forging((payloads) =>
      payloads.map((payload) =>
        payload.kind === 'security-association'
          ? {
              ...payload,
              proposals: payload.proposals.map((proposal) => ({
                ...proposal,
                transforms: proposal.transforms.map((transform) => ({
                  ...transform,
                  attributes: transform.attributes.map((each) =>
                    each.type === 4 ? ({ kind: 'basic', type: 4, value: 1 } as const) : each,
                  ),
                })),
              })),
            }
          : payload,
      ),
    );
    expect(ending(aggressivePair({ tap })).code).toBe('IKE_NO_PROPOSAL_CHOSEN');
  });

  test.each([
    ['another name', 'identification', { data: utf8Encode('impostor') }],
    ['another nonce', 'nonce', { data: new Uint8Array(32) }],
    ['another hash', 'hash', { data: new Uint8Array(32) }],
  ] as const)('%s than the one that was proven', (_name, kind, change) => {
    const tap = forging((payloads) =>
      payloads.map((each) => (each.kind === kind ? ({ ...each, ...change } as Payload) : each)),
    );
    expect(ending(aggressivePair({ tap })).code).toBe('IKE_AUTHENTICATION_FAILED');
  });

  test.each(['key-exchange', 'nonce', 'identification', 'hash'] as const)(
    'no %s payload',
    (kind) => {
      const tap = forging((payloads) => payloads.filter((each) => each.kind !== kind));
      expect(ending(aggressivePair({ tap })).code).toBe('IKE_NO_RESPONSE');
    },
  );

  test('forged answers before the true one do no harm', () => {
    let forged = false;
    const tap = (from: Side, bytes: Bytes): readonly Bytes[] => {
      if (from === 'client' || forged) return [bytes];
      forged = true;
      const message = decodeMessage(bytes);
      const payloads = decodeClearBody(message).map(({ payload }) => payload);
      const lie = payloads.map((each) =>
        each.kind === 'hash' ? { ...each, data: new Uint8Array(32) } : each,
      );
      const refusal: Payload = {
        kind: 'notification',
        doi: 1,
        protocolId: 1,
        notifyType: NotifyType['NO-PROPOSAL-CHOSEN'],
        spi: EMPTY,
        data: EMPTY,
      };
      const header = { ...message.header, exchangeType: ExchangeType.informational, messageId: 5 };
      return [
        encodeClearMessage(message.header, lie),
        encodeClearMessage(header, [refusal]),
        bytes.slice(0, -1),
        bytes,
      ];
    };
    expect(aggressivePair({ tap }).connect()).toBe(true);
  });

  test('everything again, later, changes nothing', () => {
    const pair = aggressivePair();
    expect(pair.connect()).toBe(true);
    for (const side of SIDES) {
      const other = side === 'client' ? 'server' : 'client';
      for (const bytes of [...pair.sent[side]]) {
        pair.give(other, { kind: 'datagram', channel: 'natt', bytes });
        pair.give(side, { kind: 'datagram', channel: 'natt', bytes });
      }
    }
    pair.run(() => false, 30_000);
    expect([pair.closed('client'), pair.closed('server')]).toEqual([undefined, undefined]);
    expect([pair.children('client'), pair.children('server')]).toEqual([1, 1]);
  });
});
