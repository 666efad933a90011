import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_CHILDREN } from '../../shared/ike/children.ts';
import { Ike } from '../../shared/ike/ike.ts';
import type { IkeInput } from '../../shared/ike/io.ts';
import type { Phase1Transform } from '../../shared/ike/phase1-transforms.ts';
import { decodeMessage, encodeClearMessage } from '../../shared/isakmp/message.ts';
import { ExchangeType, HeaderFlag, NotifyType } from '../../shared/isakmp/numbers.ts';
import type { Payload } from '../../shared/isakmp/payload.ts';
import { type Bytes, concat, EMPTY } from '../../shared/wire/bytes.ts';
import { SeededRandom } from '../support/random.ts';
import { IkePair, ikeConfig, type Side } from './ike-pair.ts';

const OTHER_KEY = {
  kind: 'pre-shared-key',
  key: new TextEncoder().encode('another secret'),
} as const;
const OTHER_PHASE1: Phase1Transform = { cipher: 'aes-cbc', keyBits: 256, hash: 'sha1', group: 14 };

/** What anybody on the way can send: an error notification in clear, with the cookies of `like`. */
function forgedNotification(like: Bytes, notifyType: number, extra: Partial<Payload> = {}): Bytes {
  const { initiatorCookie, responderCookie } = decodeMessage(like).header;
  const exchangeType = ExchangeType.informational;
  const header = { initiatorCookie, responderCookie, exchangeType, flags: 0, messageId: 7 };
  const notification = {
    kind: 'notification',
    doi: 1,
    protocolId: 1,
    notifyType,
    spi: EMPTY,
    data: EMPTY,
    ...extra,
  } as Payload;
  return encodeClearMessage(header, [notification]);
}

function exchangeOf(bytes: Bytes): number {
  return decodeMessage(bytes).header.exchangeType;
}

/** Runs to the client's end and answers code, detail and how long it took. */
function outcome(pair: IkePair): { code?: string; detail?: string; after: number } {
  const begin = pair.now;
  pair.give('client', { kind: 'start' });
  pair.run(() => pair.closed('client') !== undefined, 120_000);
  const { code, detail } = pair.closed('client')?.failure ?? {};
  return {
    ...(code === undefined ? {} : { code }),
    ...(detail === undefined ? {} : { detail }),
    after: pair.now - begin,
  };
}

