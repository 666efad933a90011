import { describe, expect, test } from 'vitest';
import type { Primitives } from '../../shared/crypto/suite.ts';
import { CHILD_LIFETIME_SECONDS, IKE_LIFETIME_SECONDS } from '../../shared/ike/config.ts';
import { LARGEST_FIRST_MESSAGE } from '../../shared/ike/phase1.ts';
import { PHASE1_TRANSFORMS, type Phase1Transform } from '../../shared/ike/phase1-transforms.ts';
import { PHASE2_TRANSFORMS } from '../../shared/ike/phase2-transforms.ts';
import { decodeMessage } from '../../shared/isakmp/message.ts';
import { toHex } from '../../shared/wire/bytes.ts';
import { nodePrimitives } from '../support/node-primitives.ts';
import {
  CLIENT_PUBLIC,
  IkePair,
  type PairOptions,
  QUICK_PHASE1,
  QUICK_PHASE2,
} from './ike-pair.ts';

/** Both directions have the same keys at both ends. */
function expectSameKeys(pair: IkePair): void {
  const client = pair.lastChild('client');
  const server = pair.lastChild('server');
  expect(client.inbound).toEqual(server.outbound);
  expect(client.outbound).toEqual(server.inbound);
  expect(client.inbound.spi).toBeGreaterThan(255);
  expect(toHex(client.inbound.cipherKey)).not.toBe(toHex(client.outbound.cipherKey));
}

describe('from nothing to a child SA', () => {
  test('tells the stages, then floats to port 4500 at message 5', () => {
    const pair = new IkePair();
    expect(pair.connect()).toBe(true);
    expectSameKeys(pair);
    const events = pair.outputs.client
      .filter(({ kind }) => kind !== 'trace')
      .map((output) =>
        output.kind === 'transmit'
          ? `${output.channel} ${decodeMessage(output.bytes).header.exchangeType}`
          : output.kind,
      );
    expect(events).toEqual([
      'stage',
      'ike 2',
      'ike 2',
      'natt 2',
      'ike-established',
      'stage',
      'natt 32',
      'natt 32',
      'child-established',
    ]);
    expect(pair.all('client', 'ike-established')).toEqual([
      {
        kind: 'ike-established',
        algorithms: QUICK_PHASE1,
        authentication: 'pre-shared key',
        nat: { local: true, remote: false },
        encapsulation: 'udp',
        lifetime: { seconds: IKE_LIFETIME_SECONDS },
      },
    ]);
    expect(pair.all('server', 'ike-established')[0]?.nat).toEqual({ local: false, remote: true });
    expect(pair.lastChild('client')).toMatchObject({
      encapsulation: 'udp',
      transform: QUICK_PHASE2,
      lifetime: { seconds: CHILD_LIFETIME_SECONDS },
      initiatedBy: 'us',
    });
    expect(pair.lastChild('server')).toMatchObject({ encapsulation: 'udp', initiatedBy: 'peer' });
  });

  test('an honest address and no NAT: raw ESP, and all on port 500', () => {
    const pair = new IkePair({
      client: { natTraversal: 'on', localAddress: CLIENT_PUBLIC },
    });
    expect(pair.connect()).toBe(true);
    expectSameKeys(pair);
    expect(pair.lastChild('client').encapsulation).toBe('raw');
    expect(pair.all('client', 'transmit').every(({ channel }) => channel === 'ike')).toBe(true);
    expect(pair.all('client', 'ike-established')[0]?.nat).toEqual({ local: false, remote: false });
  });

  test('many share one true address: who we are is our own, and where raw ESP comes from is true', () => {
    const identityAddress = Uint8Array.of(10, 1, 2, 3);
    const clear: string[] = [];
    const primitives: Primitives = {
      ...nodePrimitives,
      cbcEncrypt: (cipher, key, iv, plaintext) => {
        clear.push(toHex(plaintext));
        return nodePrimitives.cbcEncrypt(cipher, key, iv, plaintext);
      },
    };
    // Type, protocol, port, address (RFC 2407 §4.6.2).
    const [anyPort, innerPort] = ['01000000', '0111c350'];
    const [own, shared] = [identityAddress, CLIENT_PUBLIC].map(toHex);
    const seen = (server: PairOptions['server'] = {}) => {
      clear.length = 0;
      const client = {
        natTraversal: 'on',
        localAddress: CLIENT_PUBLIC,
        identityAddress,
        primitives,
      } as const;
      expect(new IkePair({ client, server }).connect()).toBe(true);
      return [
        `${anyPort}${own}`,
        `${anyPort}${shared}`,
        `${innerPort}${own}`,
        `${innerPort}${shared}`,
      ].map((identity) => clear.some((text) => text.includes(identity)));
    };
    expect(seen()).toEqual([true, false, false, true]);
    // Behind a NAT it is what it always was.
    expect(seen({ remoteAddress: Uint8Array.of(9, 9, 9, 9) })).toEqual([true, false, true, false]);
  });

  test('the default offers: the responder takes the first it knows', () => {
    const weak: Phase1Transform = { cipher: '3des-cbc', keyBits: 192, hash: 'sha1', group: 2 };
    const better: Phase1Transform = { cipher: 'aes-cbc', keyBits: 128, hash: 'sha1', group: 2 };
    const pair = new IkePair({
      client: { phase1: PHASE1_TRANSFORMS, phase2: PHASE2_TRANSFORMS },
      server: { phase1: [weak, better], phase2: PHASE2_TRANSFORMS.slice(5) },
    });
    expect(pair.connect()).toBe(true);
    expect(pair.all('client', 'ike-established')[0]?.algorithms).toEqual(better);
    expect(pair.lastChild('client').transform).toEqual(PHASE2_TRANSFORMS[5]);
    // Message 1 cannot be fragmented.
    expect(pair.sent.client[0]!.length).toBeLessThanOrEqual(LARGEST_FIRST_MESSAGE);
  });

  test.each([
    { cipher: '3des-cbc', keyBits: 192, hash: 'md5', group: 2 },
    { cipher: 'aes-cbc', keyBits: 256, hash: 'sha1', group: 5 },
    { cipher: 'aes-cbc', keyBits: 192, hash: 'sha384', group: 14 },
    { cipher: 'aes-cbc', keyBits: 256, hash: 'sha512', group: 15 },
  ] as const)('phase 1 with $cipher $keyBits $hash group $group', (transform) => {
    const pair = new IkePair({ client: { phase1: [transform] }, server: { phase1: [transform] } });
    expect(pair.connect()).toBe(true);
    expectSameKeys(pair);
  });

  test.each(PHASE2_TRANSFORMS)('phase 2 with $cipher $keyBits $integrity', (transform) => {
    const pair = new IkePair({ client: { phase2: [transform] }, server: { phase2: [transform] } });
    expect(pair.connect()).toBe(true);
    expectSameKeys(pair);
    const { inbound } = pair.lastChild('client');
    const salt = /gcm|ctr/.test(transform.cipher) ? 4 : 0;
    expect(inbound.cipherKey.length).toBe(transform.keyBits / 8 + salt);
    expect(inbound.integrity).toBe(transform.integrity);
  });

  test('the same seed, the same bytes; another seed, others', () => {
    const bytesOf = (seed: number): string[] => {
      const pair = new IkePair({ seed });
      pair.connect();
      return [...pair.sent.client, ...pair.sent.server].map(toHex);
    };
    expect(bytesOf(5)).toEqual(bytesOf(5));
    expect(bytesOf(5)).not.toEqual(bytesOf(6));
  });
});

