/** What single gateways do and insist on, where no other test has it; see docs/gateways.md. */
import { describe, expect, test } from 'vitest';
import type { CipherChain } from '../../shared/ike/cipher-chain.ts';
import type { IkeConfig } from '../../shared/ike/config.ts';
import { Ike } from '../../shared/ike/ike.ts';
import { refusal, sealInformational } from '../../shared/ike/informational.ts';
import type { IkeOutput } from '../../shared/ike/io.ts';
import { cipherSizes, type Phase1Transform } from '../../shared/ike/phase1-transforms.ts';
import { decodeMessage } from '../../shared/isakmp/message.ts';
import { HeaderFlag, IdType, NotifyType } from '../../shared/isakmp/numbers.ts';
import { decodePayloads, encodePayloads, type Payload } from '../../shared/isakmp/payload.ts';
import { type Bytes, EMPTY, fromHex } from '../../shared/wire/bytes.ts';
import { DecodeError } from '../../shared/wire/errors.ts';
import { answer, honest, Liar } from '../fuzz/support/liar.ts';
import { nodePrimitives } from '../support/node-primitives.ts';
import { SeededRandom } from '../support/random.ts';
import { IkePair, ikeConfig, QUICK_PHASE1 } from './ike-pair.ts';

const SPI = fromHex('01020304');

/** What the client of a liar says from now on. */
function listening(liar: Liar): IkeOutput[] {
  const said: IkeOutput[] = [];
  const take = liar.take.bind(liar);
  liar.take = (outputs) => {
    said.push(...outputs);
    take(outputs);
  };
  return said;
}

function agree(liar: Liar, payloads: readonly Payload[]): CipherChain | undefined {
  const asked = liar.quickModes.at(-1)!;
  return answer(liar, liar.sa!, asked, payloads, encodePayloads(payloads));
}

/** The payloads of the client's last Quick Mode, its first message. */
function offered(liar: Liar): readonly Payload[] {
  const message = decodeMessage(liar.quickModes.at(-1)!);
  const chain = liar.sa!.chain(message.header.messageId);
  return (liar.sa!.open(message, chain, EMPTY) ?? []).map(({ payload }) => payload);
}

describe('old racoon, which does not know NAT-OA', () => {
  const random = new SeededRandom(9);
  const refuse = (liar: Liar): void =>
    liar.tell(sealInformational(liar.sa!, random, [refusal(NotifyType['INVALID-PAYLOAD-TYPE'])]));
  const addresses = (liar: Liar): number =>
    offered(liar).filter(({ kind }) => kind === 'nat-original-address').length;

  test('is asked again without, and from then on', () => {
    const liar = new Liar(1);
    expect(addresses(liar)).toBe(2);
    refuse(liar);
    expect(liar.quickModes).toHaveLength(2);
    expect(addresses(liar)).toBe(0);
    const said = listening(liar);
    agree(liar, honest('answer', SPI, liar.sa!));
    expect(said.map(({ kind }) => kind)).toContain('child-established');
    liar.take(liar.client.handle({ kind: 'rekey-child' }));
    expect(liar.quickModes).toHaveLength(3);
    expect(addresses(liar)).toBe(0);
  });

  test('is not asked a third time', () => {
    const liar = new Liar(1);
    const said = listening(liar);
    refuse(liar);
    refuse(liar);
    expect(liar.quickModes).toHaveLength(2);
    expect(said.find((each) => each.kind === 'closed')?.failure).toEqual({
      code: 'IKE_QUICK_MODE_FAILED',
      detail: 'the gateway answered INVALID-PAYLOAD-TYPE',
    });
  });
});

test.each([
  ['the address 0.0.0.0, as SoftEther on every address', Uint8Array.of(0, 0, 0, 0), 1701],
  ['an address of its own behind a NAT', Uint8Array.of(10, 0, 0, 1), 1701],
  ['every port', Uint8Array.of(203, 0, 113, 5), 0],
  ['another port', Uint8Array.of(203, 0, 113, 5), 40_123],
])('identities in Quick Mode may be others than were offered: %s', (_name, data, port) => {
  const liar = new Liar(1);
  const said = listening(liar);
  const identity = { kind: 'identification', idType: IdType.ipv4Addr, protocolId: 17 } as const;
  const ours = { ...identity, data: Uint8Array.of(198, 51, 100, 1), port: 50_000 };
  agree(liar, [...honest('answer', SPI, liar.sa!), ours, { ...identity, data, port }]);
  expect(said.find((each) => each.kind === 'child-established')).toMatchObject({ peerPort: port });
});

