/** IKE SAs and child SAs renewed in time: by us, by the peer, by both at once; and what becomes of one where the other has ended. */
import { describe, expect, test } from 'vitest';
import { DEFAULT_TIMERS, type IkeConfig } from '../../shared/ike/config.ts';
import { espTransforms } from '../../shared/ike/phase2-transforms.ts';
import { MAX_PEER_ATTEMPTS } from '../../shared/ike/renewals.ts';
import { decodeMessage } from '../../shared/isakmp/message.ts';
import { ExchangeType } from '../../shared/isakmp/numbers.ts';
import { type Bytes, toHex } from '../../shared/wire/bytes.ts';
import { CLIENT_PUBLIC, IkePair, type PairOptions, type Side } from './ike-pair.ts';

const SIDES = ['client', 'server'] as const;
const HOUR = 3_600_000;

/** Lifetimes of one side; the other would wait for hours. */
function shortLived(side: Side, options: PairOptions = {}): PairOptions {
  const short = { ikeLifetime: { seconds: 120 }, childLifetime: { seconds: 60 } };
  const own = { ...options[side], ...short };
  // What the client offers is the lifetime; the server says that it wants less.
  return { ...options, [side]: own };
}

function exchangeOf(bytes: Bytes): number {
  return decodeMessage(bytes).header.exchangeType;
}

/** How often an IKE SA was renewed, as `side` saw it, by whom. */
function renewed(pair: IkePair, side: Side): readonly (string | undefined)[] {
  return pair.traces(side, 'ike-renewed');
}

/** Inbound SPIs that `side` accepts now. */
function open(pair: IkePair, side: Side): readonly number[] {
  const spis = new Set<number>();
  for (const output of pair.outputs[side]) {
    if (output.kind === 'child-established' || output.kind === 'child-inbound')
      spis.add(output.inbound.spi);
    else if (output.kind === 'child-deleted') spis.delete(output.spi);
  }
  return [...spis];
}

/** Every second, for `seconds`: what each side may send by, the other one opens. */
function neverDeaf(pair: IkePair, seconds: number): void {
  for (let i = 0; i < seconds; i++) {
    pair.run(() => false, 1_000);
    for (const side of SIDES) {
      const other = side === 'client' ? 'server' : 'client';
      expect(pair.closed(side), `${side} after ${i} s`).toBeUndefined();
      // The newest of the other's children is what it sends by at the latest; it is known here.
      const { outbound } = pair.lastChild(other);
      const known = new Set(open(pair, side));
      expect(known.has(outbound.spi) || pair.now < 2_000, `${side} after ${i} s`).toBe(true);
    }
  }
}