describe('a bad network', () => {
  const conditions: readonly (readonly [string, PairOptions['link']])[] = [
    ['20 % loss', { loss: 0.2 }],
    ['everything twice', { duplication: 1 }],
    ['reordering', { duplication: 0.5, jitter: 400 }],
    ['loss, duplication and reordering', { loss: 0.15, duplication: 0.3, jitter: 300 }],
    ['corruption', { corruption: 0.15 }],
  ];
  const seeds = Array.from({ length: 12 }, (_, index) => index + 1);

  test.each(conditions)('%s', (_name, link) => {
    let arrived = 0;
    for (const seed of seeds) {
      const pair = new IkePair({ seed, ...(link === undefined ? {} : { link }) });
      if (!pair.connect()) continue;
      arrived++;
      expectSameKeys(pair);
      // What is still under way changes nothing.
      pair.run(() => false, 15_000);
      expect([pair.children('client'), pair.children('server')]).toEqual([1, 1]);
      expect(pair.closed('client')).toBeUndefined();
    }
    expect(arrived).toBeGreaterThanOrEqual(seeds.length - 1);
  });
});

describe('a child SA renewed', () => {
  function renewed(by: 'client' | 'server'): IkePair {
    const pair = new IkePair();
    pair.connect();
    pair.give(by, { kind: 'rekey-child' });
    expect(pair.run(() => pair.children('client') === 2 && pair.children('server') === 2)).toBe(
      true,
    );
    expectSameKeys(pair);
    return pair;
  }

  test('by us', () => {
    const pair = renewed('client');
    expect(pair.lastChild('client').initiatedBy).toBe('us');
    expect(pair.all('client', 'child-deleted')).toEqual([]);
  });

  test('by the peer, while we are the initiator of the IKE SA', () => {
    const pair = renewed('server');
    expect(pair.lastChild('client').initiatedBy).toBe('peer');
  });

  test('by both at once', () => {
    const pair = new IkePair();
    pair.connect();
    pair.give('client', { kind: 'rekey-child' });
    pair.give('server', { kind: 'rekey-child' });
    expect(pair.run(() => pair.children('client') === 3 && pair.children('server') === 3)).toBe(
      true,
    );
  });

  test('once at a time', () => {
    const pair = new IkePair();
    pair.connect();
    expect(pair.give('client', { kind: 'rekey-child' })).toHaveLength(1);
    expect(pair.give('client', { kind: 'rekey-child' })).toEqual([]);
  });

  test('in vain: what stands, stands', () => {
    let deaf = false;
    const pair = new IkePair({ tap: (_from, bytes) => (deaf ? [] : [bytes]) });
    pair.connect();
    deaf = true;
    pair.give('client', { kind: 'rekey-child' });
    // ESP keeps arriving, so the peer is not dead.
    while (pair.all('client', 'rekey-failed').length === 0) {
      pair.run(() => false, 5_000);
      pair.give('client', { kind: 'alive' });
    }
    expect(pair.all('client', 'rekey-failed')[0]?.failure.code).toBe('IKE_QUICK_MODE_FAILED');
    expect(pair.closed('client')).toBeUndefined();
  });

  test('the old one goes when its time is over, at both ends', () => {
    const pair = renewed('client');
    const [first] = pair.all('client', 'child-established');
    const over = () => pair.all('client', 'child-deleted').length > 0;
    pair.run(over, CHILD_LIFETIME_SECONDS * 1000);
    expect(pair.all('client', 'child-deleted')).toEqual([
      { kind: 'child-deleted', spi: first!.inbound.spi, isReplaced: false },
    ]);
    pair.run(() => pair.all('server', 'child-deleted').length > 0, 1_000);
    expect(pair.all('server', 'child-deleted')[0]?.spi).toBe(first!.outbound.spi);
  });
});

