/** What gateways do that RFC 2409's two exchanges do not show: fragments, perfect forward secrecy, a fourth message, INITIAL-CONTACT. */
import { describe, expect, test } from 'vitest';
import type { CipherChain } from '../../shared/ike/cipher-chain.ts';
import type { IkeConfig } from '../../shared/ike/config.ts';
import type { IkeSa } from '../../shared/ike/ike-sa.ts';
import { sealInformational } from '../../shared/ike/informational.ts';
import { decodeMessage, HEADER_LENGTH } from '../../shared/isakmp/message.ts';
import { ExchangeType, HeaderFlag, NotifyType, ProtocolId } from '../../shared/isakmp/numbers.ts';
import { encodePayloads, type Payload } from '../../shared/isakmp/payload.ts';
import { type Bytes, EMPTY, fromHex, toHex } from '../../shared/wire/bytes.ts';
import { answer, honest, Liar, signed } from '../fuzz/support/liar.ts';
import { SeededRandom } from '../support/random.ts';
import { IkePair, type PairOptions, type Side } from './ike-pair.ts';

/** Message 3 and 4 have 716 bytes with it. */
const LARGE = { cipher: 'aes-cbc', keyBits: 256, hash: 'sha512', group: 16 } as const;
const SMALL_PACKETS = 552;
/** IP header, UDP header, non-ESP marker; a link that drops what is larger drops IP's fragments too. */
const OUTER = 32;

const isFragment = (bytes: Bytes): boolean => bytes[16] === 132;

function large(options: PairOptions = {}): PairOptions {
  const side = { phase1: [LARGE], fragmentSize: SMALL_PACKETS };
  return {
    ...options,
    client: { ...side, ...options.client },
    server: { ...side, ...options.server },
    // One more byte for the channel, as the pair of machines has it.
    link: { mtu: SMALL_PACKETS - OUTER + 1, ...options.link },
  };
}

describe('messages larger than a packet', () => {
  test('go in fragments where both announce them', () => {
    const pair = new IkePair(large());
    expect(pair.connect()).toBe(true);
    expect(pair.sent.client.filter(isFragment)).toHaveLength(2);
    expect(pair.sent.server.filter(isFragment)).toHaveLength(2);
  });

  test('and reach nobody where one does not', () => {
    const vendorId = '4048b7d56ebce88525e7de7f00d6c2d3';
    const deaf = (from: Side, bytes: Bytes): readonly Bytes[] => {
      const at = toHex(bytes).indexOf(vendorId);
      if (from === 'client' || at < 0) return [bytes];
      // The first of both ids, and the second, which begins like it.
      const hidden = fromHex(toHex(bytes).replaceAll(vendorId, '00'.repeat(16)));
      return [hidden];
    };
    const pair = new IkePair(large({ tap: deaf }));
    expect(pair.connect(20_000)).toBe(false);
    expect(pair.sent.client.some(isFragment)).toBe(false);
  });

  test.each([
    ['loss', { loss: 0.15 }],
    ['reordering and duplication', { jitter: 200, duplication: 0.5 }],
  ])('over a link with %s', (_name, link) => {
    for (const seed of [1, 2, 3, 4]) {
      const pair = new IkePair(large({ seed, link: { mtu: SMALL_PACKETS - OUTER + 1, ...link } }));
      expect(pair.connect(), `seed ${seed}`).toBe(true);
    }
  });

  test('somebody else’s fragments keep none of ours from arriving', () => {
    const random = new SeededRandom(5);
    const tap = (_from: Side, bytes: Bytes): readonly Bytes[] => {
      if (!isFragment(bytes)) return [bytes];
      // With other cookies, as nobody else knows ours, and ever new ones.
      const others = Array.from({ length: 5 }, () => {
        const other = bytes.slice();
        other.set(random.bytes(16));
        return other;
      });
      return [...others.slice(3), bytes];
    };
    const pair = new IkePair(large({ tap }));
    expect(pair.connect()).toBe(true);
  });

  test('a changed fragment is a lost message, which its sender repeats', () => {
    let changed = 0;
    const tap = (_from: Side, bytes: Bytes): readonly Bytes[] => {
      if (!isFragment(bytes) || changed++ > 1) return [bytes];
      const broken = bytes.slice();
      broken[HEADER_LENGTH + 12] = broken[HEADER_LENGTH + 12]! ^ 0xff;
      return [broken];
    };
    const pair = new IkePair(large({ tap }));
    expect(pair.connect()).toBe(true);
  });
});