describe('in time', () => {
  test.each(SIDES)('where the lifetimes are short for the %s', (side) => {
    const pair = new IkePair(shortLived(side));
    expect(pair.connect()).toBe(true);
    neverDeaf(pair, 600);
    // 600 s have five IKE SAs of 120 s and ten child SAs of 60 s at least, and few more.
    for (const each of SIDES) {
      expect(renewed(pair, each).length).toBeGreaterThanOrEqual(5);
      expect(renewed(pair, each).length).toBeLessThanOrEqual(8);
      expect(pair.children(each)).toBeGreaterThanOrEqual(10);
      // Each IKE SA brings one at once. A child SA is replaced after half of its minute.
      expect(pair.children(each)).toBeLessThanOrEqual(30);
      expect(open(pair, each).length).toBeLessThanOrEqual(4);
    }
  });

  test.each(SIDES)('with 64-bit sequence numbers, renewed by the %s', (side) => {
    const phase2 = espTransforms({ extendedSequenceNumbers: true });
    const pair = new IkePair(shortLived(side, { client: { phase2 }, server: { phase2 } }));
    expect(pair.connect()).toBe(true);
    neverDeaf(pair, 200);
    for (const each of SIDES) {
      expect(pair.children(each)).toBeGreaterThanOrEqual(3);
      const children = pair.outputs[each].filter((output) => output.kind === 'child-established');
      for (const { inbound, outbound } of children) {
        expect([inbound, outbound].map((sa) => sa.extendedSequenceNumbers)).toEqual([true, true]);
      }
    }
  });

  test.each([
    ['loss', { loss: 0.15 }],
    ['duplication and reordering', { duplication: 0.4, jitter: 300 }],
    ['corruption', { corruption: 0.1 }],
  ])('over a link with %s', (_name, link) => {
    for (const seed of [1, 2, 3]) {
      const pair = new IkePair(shortLived('client', { seed, link }));
      expect(pair.connect()).toBe(true);
      pair.run(() => pair.closed('client') !== undefined, 600_000);
      expect(pair.closed('client'), `seed ${seed}`).toBeUndefined();
      expect(renewed(pair, 'client').length).toBeGreaterThanOrEqual(4);
      expect(pair.children('client')).toBeGreaterThanOrEqual(9);
    }
  });

  test('a message is answered under the IKE SA that it came by, also once that is replaced', () => {
    const held: Bytes[] = [];
    let holds = false;
    const tap = (from: Side, bytes: Bytes): readonly Bytes[] => {
      if (!holds || from === 'client' || exchangeOf(bytes) !== ExchangeType.quickMode)
        return [bytes];
      held.push(bytes);
      return [];
    };
    const pair = new IkePair(shortLived('client', { tap }));
    pair.connect();
    pair.run(() => false, 1_000);
    holds = true;
    pair.give('server', { kind: 'rekey-child' });
    pair.run(() => renewed(pair, 'client').length > 0, 200_000);
    holds = false;
    const before = pair.sent.client.length;
    pair.give('client', { kind: 'datagram', channel: 'natt', bytes: held.at(-1)! });
    const answer = pair.sent.client[before]!;
    expect(toHex(answer.slice(0, 16))).toBe(toHex(held.at(-1)!.slice(0, 16)));
  });

  test('begins and stays on port 4500, where the first one floated to', () => {
    const pair = new IkePair(shortLived('client'));
    pair.connect();
    pair.run(() => renewed(pair, 'client').length > 1, 400_000);
    const { length } = pair.all('client', 'transmit').filter(({ channel }) => channel === 'ike');
    expect(length).toBe(2);
  });

  test('stays on port 500 with raw ESP', () => {
    const client = { natTraversal: 'on', localAddress: CLIENT_PUBLIC } as const;
    const pair = new IkePair(shortLived('client', { client }));
    pair.connect();
    pair.run(() => renewed(pair, 'client').length > 1, 400_000);
    expect(renewed(pair, 'client')).toEqual(['us', 'us']);
    expect(pair.all('client', 'transmit').every(({ channel }) => channel === 'ike')).toBe(true);
  });
});

describe('both at once', () => {
  test('IKE SAs: both stand, and the tunnel goes on', () => {
    // The server answered the first main mode, so left alone it would be second to renew: the client is held back.
    let held: Bytes[] = [];
    let holds = true;
    const tap = (from: Side, bytes: Bytes): readonly Bytes[] => {
      const { header } = decodeMessage(bytes);
      const isFirst =
        header.exchangeType === ExchangeType.identityProtection &&
        header.responderCookie.every((byte) => byte === 0);
      if (!holds || !isFirst || pair.children('client') === 0) return [bytes];
      if (from === 'client') held = [bytes];
      // Both have begun: let both through.
      if (from === 'server') holds = false;
      return from === 'server' ? [bytes] : [];
    };
    const pair: IkePair = new IkePair(shortLived('client', { tap }));
    pair.connect();
    pair.run(() => !holds, 200_000);
    expect(holds).toBe(false);
    pair.give('server', { kind: 'datagram', channel: 'natt', bytes: held[0]! });
    pair.run(() => SIDES.every((side) => renewed(pair, side).length === 2), 30_000);
    expect(renewed(pair, 'client').toSorted()).toEqual(['peer', 'us']);
    expect(renewed(pair, 'server').toSorted()).toEqual(['peer', 'us']);
    neverDeaf(pair, 600);
    expect(renewed(pair, 'client').length).toBeLessThanOrEqual(12);
  });

  test('Quick Modes: both pairs stand at both ends', () => {
    const pair = new IkePair();
    pair.connect();
    for (const side of SIDES) pair.give(side, { kind: 'rekey-child' });
    pair.run(() => pair.children('client') === 3 && pair.children('server') === 3);
    for (const side of SIDES) expect(open(pair, side)).toHaveLength(3);
    // Only the newest is renewed: not three in the next hour.
    pair.run(() => false, HOUR - 60_000);
    expect(pair.children('client')).toBeLessThanOrEqual(5);
  });
});