describe('the end', () => {
  test('close deletes the children, then the IKE SA', () => {
    const pair = new IkePair();
    pair.connect();
    const kinds = pair.give('client', { kind: 'close' }).map(({ kind }) => kind);
    expect(kinds).toEqual(['transmit', 'transmit', 'closed']);
    expect(pair.closed('client')).toEqual({ kind: 'closed' });
    expect(pair.machines.client.deadline).toBeUndefined();
    pair.run(() => pair.closed('server') !== undefined, 1_000);
    expect(pair.all('server', 'child-deleted')).toHaveLength(1);
    expect(pair.closed('server')?.failure?.code).toBe('IKE_CLOSED_BY_PEER');
    expect(pair.give('client', { kind: 'start' })).toEqual([]);
  });

  test('close before there is anything to delete', () => {
    const pair = new IkePair();
    pair.give('client', { kind: 'start' });
    expect(pair.give('client', { kind: 'close' })).toEqual([{ kind: 'closed' }]);
  });

  test('dead peer detection asks, is answered, and in the end gives up', () => {
    let deaf = false;
    const pair = new IkePair({ tap: (_from, bytes) => (deaf ? [] : [bytes]) });
    pair.connect();
    pair.run(() => false, 300_000);
    expect(pair.closed('client')).toBeUndefined();
    deaf = true;
    const silentFrom = pair.now;
    pair.run(() => pair.closed('client') !== undefined, 300_000);
    expect(pair.closed('client')?.failure?.code).toBe('IKE_DEAD_PEER');
    expect(pair.now - silentFrom).toBeLessThanOrEqual(45_000);
  });

  test('authentic ESP keeps dead peer detection quiet', () => {
    const pair = new IkePair();
    pair.connect();
    const before = pair.sent.client.length + pair.sent.server.length;
    for (let i = 0; i < 20; i++) {
      pair.run(() => false, 10_000);
      pair.give('client', { kind: 'alive' });
      pair.give('server', { kind: 'alive' });
    }
    expect(pair.sent.client.length + pair.sent.server.length).toBe(before);
  });

  test('an ICMP error on a tunnel that stands only asks the peer', () => {
    const pair = new IkePair();
    pair.connect();
    expect(pair.give('client', { kind: 'unreachable' }).map(({ kind }) => kind)).toEqual([
      'transmit',
    ]);
    expect(pair.give('client', { kind: 'unreachable' })).toEqual([]);
    pair.run(() => false, 10_000);
    expect(pair.closed('client')).toBeUndefined();
  });
});