describe('perfect forward secrecy', () => {
  /** What becomes of a gateway that insists on a group, and how many Quick Modes were begun. */
  function insisting(acceptedPfs: 2 | 5 | 14, client: Partial<IkeConfig> = {}) {
    const pair = new IkePair({ client, server: { acceptedPfs } });
    pair.connect();
    const begun = (): number => {
      const quickModes = pair.sent.client.map((bytes) => decodeMessage(bytes).header);
      const ids = quickModes.filter(({ exchangeType }) => exchangeType === ExchangeType.quickMode);
      return new Set(ids.map(({ messageId }) => messageId)).size;
    };
    return { pair, begun };
  }

  // Phase 1's own group is tried first, after none at all.
  test.each([
    [2, 2],
    [14, 3],
    [5, 4],
  ] as const)('with group %i, at the attempt no. %i; the next time at once', (group, attempts) => {
    const { pair, begun } = insisting(group);
    expect(pair.lastChild('client').inbound).toEqual(pair.lastChild('server').outbound);
    expect(begun()).toBe(attempts);
    pair.give('client', { kind: 'rekey-child' });
    expect(pair.run(() => pair.children('server') === 2)).toBe(true);
    expect(pair.lastChild('client').outbound).toEqual(pair.lastChild('server').inbound);
    expect(begun()).toBe(attempts + 1);
  });

  test('is tried with each group once, and not at all where that is not wanted', () => {
    const other = insisting(14, { pfsGroups: [5] });
    expect(other.pair.closed('client')?.failure?.code).toBe('IKE_NO_PROPOSAL_CHOSEN');
    expect(other.begun()).toBe(3);
    const none = insisting(14, { pfsGroups: [] });
    expect(none.pair.closed('client')?.failure?.code).toBe('IKE_NO_PROPOSAL_CHOSEN');
    expect(none.begun()).toBe(1);
  });

  test('of the peer’s wish is granted', () => {
    // The server, whose own Quick Mode is refused without, asks for it in its turn.
    const pair = new IkePair({ client: { acceptedPfs: 2 } });
    pair.connect();
    pair.give('server', { kind: 'rekey-child' });
    expect(pair.run(() => pair.children('client') === 2)).toBe(true);
    expect(pair.lastChild('client').inbound).toEqual(pair.lastChild('server').outbound);
  });

  test('a public value that would make the secret known is refused', () => {
    const liar = new Liar(1);
    const group = { kind: 'basic', type: 3, value: 2 } as const;
    const payloads = honest('begin', fromHex('01020304'), liar.sa!).map((payload): Payload => {
      if (payload.kind !== 'security-association') return payload;
      const [proposal] = payload.proposals;
      const transforms = proposal!.transforms.map((each) => ({
        ...each,
        attributes: [...each.attributes, group],
      }));
      return { ...payload, proposals: [{ ...proposal!, transforms }] };
    });
    const withKey = [...payloads, { kind: 'key-exchange', data: Uint8Array.of(1) } as const];
    const kinds = kindsOf(liar, () =>
      liar.tell(
        signed(liar.sa!, ExchangeType.quickMode, 77, EMPTY, withKey, encodePayloads(withKey)),
      ),
    );
    expect(kinds).toEqual(['trace', 'transmit']);
  });
});

/** What the client answers to what is done, its messages among it. */
function kindsOf(liar: Liar, act: () => void, sent: Bytes[] = []): readonly string[] {
  const kinds: string[] = [];
  const take = liar.take;
  liar.take = (outputs) => {
    for (const output of outputs) {
      kinds.push(output.kind);
      if (output.kind === 'transmit') sent.push(output.bytes);
    }
    take.call(liar, outputs);
  };
  act();
  liar.take = take;
  return kinds;
}

describe('messages that say what was clear', () => {
  const SPI = fromHex('01020304');

  function notification(sa: IkeSa, name: keyof typeof NotifyType): Payload {
    const { isakmp } = ProtocolId;
    return {
      kind: 'notification',
      doi: 1,
      protocolId: isakmp,
      notifyType: NotifyType[name],
      spi: sa.cookies,
      data: EMPTY,
    };
  }

  /** A liar that keeps to the rules up to the child SA, and the chain of its Quick Mode behind message 3. */
  function agreed(): { liar: Liar; sa: IkeSa; chain: CipherChain; messageId: number } {
    const liar = new Liar(1);
    const sa = liar.sa!;
    const asked = liar.quickModes.at(-1)!;
    const payloads = honest('answer', SPI, sa);
    const sent: Bytes[] = [];
    let chain: CipherChain | undefined;
    kindsOf(
      liar,
      () => {
        chain = answer(liar, sa, asked, payloads, encodePayloads(payloads));
      },
      sent,
    );
    chain!.advance(decodeMessage(sent.at(-1)!).body);
    return { liar, sa, chain: chain!, messageId: decodeMessage(asked).header.messageId };
  }

  test('a fourth message of Quick Mode confirms the SA; one that was changed says nothing', () => {
    const { liar, sa, chain, messageId } = agreed();
    const payloads = [notification(sa, 'CONNECTED')];
    const bytes = sa.seal(ExchangeType.quickMode, messageId, chain, EMPTY, payloads);
    bytes[19] = bytes[19]! | HeaderFlag.commit;
    const changed = bytes.slice();
    changed[changed.length - 1] = changed.at(-1)! ^ 1;
    expect(kindsOf(liar, () => liar.tell(changed))).not.toContain('child-confirmed');
    expect(kindsOf(liar, () => liar.tell(bytes))).toEqual(['child-confirmed']);
    expect(liar.client.closed).toBe(0);
  });

  test.each(['INITIAL-CONTACT', 'REPLAY-STATUS'] as const)('%s ends nothing', (name) => {
    const { liar, sa } = agreed();
    const bytes = sealInformational(sa, new SeededRandom(3), [notification(sa, name)]);
    expect(kindsOf(liar, () => liar.tell(bytes))).toEqual([]);
    expect(liar.client.closed).toBe(0);
  });
});
