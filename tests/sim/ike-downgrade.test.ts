/** Somebody on the way who would have both ends agree on less than they would, and one who would end what stands: neither gets it. */
import { describe, expect, test } from 'vitest';
import type { IkeConfig } from '../../shared/ike/config.ts';
import { groupIdentity } from '../../shared/ike/credentials.ts';
import { deleteChildren, deleteIke, sealInformational } from '../../shared/ike/informational.ts';
import type { IkeOutput } from '../../shared/ike/io.ts';
import type { Phase1Transform } from '../../shared/ike/phase1-transforms.ts';
import { type Phase2Transform, phase2Proposal } from '../../shared/ike/phase2-transforms.ts';
import { decodeClearBody, decodeMessage, encodeClearMessage } from '../../shared/isakmp/message.ts';
import { AuthenticationMethod, EncapsulationMode } from '../../shared/isakmp/numbers.ts';
import { encodePayloads, type Payload } from '../../shared/isakmp/payload.ts';
import type { Transform } from '../../shared/isakmp/proposal.ts';
import { type Bytes, fromHex } from '../../shared/wire/bytes.ts';
import { answer, honest, Liar } from '../fuzz/support/liar.ts';
import { SeededRandom } from '../support/random.ts';
import { IkePair, QUICK_PHASE1, type Side } from './ike-pair.ts';

/** Better and worse, by the cipher's key and the hash; the group is one, for aggressive mode. */
const BETTER: Phase1Transform = { ...QUICK_PHASE1, keyBits: 256 };
const WORSE: Phase1Transform = { ...QUICK_PHASE1, hash: 'md5' };
const BOTH = { phase1: [BETTER, WORSE] };
const KEY = new TextEncoder().encode('a shared secret');

/** Rewrites the transforms of the SA payload of what `from` says in clear. */
function rewriting(by: Side, change: (transforms: readonly Transform[]) => readonly Transform[]) {
  return (from: Side, bytes: Bytes): readonly Bytes[] => {
    const message = decodeMessage(bytes);
    if (from !== by || message.header.flags !== 0) return [bytes];
    const payloads = decodeClearBody(message).map(({ payload }): Payload => {
      if (payload.kind !== 'security-association') return payload;
      const proposals = payload.proposals.map((each) => ({
        ...each,
        transforms: change(each.transforms),
      }));
      return { ...payload, proposals };
    });
    return [encodeClearMessage(message.header, payloads)];
  };
}

const METHOD = 3;
const withMethod =
  (method: number) =>
  (transforms: readonly Transform[]): readonly Transform[] =>
    transforms.map((transform) => ({
      ...transform,
      attributes: transform.attributes.map((each) =>
        each.type === METHOD ? { kind: 'basic', type: METHOD, value: method } : each,
      ),
    }));

const aggressive = (name: string): Partial<IkeConfig> => ({
  credentials: {
    kind: 'pre-shared-key',
    key: KEY,
    aggressive: { group: 2, identity: groupIdentity(name) },
  },
});

describe.each([
  ['main mode', {}, {}],
  ['aggressive mode', aggressive('staff'), aggressive('gateway')],
] as const)('%s: a weaker phase 1', (_mode, client, server) => {
  const sides = { client: { ...BOTH, ...client }, server: { ...BOTH, ...server } };

  test('is not what both agree on by themselves', () => {
    const pair = new IkePair(sides);
    expect(pair.connect()).toBe(true);
    expect(pair.all('client', 'ike-established')[0]?.algorithms).toEqual(BETTER);
  });

  test.each([
    ['an offer without the better half', rewriting('client', (all) => all.slice(1))],
    // The number stays the first one's, as the gateway's choice had it.
    [
      'an offer with the better half made worse',
      rewriting('client', (all) => all.map((each) => ({ ...all[1]!, number: each.number }))),
    ],
  ])('comes to nothing: %s', (_name, tap) => {
    const pair = new IkePair({ ...sides, tap });
    pair.give('client', { kind: 'start' });
    pair.run(() => pair.closed('client') !== undefined);
    expect(pair.closed('client')?.failure?.code).toBe('IKE_AUTHENTICATION_FAILED');
    expect([pair.children('client'), pair.children('server')]).toEqual([0, 0]);
    expect(pair.all('server', 'ike-established')).toEqual([]);
  });

  test('comes to nothing: the other one of the offer in the answer', () => {
    let worse: Transform | undefined;
    const tap = (from: Side, bytes: Bytes): readonly Bytes[] => {
      rewriting('client', (all) => {
        worse ??= all[1];
        return all;
      })(from, bytes);
      return rewriting('server', () => [worse!])(from, bytes);
    };
    const pair = new IkePair({ ...sides, tap });
    pair.give('client', { kind: 'start' });
    pair.run(() => pair.closed('client') !== undefined);
    expect(pair.closed('client')?.failure?.code).toBe('IKE_AUTHENTICATION_FAILED');
    expect(pair.children('server')).toBe(0);
  });
});