describe('why it failed', () => {
  test('nobody there', () => {
    const result = outcome(new IkePair({ link: { loss: 1 } }));
    expect(result.code).toBe('IKE_NO_RESPONSE');
    expect(result.after).toBeLessThanOrEqual(60_000);
  });

  test('nobody there after message 2', () => {
    let answers = 0;
    const tap = (from: Side, bytes: Bytes) => (from === 'server' && answers++ > 0 ? [] : [bytes]);
    expect(outcome(new IkePair({ tap })).code).toBe('IKE_NO_RESPONSE');
  });

  test('an ICMP error and silence', () => {
    const pair = new IkePair({ link: { loss: 1 } });
    pair.give('client', { kind: 'start' });
    pair.give('client', { kind: 'unreachable' });
    const begin = pair.now;
    pair.run(() => pair.closed('client') !== undefined);
    expect(pair.closed('client')?.failure).toEqual({ code: 'IKE_UNREACHABLE' });
    expect(pair.now - begin).toBe(5_000);
  });

  test('an ICMP error that something answers after all', () => {
    const pair = new IkePair();
    pair.give('client', { kind: 'start' });
    pair.give('client', { kind: 'unreachable' });
    expect(pair.run(() => pair.children('client') === 1)).toBe(true);
  });

  test('no common phase 1', () => {
    const result = outcome(new IkePair({ server: { phase1: [OTHER_PHASE1] } }));
    expect(result).toMatchObject({
      code: 'IKE_NO_PROPOSAL_CHOSEN',
      detail:
        'offered for IKE: AES-CBC-128, SHA2-256, MODP-1024; the gateway answered NO-PROPOSAL-CHOSEN',
    });
    expect(result.after).toBeLessThanOrEqual(6_000);
  });

  test('no common phase 1, told as SoftEther does: under a random cookie', () => {
    const tap = (from: Side, bytes: Bytes): readonly Bytes[] => {
      if (from === 'client') return [bytes];
      const { initiatorCookie } = decodeMessage(bytes).header;
      const spi = concat(initiatorCookie, new Uint8Array(8));
      const told = forgedNotification(bytes, NotifyType['NO-PROPOSAL-CHOSEN'], { spi });
      told.set(new SeededRandom(3).bytes(8));
      return [told];
    };
    expect(outcome(new IkePair({ tap })).code).toBe('IKE_NO_PROPOSAL_CHOSEN');
  });

  test('no common phase 2, which the gateway says under the IKE SA', () => {
    const server = { phase2: [{ cipher: 'aes-gcm-16', keyBits: 256 }] as const };
    const result = outcome(new IkePair({ server }));
    expect(result).toMatchObject({
      code: 'IKE_NO_PROPOSAL_CHOSEN',
      detail: 'offered for ESP: AES-CBC-128, HMAC-SHA1-96; the gateway answered NO-PROPOSAL-CHOSEN',
    });
    expect(result.after).toBeLessThan(1_000);
  });

  test('another pre-shared key, and the gateway says so', () => {
    const result = outcome(new IkePair({ server: { credentials: OTHER_KEY } }));
    expect(result.code).toBe('IKE_AUTHENTICATION_FAILED');
    expect(result.detail).toBe('the gateway answered PAYLOAD-MALFORMED');
  });

  test('another pre-shared key, and the gateway is silent', () => {
    const tap = (from: Side, bytes: Bytes) =>
      from === 'server' && exchangeOf(bytes) === ExchangeType.informational ? [] : [bytes];
    const result = outcome(new IkePair({ server: { credentials: OTHER_KEY }, tap }));
    expect(result).toMatchObject({
      code: 'IKE_AUTHENTICATION_FAILED',
      detail: 'no answer to main mode message 5',
    });
  });

  test('another pre-shared key, and the gateway repeats message 4', () => {
    let message4: Bytes | undefined;
    const tap = (from: Side, bytes: Bytes): readonly Bytes[] => {
      if (from === 'client') return [bytes];
      if (exchangeOf(bytes) === ExchangeType.identityProtection) message4 = bytes;
      return [message4!];
    };
    const result = outcome(new IkePair({ server: { credentials: OTHER_KEY }, tap }));
    expect(result).toMatchObject({
      code: 'IKE_AUTHENTICATION_FAILED',
      detail: 'the gateway keeps repeating main mode message 4',
    });
    expect(result.after).toBeLessThan(15_000);
  });

  test('message 6 that does not decrypt', () => {
    const tap = (from: Side, bytes: Bytes): readonly Bytes[] => {
      const encrypted = (decodeMessage(bytes).header.flags & HeaderFlag.encryption) !== 0;
      if (from === 'client' || !encrypted) return [bytes];
      const broken = bytes.slice();
      for (let at = 28; at < broken.length; at++) broken[at]! ^= 0x55;
      return [broken];
    };
    expect(outcome(new IkePair({ tap }))).toMatchObject({
      code: 'IKE_AUTHENTICATION_FAILED',
      detail: 'the answer to main mode message 5 cannot be decrypted',
    });
  });

  test('no answer to Quick Mode', () => {
    const tap = (from: Side, bytes: Bytes) =>
      from === 'server' && exchangeOf(bytes) === ExchangeType.quickMode ? [] : [bytes];
    expect(outcome(new IkePair({ tap })).code).toBe('IKE_QUICK_MODE_FAILED');
  });

  test('a gateway without NAT traversal, where nothing else can be used', () => {
    const tap = (from: Side, bytes: Bytes): readonly Bytes[] => {
      if (from === 'client') return [bytes];
      const { header, body } = decodeMessage(bytes);
      // The SA payload alone, without the vendor ids behind it.
      const sa = body.slice(0, (body[2]! << 8) | body[3]!);
      sa[0] = 0;
      const cut = concat(bytes.slice(0, 28), sa);
      cut[26] = cut.length >>> 8;
      cut[27] = cut.length;
      return header.exchangeType === ExchangeType.identityProtection ? [cut] : [bytes];
    };
    expect(outcome(new IkePair({ tap })).code).toBe('IKE_REFUSED');
  });

  test('the gateway deletes the IKE SA', () => {
    const pair = new IkePair();
    pair.connect();
    pair.give('server', { kind: 'close' });
    pair.run(() => pair.closed('client') !== undefined, 1_000);
    expect(pair.closed('client')?.failure).toEqual({ code: 'IKE_CLOSED_BY_PEER' });
  });

  test('a responder whose initiator never finishes', () => {
    const pair = new IkePair({ tap: (from, bytes) => (from === 'server' ? [] : [bytes]) });
    pair.give('client', { kind: 'start' });
    pair.run(() => pair.closed('server') !== undefined);
    expect(pair.closed('server')?.failure?.code).toBe('IKE_NO_RESPONSE');
  });
});