describe('ESP outlives its IKE SA', () => {
  /** Both ends without an IKE SA, and with their child SAs. */
  function withoutIkeSa(options: PairOptions = {}): IkePair {
    let blocked = true;
    const pair: IkePair = new IkePair({
      ...options,
      server: { ikeLifetime: { seconds: 60 }, ...options.server },
      tap: (from, bytes): readonly Bytes[] => {
        const { header } = decodeMessage(bytes);
        const isRenewal =
          header.exchangeType === ExchangeType.identityProtection && pair.children('client') > 0;
        return isRenewal && blocked ? [] : (options.tap?.(from, bytes) ?? [bytes]);
      },
    });
    pair.connect();
    // No renewal succeeds, so the IKE SA ends with its lifetime at both ends.
    pair.run(() => pair.traces('client', 'no-ike-sa').length > 0, 120_000);
    pair.run(() => pair.traces('server', 'no-ike-sa').length > 0, 120_000);
    blocked = false;
    return pair;
  }

  test('and a new IKE SA is made when it can be', () => {
    const pair = withoutIkeSa();
    for (const side of SIDES) {
      expect(pair.closed(side)).toBeUndefined();
      expect(open(pair, side)).toHaveLength(1);
    }
    pair.run(() => SIDES.every((side) => renewed(pair, side).length > 0));
    // Nobody knows what the other one has forgotten, so there are fresh child SAs, too.
    expect(pair.run(() => SIDES.every((side) => pair.children(side) >= 2))).toBe(true);
  });

  test('until its own lifetime is over', () => {
    let deaf = false;
    const pair = withoutIkeSa({
      client: { childLifetime: { seconds: 300 } },
      tap: (_from, bytes) => (deaf ? [] : [bytes]),
    });
    deaf = true;
    pair.run(() => pair.closed('client') !== undefined, 600_000);
    const deleted = pair.all('client', 'child-deleted');
    expect(deleted.map(({ spi }) => spi)).toContain(
      pair.all('client', 'child-established')[0]!.inbound.spi,
    );
    expect(open(pair, 'client')).toEqual([]);
  });
});

describe('lifetimes', () => {
  test('RESPONDER-LIFETIME shortens both, in whatever unit', () => {
    const server = {
      ikeLifetime: { seconds: 600, kilobytes: 2_048 },
      childLifetime: { seconds: 300, kilobytes: 250_000 },
    };
    const pair = new IkePair({ server });
    pair.connect();
    expect(pair.all('client', 'ike-established')[0]?.lifetime).toEqual(server.ikeLifetime);
    expect(pair.lastChild('client').lifetime).toEqual(server.childLifetime);
    expect(pair.lastChild('server').lifetime).toEqual(server.childLifetime);
  });

  test('of kilobytes: what a pair carries has it renewed, once, and ended', () => {
    const childLifetime = { seconds: 3_600, kilobytes: 10_000 };
    const pair = new IkePair({ client: { childLifetime } });
    pair.connect();
    const { spi } = pair.lastChild('client').inbound;
    const used = (octets: number) =>
      pair.give('client', { kind: 'used', spi, octets, packets: 9 }).map(({ kind }) => kind);
    expect(used(7_900 * 1024)).toEqual([]);
    expect(used(9_100 * 1024)).toEqual(['transmit']);
    pair.run(() => pair.children('client') === 2);
    expect(used(9_200 * 1024)).toEqual([]);
    expect(used(10_000 * 1024)).toEqual(['trace', 'transmit', 'child-deleted']);
    pair.run(() => pair.all('server', 'child-deleted').length > 0);
    expect(open(pair, 'server')).toEqual([pair.lastChild('server').inbound.spi]);
  });

  test('of the sequence number: a pair is renewed before it wraps', () => {
    const pair = new IkePair();
    pair.connect();
    const { spi } = pair.lastChild('client').inbound;
    const used = (packets: number) =>
      pair.give('client', { kind: 'used', spi, octets: 0, packets }).length;
    expect([used(2 ** 31), used(2 ** 32 - 2 ** 28)]).toEqual([0, 1]);
  });

  test('of an IKE SA in kilobytes, which questions use up', () => {
    const client = { ikeLifetime: { kilobytes: 1_024 } };
    const pair = new IkePair({ client });
    pair.connect();
    for (let i = 0; i < 16_000 && renewed(pair, 'client').length === 0; i++) {
      pair.give('client', { kind: 'unreachable' });
      pair.run(() => false, 100);
    }
    expect(renewed(pair, 'client')).toEqual(['us']);
    expect(pair.closed('client')).toBeUndefined();
  });
});