test.each([
  ['with XAUTH', { xauth: { userName: 'alice', password: 'wonderland' } }, 'preSharedKey'],
  ['without', {}, 'xauthInitPreShared'],
] as const)('a client %s does not have the method changed', (_name, more, method) => {
  const tap = rewriting('server', withMethod(AuthenticationMethod[method]));
  const credentials = { kind: 'pre-shared-key', key: KEY } as const;
  const pair = new IkePair({
    tap,
    client: { credentials: { ...credentials, ...more } },
    server: { credentials: { ...credentials, ...('xauth' in more && { admits: () => true }) } },
  });
  pair.give('client', { kind: 'start' });
  pair.run(() => pair.closed('client') !== undefined);
  expect(pair.closed('client')?.failure?.code).toBe('IKE_NO_PROPOSAL_CHOSEN');
});

describe('a gateway that knows the key', () => {
  const SPI = fromHex('01020304');

  /** What the client makes of an answer to its Quick Mode. */
  function choosing(transform: Phase2Transform, encapsulation: number): readonly IkeOutput[] {
    const liar = new Liar(1);
    const terms = { encapsulation, lifetime: { seconds: 3_600 } };
    const proposals = [phase2Proposal([transform], SPI, terms)];
    const payloads = honest('answer', SPI, liar.sa!).map((each) =>
      each.kind === 'security-association' ? { ...each, proposals } : each,
    );
    const said: IkeOutput[] = [];
    const take = liar.take.bind(liar);
    liar.take = (outputs) => {
      said.push(...outputs);
      take(outputs);
    };
    answer(liar, liar.sa!, liar.quickModes.at(-1)!, payloads, encodePayloads(payloads));
    return said;
  }

  const AES = { cipher: 'aes-cbc', keyBits: 128, integrity: 'hmac-sha1-96' } as const;
  const { udpTransport, udpTunnel, transport } = EncapsulationMode;

  test('chooses what was offered', () => {
    expect(choosing(AES, udpTransport).map(({ kind }) => kind)).toContain('child-established');
  });

  test.each<[string, Phase2Transform, number]>([
    ['another cipher', { ...AES, cipher: '3des-cbc', keyBits: 192 }, udpTransport],
    ['another integrity', { ...AES, integrity: 'hmac-md5-96' }, udpTransport],
    ['a longer key', { ...AES, keyBits: 256 }, udpTransport],
    ['tunnel mode', AES, udpTunnel],
    ['no UDP', AES, transport],
  ])('cannot choose for ESP what was not: %s', (_name, transform, encapsulation) => {
    const said = choosing(transform, encapsulation);
    expect(said.map(({ kind }) => kind)).not.toContain('child-established');
    const closed = said.find((each) => each.kind === 'closed');
    expect(closed?.failure?.code).toBe('IKE_NO_PROPOSAL_CHOSEN');
  });
});

describe('a Delete', () => {
  /** What the client of a tunnel says to a message of somebody's, and whether the tunnel still has everything. */
  function unharmed(pair: IkePair, bytes: Bytes): readonly (string | undefined)[] {
    const outputs = pair.give('client', { kind: 'datagram', channel: 'natt', bytes });
    pair.run(() => false, 60_000);
    expect(pair.all('client', 'child-deleted')).toEqual([]);
    expect([pair.closed('client'), pair.closed('server')]).toEqual([undefined, undefined]);
    return outputs.map((each) => (each.kind === 'trace' ? each.detail : each.kind));
  }

  /** A tunnel, and another client's IKE SA with a gateway that has the same key. */
  function besides() {
    const pair = new IkePair();
    pair.connect();
    const { sa } = new Liar(5);
    const { header } = decodeMessage(pair.sent.client.at(-1)!);
    const inbound = pair.lastChild('client').inbound.spi;
    return { pair, sa: sa!, header, inbound };
  }

  test('under somebody else’s IKE SA is nobody’s', () => {
    const { pair, sa, inbound } = besides();
    for (const payload of [deleteIke(sa), deleteChildren([inbound])]) {
      const bytes = sealInformational(sa, new SeededRandom(3), [payload]);
      expect(unharmed(pair, bytes)).toEqual(['foreign cookie']);
    }
  });

  test('under our cookies with somebody else’s keys is not read', () => {
    const { pair, sa, header, inbound } = besides();
    for (const payload of [deleteIke(sa), deleteChildren([inbound])]) {
      const bytes = sealInformational(sa, new SeededRandom(3), [payload]);
      bytes.set(header.initiatorCookie, 0);
      bytes.set(header.responderCookie, 8);
      expect(unharmed(pair, bytes)).toHaveLength(1);
    }
  });

  test('of what is not the peer’s is authentic, and ends nothing', () => {
    const liar = new Liar(1);
    const stranger = new Liar(5);
    const kinds: string[] = [];
    const take = liar.take.bind(liar);
    const payloads = honest('answer', SPI, liar.sa!);
    answer(liar, liar.sa!, liar.quickModes.at(-1)!, payloads, encodePayloads(payloads));
    liar.take = (outputs) => {
      kinds.push(...outputs.map(({ kind }) => kind));
      take(outputs);
    };
    for (const payload of [deleteIke(stranger.sa!), deleteChildren([0x0a0b0c0d, 256])]) {
      liar.tell(sealInformational(liar.sa!, new SeededRandom(3), [payload]));
    }
    expect(kinds).toEqual([]);
    expect(liar.client.closed).toBe(0);
  });

  const SPI = fromHex('01020304');
});