describe('what nobody signed ends nothing', () => {
  test.each([
    'NO-PROPOSAL-CHOSEN',
    'AUTHENTICATION-FAILED',
    'PAYLOAD-MALFORMED',
    'INVALID-PAYLOAD-TYPE',
    'INVALID-COOKIE',
  ] as const)('forged %s with every message', (name) => {
    const tap = (_from: Side, bytes: Bytes) => [forgedNotification(bytes, NotifyType[name]), bytes];
    const pair = new IkePair({ tap });
    expect(pair.connect()).toBe(true);
    pair.run(() => false, 60_000);
    expect(pair.closed('client')).toBeUndefined();
    expect(pair.closed('server')).toBeUndefined();
  });

  test('a forged Delete in clear', () => {
    const pair = new IkePair();
    pair.connect();
    const { header } = decodeMessage(pair.sent.client.at(-1)!);
    const { initiatorCookie, responderCookie } = header;
    const forged = encodeClearMessage(
      { ...header, exchangeType: ExchangeType.informational, flags: 0, messageId: 9 },
      [
        {
          kind: 'delete',
          doi: 1,
          protocolId: 1,
          spiSize: 16,
          spis: [concat(initiatorCookie, responderCookie)],
        },
      ],
    );
    const outputs = pair.give('client', { kind: 'datagram', channel: 'natt', bytes: forged });
    expect(outputs).toEqual([
      { kind: 'trace', layer: 'ike', event: 'dropped', detail: 'unauthenticated notification' },
    ]);
  });

  test('every message also with a byte changed, in front of the true one', () => {
    const random = new SeededRandom(11);
    for (let round = 0; round < 10; round++) {
      const tap = (_from: Side, bytes: Bytes): readonly Bytes[] => {
        const broken = bytes.slice();
        // Not in the key exchange of the other side's half-open state: behind the cookies of the header.
        broken[16 + Math.floor(random.next() * 12)]! ^= 1 + Math.floor(random.next() * 255);
        return [broken, bytes];
      };
      const pair = new IkePair({ seed: round + 1, tap });
      expect(pair.connect()).toBe(true);
      expect(pair.closed('client')).toBeUndefined();
    }
  });
});