describe('who renews has to prove itself', () => {
  const OTHER_KEY = new TextEncoder().encode('another secret');

  /** A tunnel, and a stranger in the server's place that begins main modes of its own. */
  function besides(stranger: Partial<IkeConfig>): { pair: IkePair; other: IkePair } {
    const pair = new IkePair();
    pair.connect();
    // Seen from the stranger the client of `pair` is the responder.
    const other = new IkePair({
      seed: 7,
      client: {
        localAddress: pair.machines && Uint8Array.of(203, 0, 113, 5),
        remoteAddress: CLIENT_PUBLIC,
        localPorts: { ike: 500, natt: 4500 },
        remotePorts: { ike: 40_000, natt: 40_001 },
        natTraversal: 'on',
        innerLocalPort: 1701,
        innerRemotePort: 50_000,
        ...stranger,
      },
    });
    return { pair, other };
  }

  /** Carries messages between the stranger's initiator and the client of the tunnel. */
  function converse(pair: IkePair, other: IkePair, rounds = 8): void {
    let toClient = other.give('client', { kind: 'start' });
    for (let i = 0; i < rounds; i++) {
      const toStranger = toClient.flatMap((output) =>
        output.kind === 'transmit'
          ? pair.machines.client.handle(
              { kind: 'datagram', channel: output.channel, bytes: output.bytes },
              pair.now,
            )
          : [],
      );
      for (const output of toStranger) pair.outputs.client.push(output);
      toClient = toStranger.flatMap((output) =>
        output.kind === 'transmit'
          ? other.give('client', { kind: 'datagram', channel: output.channel, bytes: output.bytes })
          : [],
      );
    }
  }

  test('the peer does', () => {
    const { pair, other } = besides({});
    converse(pair, other);
    expect(renewed(pair, 'client')).toEqual(['peer']);
    expect(pair.children('client')).toBe(2);
  });

  test('with another key it does not, and the tunnel takes no harm', () => {
    const { pair, other } = besides({ credentials: { kind: 'pre-shared-key', key: OTHER_KEY } });
    converse(pair, other);
    expect(renewed(pair, 'client')).toEqual([]);
    expect(pair.traces('client', 'refused')).toContain('message 5 does not prove the key');
    pair.run(() => false, 120_000);
    expect(pair.closed('client')).toBeUndefined();
    expect(pair.closed('server')).toBeUndefined();
  });

  test('nor under another name', () => {
    const { pair, other } = besides({ identityAddress: Uint8Array.of(10, 9, 9, 9) });
    converse(pair, other);
    expect(renewed(pair, 'client')).toEqual([]);
    expect(pair.traces('client', 'renewal-refused')).toHaveLength(1);
    expect(other.closed('client')?.failure?.code).toBe('IKE_CLOSED_BY_PEER');
    expect(pair.children('client')).toBe(1);
  });

  test('our own messages, sent back to us, are nobody else’s', () => {
    let reflects = false;
    const pair: IkePair = new IkePair(
      shortLived('client', {
        tap: (from, bytes) => {
          if (
            reflects &&
            from === 'client' &&
            exchangeOf(bytes) === ExchangeType.identityProtection
          ) {
            reflected.push(bytes);
            return [];
          }
          return [bytes];
        },
      }),
    );
    const reflected: Bytes[] = [];
    pair.connect();
    reflects = true;
    while (pair.now < 130_000) {
      pair.run(() => reflected.length > 0, 1_000);
      for (const bytes of reflected.splice(0))
        pair.give('client', { kind: 'datagram', channel: 'natt', bytes });
    }
    expect(renewed(pair, 'client')).not.toContain('us');
    expect(pair.traces('client', 'dropped')).toContain('no responder cookie');
    expect(pair.closed('client')).toBeUndefined();
  });

  test('first messages in its name are answered, few are remembered, and none gets in the way', () => {
    const pair = new IkePair(shortLived('server'));
    pair.connect();
    const first = pair.sent.client[0]!;
    for (let i = 1; i <= 40; i++) {
      const bytes = first.slice();
      bytes[0] = bytes[0]! ^ i;
      const answers = pair.give('client', { kind: 'datagram', channel: 'natt', bytes });
      expect(answers.map(({ kind }) => kind)).toEqual(['transmit']);
    }
    // The last few are still known: the same again gets the same answer; the first is answered as new.
    const again = (i: number): string => {
      const bytes = first.slice();
      bytes[0] = bytes[0]! ^ i;
      const [answer] = pair.give('client', { kind: 'datagram', channel: 'natt', bytes });
      return answer?.kind ?? 'nothing';
    };
    expect(again(40 - MAX_PEER_ATTEMPTS + 1)).toBe('trace');
    expect(again(40 - MAX_PEER_ATTEMPTS)).toBe('transmit');
    expect(pair.run(() => renewed(pair, 'client').length > 0, 200_000)).toBe(true);
  });

  test('messages of the old main mode, again, change nothing', () => {
    const pair = new IkePair(shortLived('client'));
    pair.connect();
    pair.run(() => renewed(pair, 'client').length === 2, 400_000);
    const sent = { client: [...pair.sent.client], server: [...pair.sent.server] };
    for (const side of SIDES) {
      const other = side === 'client' ? 'server' : 'client';
      for (const bytes of sent[other])
        pair.give(side, { kind: 'datagram', channel: 'natt', bytes });
    }
    const before = SIDES.map((side) => renewed(pair, side).length);
    pair.run(() => false, DEFAULT_TIMERS.establish / 4);
    expect(SIDES.map((side) => renewed(pair, side).length)).toEqual(before);
    neverDeaf(pair, 200);
  });
});