test('SoftEther answers message 1 as often as it comes, each time for another SA: one of them is meant', () => {
  const second = new Ike(ikeConfig('responder', 900));
  const others: Bytes[] = [];
  let first: Bytes | undefined;
  const pair: IkePair = new IkePair({
    tap: (from, bytes) => {
      if (from === 'client') first ??= bytes;
      if (from === 'client' || others.length > 0) return [bytes];
      const outputs = second.handle({ kind: 'datagram', channel: 'ike', bytes: first! }, pair.now);
      for (const each of outputs) if (each.kind === 'transmit') others.push(each.bytes);
      // And it repeats each of them.
      return [bytes, ...others, bytes, ...others];
    },
  });
  expect(pair.connect()).toBe(true);
  expect(others).toHaveLength(1);
  expect(pair.traces('client', 'dropped').filter((why) => why === 'foreign cookie')).toHaveLength(
    2,
  );
  pair.run(() => false, 60_000);
  expect(pair.closed('client')).toBeUndefined();
});

test('SoftEther’s public value has no zeros in front, and is hashed as it came', () => {
  const cut: number[] = [];
  const modPow: typeof nodePrimitives.modPow = (base, ...rest) => {
    const power = nodePrimitives.modPow(base, ...rest);
    // A power of the generator: what goes into the KE payload.
    if (base.length > 1 || power[0] !== 0) return power;
    cut.push(power.length);
    return power.slice(power.findIndex((byte) => byte !== 0));
  };
  const server = { primitives: { ...nodePrimitives, modPow } };
  // One in 256 begins with a zero.
  for (let seed = 1; cut.length === 0; seed++) {
    const pair = new IkePair({ seed, server });
    expect(pair.connect(), `seed ${seed}`).toBe(true);
  }
  expect(cut).toEqual([128]);
});

/** Payloads of a message as far as they can be read at all. */
function readable(code: number, plaintext: Bytes): readonly Payload[] {
  try {
    return decodePayloads(code, plaintext).map(({ payload }) => payload);
  } catch (error) {
    if (error instanceof DecodeError) return [];
    throw error;
  }
}

describe.each<[string, Phase1Transform]>([
  ['AES', QUICK_PHASE1],
  ['3DES', { cipher: '3des-cbc', keyBits: 192, hash: 'sha1', group: 2 }],
])('what we send, with %s', (_name, transform) => {
  /** A life with renewals by both sides, Deletes and an end, and what was in the client's messages. */
  function life() {
    const sent: Payload[] = [];
    const plaintexts = new Map<string, Bytes>();
    const taps = {
      tap: {
        ikeKey() {},
        ikePlaintext(ciphertext: Bytes, plaintext: Bytes) {
          plaintexts.set(ciphertext.join(), plaintext.slice());
        },
      },
    };
    const short: Partial<IkeConfig> = {
      phase1: [transform],
      ikeLifetime: { seconds: 120 },
      childLifetime: { seconds: 60 },
    };
    const pair = new IkePair({ client: { ...short, taps }, server: { phase1: [transform] } });
    expect(pair.connect()).toBe(true);
    pair.run(() => false, 300_000);
    pair.give('client', { kind: 'close' });
    const messages = pair.sent.client.map((bytes) => decodeMessage(bytes));
    const encrypted = messages.filter(({ header }) => (header.flags & HeaderFlag.encryption) !== 0);
    for (const { firstPayload, body } of encrypted) {
      sent.push(...readable(firstPayload, plaintexts.get(body.join())!));
    }
    return { encrypted, sent };
  }

  test('fills whole blocks: SoftEther ends where main mode does not', () => {
    const { encrypted } = life();
    expect(encrypted.length).toBeGreaterThan(20);
    const { block } = cipherSizes(transform);
    expect(encrypted.filter(({ body }) => body.length === 0 || body.length % block !== 0)).toEqual(
      [],
    );
  });

  test('is never INITIAL-CONTACT, which would end those of others behind the same address', () => {
    const { sent } = life();
    const told = sent.flatMap((each) => (each.kind === 'notification' ? [each.notifyType] : []));
    expect(told).toContain(NotifyType['R-U-THERE']);
    expect(told).not.toContain(NotifyType['INITIAL-CONTACT']);
    expect(sent.filter(({ kind }) => kind === 'delete').length).toBeGreaterThan(2);
  });
});

test('a Quick Mode that begins when all is over, as SoftEther’s after a Delete, is not answered', () => {
  const pair = new IkePair();
  pair.connect();
  pair.give('client', { kind: 'close' });
  pair.give('server', { kind: 'rekey-child' });
  const { length } = pair.sent.client;
  pair.run(() => false, 30_000);
  expect(pair.sent.client.length).toBe(length);
  expect(pair.children('client')).toBe(1);
});