describe('a tunnel that stands', () => {
  test('takes no harm from a replay of everything', () => {
    const pair = new IkePair();
    pair.connect();
    pair.give('client', { kind: 'rekey-child' });
    pair.run(() => pair.children('server') === 2);
    pair.run(() => false, 60_000);
    const sent = { client: [...pair.sent.client], server: [...pair.sent.server] };
    for (const side of ['client', 'server'] as const) {
      const other = side === 'client' ? 'server' : 'client';
      for (const bytes of sent[other]) {
        pair.give(side, { kind: 'datagram', channel: 'natt', bytes });
      }
    }
    pair.run(() => false, 60_000);
    for (const side of ['client', 'server'] as const) {
      expect(pair.children(side)).toBe(2);
      expect(pair.all(side, 'child-deleted')).toEqual([]);
      expect(pair.closed(side)).toBeUndefined();
    }
  });

  test('a replayed answer to a question does not keep a dead peer alive', () => {
    let deaf = false;
    const answers: Bytes[] = [];
    const tap = (from: Side, bytes: Bytes): readonly Bytes[] => {
      if (from === 'server') answers.push(bytes);
      return deaf ? [] : [bytes];
    };
    const pair = new IkePair({ tap });
    pair.connect();
    pair.run(() => false, 60_000);
    deaf = true;
    const over = () => pair.closed('client') !== undefined;
    while (!over() && pair.now < 600_000) {
      for (const bytes of answers)
        pair.give('client', { kind: 'datagram', channel: 'natt', bytes });
      pair.run(over, 3_000);
    }
    expect(pair.closed('client')?.failure?.code).toBe('IKE_DEAD_PEER');
  });

  test('message 3 of Quick Mode lost: the answer comes again, and so does message 3', () => {
    let lost = 0;
    const tap = (from: Side, bytes: Bytes): readonly Bytes[] => {
      const { header, body } = decodeMessage(bytes);
      const third = header.exchangeType === ExchangeType.quickMode && body.length < 80;
      if (from === 'client' && third && lost++ < 2) return [];
      return [bytes];
    };
    const pair = new IkePair({ tap });
    expect(pair.connect()).toBe(true);
    expect(lost).toBe(3);
    expect(pair.children('client')).toBe(1);
  });

  test('the commit bit and messages after the third change nothing', () => {
    const tap = (from: Side, bytes: Bytes): readonly Bytes[] => {
      const { exchangeType } = decodeMessage(bytes).header;
      if (from === 'client' || exchangeType !== ExchangeType.quickMode) return [bytes];
      const committed = bytes.slice();
      committed[19]! |= HeaderFlag.commit;
      const fourth = committed.slice();
      fourth[40]! ^= 1;
      return [committed, fourth];
    };
    const pair = new IkePair({ tap });
    expect(pair.connect()).toBe(true);
    expect(pair.children('client')).toBe(1);
  });

  test('holds a bounded number of children', () => {
    const pair = new IkePair();
    pair.connect();
    for (let i = 2; i <= MAX_CHILDREN + 3; i++) {
      pair.give('server', { kind: 'rekey-child' });
      pair.run(() => pair.children('server') === i && pair.children('client') === i, 5_000);
    }
    pair.run(() => false, 1_000);
    const spis = pair.all('client', 'child-deleted').map(({ spi }) => spi);
    const oldest = pair.all('client', 'child-established').map(({ inbound }) => inbound.spi);
    expect(new Set(spis)).toEqual(new Set(oldest.slice(0, 3)));
    expect(pair.closed('client')).toBeUndefined();
  });
});

describe('arbitrary input never throws', () => {
  /** A machine stopped after the n-th message of the exchange, and what it has seen so far. */
  function stoppedAfter(count: number, role: Side): { ike: Ike; pair: IkePair; seen: Bytes[] } {
    let messages = 0;
    const seen: Bytes[] = [];
    const pair = new IkePair({
      tap: (_from, bytes) => {
        if (messages++ >= count) return [];
        seen.push(bytes);
        return [bytes];
      },
    });
    pair.give('client', { kind: 'start' });
    pair.run(() => false, 900);
    return { ike: pair.machines[role], pair, seen };
  }

  const bytes = fc.uint8Array({ maxLength: 300 }).map((array): Bytes => Uint8Array.from(array));
  const edit = fc.tuple(fc.nat(), fc.nat(), fc.integer({ min: 0, max: 255 }), fc.nat(3));
  const cases = ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9] as const).flatMap((count) =>
    (['client', 'server'] as const).map((role) => ({ count, role })),
  );

  test.each(cases)('$role after $count messages', ({ count, role }) => {
    const { ike, pair, seen } = stoppedAfter(count, role);
    const feed = (input: IkeInput) => ike.handle(input, pair.now++);
    fc.assert(
      fc.property(bytes, fc.constantFrom('ike', 'natt'), (data, channel) => {
        feed({ kind: 'datagram', channel, bytes: data });
      }),
      { numRuns: 40 },
    );
    fc.assert(
      fc.property(edit, ([which, at, value, cut]) => {
        const original = seen[which % Math.max(seen.length, 1)];
        if (original === undefined) return;
        const changed = original.slice(0, original.length - cut);
        changed[at % changed.length] = value;
        changed[26] = changed.length >>> 8;
        changed[27] = changed.length;
        feed({ kind: 'datagram', channel: 'natt', bytes: changed });
      }),
      { numRuns: 60 },
    );
    expect(() => feed({ kind: 'timeout' })).not.toThrow();
  });
});

test('a configuration that cannot work is refused', () => {
  const config = ikeConfig('initiator', 1);
  expect(() => new Ike({ ...config, credentials: { kind: 'pre-shared-key', key: EMPTY } })).toThrow(
    RangeError,
  );
  expect(() => new Ike({ ...config, localAddress: new Uint8Array(16) })).toThrow(RangeError);
  expect(() => new Ike({ ...config, phase1: [] })).toThrow(RangeError);
  expect(() => new Ike({ ...config, phase1: Array(25).fill(OTHER_PHASE1) })).toThrow(RangeError);
});