describe('Deletes', () => {
  /** A gateway that ends its only child SA and begins no other, `age` after it was made. */
  function bareAfter(age: number): IkePair {
    const ours = new Set<number>();
    const tap = (from: Side, bytes: Bytes): readonly Bytes[] => {
      const { exchangeType, messageId } = decodeMessage(bytes).header;
      if (exchangeType !== ExchangeType.quickMode) return [bytes];
      if (from === 'client') ours.add(messageId);
      return ours.has(messageId) ? [bytes] : [];
    };
    const pair = new IkePair({ server: { childLifetime: { kilobytes: 10_000 } }, tap });
    pair.connect();
    pair.run(() => false, age);
    const { spi } = pair.lastChild('server').inbound;
    pair.give('server', { kind: 'used', spi, octets: 10_000 * 1024, packets: 9 });
    pair.run(() => pair.all('client', 'child-deleted').length > 0, 1_000);
    return pair;
  }

  test('of the last child SA: another one is made, while the IKE SA stands', () => {
    const pair = bareAfter(DEFAULT_TIMERS.reestablish);
    expect(pair.all('client', 'child-deleted')).toMatchObject([{ isReplaced: true }]);
    expect(pair.run(() => SIDES.every((side) => pair.children(side) === 2), 1_000)).toBe(true);
    expect(pair.lastChild('client').initiatedBy).toBe('us');
  });

  test('of a child SA that was just made: not by return of post', () => {
    const pair = bareAfter(DEFAULT_TIMERS.reestablish / 2);
    expect(pair.all('client', 'child-deleted')).toMatchObject([{ isReplaced: false }]);
    pair.run(() => false, 1_000);
    expect(pair.children('client')).toBe(1);
  });

  test('of child SAs that arrive behind the one of the IKE SA still count', () => {
    const deletes: Bytes[] = [];
    const tap = (from: Side, bytes: Bytes): readonly Bytes[] => {
      if (from === 'client' || exchangeOf(bytes) !== ExchangeType.informational) return [bytes];
      deletes.unshift(bytes);
      return deletes.length === 2 ? deletes : [];
    };
    const pair = new IkePair({ tap });
    pair.connect();
    pair.give('server', { kind: 'close' });
    pair.run(() => pair.closed('client') !== undefined, 1_000);
    expect(pair.closed('client')?.failure).toEqual({ code: 'IKE_CLOSED_BY_PEER' });
    expect(open(pair, 'client')).toEqual([]);
  });

  test('of an IKE SA end that one alone', () => {
    const pair = new IkePair(shortLived('client'));
    pair.connect();
    pair.run(() => renewed(pair, 'server').length === 1, 200_000);
    const children = pair.children('client');
    // The client deletes the old one after the overlap; the child made under it stays.
    pair.run(() => false, DEFAULT_TIMERS.overlap + 100);
    expect(pair.traces('server', 'no-ike-sa')).toEqual([]);
    expect(open(pair, 'server').length).toBeGreaterThan(0);
    expect(pair.children('client')).toBeGreaterThanOrEqual(children);
    expect(pair.closed('server')).toBeUndefined();
  });

  test.each(['client', 'server'] as const)(
    'that are replayed to the %s, or changed, end nothing',
    (side) => {
      const pair = new IkePair(shortLived('client'));
      pair.connect();
      pair.run(() => renewed(pair, 'server').length === 3, 600_000);
      const other = side === 'client' ? 'server' : 'client';
      const stand = open(pair, side);
      for (const bytes of pair.sent[other]) {
        if (exchangeOf(bytes) !== ExchangeType.informational) continue;
        pair.give(side, { kind: 'datagram', channel: 'natt', bytes });
        const changed = bytes.slice();
        changed[changed.length - 1] = changed.at(-1)! ^ 1;
        pair.give(side, { kind: 'datagram', channel: 'natt', bytes: changed });
      }
      expect(open(pair, side)).toEqual(stand);
      expect(pair.closed(side)).toBeUndefined();
    },
  );
});
