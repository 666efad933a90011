import { describe, expect, test } from 'vitest';
import type { IkeOutput } from '../../shared/ike/io.ts';
import { encodeMessage, MAX_MESSAGE_LENGTH } from '../../shared/isakmp/message.ts';
import { ExchangeType } from '../../shared/isakmp/numbers.ts';
import { encodePayloads, type Payload } from '../../shared/isakmp/payload.ts';
import { EMPTY, fromHex } from '../../shared/wire/bytes.ts';
import { answer, honest, Liar, signed } from '../fuzz/support/liar.ts';
import { IkePair } from './ike-pair.ts';

const SPI = fromHex('01020304');

/** A liar with an IKE SA, and everything the client says after. */
function lying(): { liar: Liar; said: IkeOutput[]; kinds: () => string[] } {
  const liar = new Liar(1);
  const said: IkeOutput[] = [];
  const take = liar.take.bind(liar);
  liar.take = (outputs) => {
    said.push(...outputs);
    take(outputs);
  };
  const kinds = () => said.splice(0).flatMap(({ kind }) => (kind === 'trace' ? [] : [kind]));
  return { liar, said, kinds };
}

function begin(liar: Liar, messageId: number, payloads: readonly Payload[]): void {
  const body = encodePayloads(payloads);
  liar.tell(signed(liar.sa!, ExchangeType.quickMode, messageId, EMPTY, payloads, body));
}

function agree(liar: Liar, payloads: readonly Payload[]): void {
  answer(liar, liar.sa!, liar.quickModes.at(-1)!, payloads, encodePayloads(payloads));
}

describe('a gateway that knows the key', () => {
  test('cannot choose SPI 0', () => {
    const { liar, kinds } = lying();
    agree(liar, honest('answer', new Uint8Array(4), liar.sa!));
    expect(kinds()).toEqual(['transmit', 'closed']);
  });

  test('is not thwarted by a malformed RESPONDER-LIFETIME', () => {
    const { liar, kinds } = lying();
    const payloads = honest('answer', SPI, liar.sa!).map((each) =>
      each.kind === 'notification' ? { ...each, data: fromHex('800100') } : each,
    );
    agree(liar, payloads);
    expect(kinds()).toEqual(['transmit', 'child-established']);
  });

  test('cannot make a rekey come to nothing in silence', () => {
    const { liar, kinds } = lying();
    agree(liar, honest('answer', SPI, liar.sa!));
    for (let id = 1; id <= 17; id++) begin(liar, id, honest('begin', SPI, liar.sa!));
    kinds();
    liar.take(liar.client.handle({ kind: 'rekey-child' }));
    expect(kinds()).toEqual(['rekey-failed']);
  });
});

test('message 3, sent back, is not message 4', () => {
  const pair = new IkePair();
  pair.give('client', { kind: 'start' });
  pair.run(() => pair.sent.client.length === 2);
  const bytes = pair.sent.client[1]!;
  pair.give('client', { kind: 'datagram', channel: 'ike', bytes });
  expect(pair.traces('client', 'dropped')).toEqual(['our own public value']);
  expect(pair.run(() => pair.children('client') === 1)).toBe(true);
});

test('a Quick Mode of the gateway’s that is long over does not begin again', () => {
  const pair = new IkePair();
  pair.connect();
  const before = pair.sent.server.length;
  for (let i = 1; i <= 20; i++) {
    pair.give('server', { kind: 'rekey-child' });
    pair.run(() => pair.children('client') === 1 + i);
  }
  const sent = pair.sent.client.length;
  pair.give('client', { kind: 'datagram', channel: 'natt', bytes: pair.sent.server[before]! });
  expect(pair.traces('client', 'dropped')).toEqual(['replayed']);
  expect(pair.sent.client.length).toBe(sent);
});

test('a huge message is not looked at', () => {
  const pair = new IkePair();
  pair.give('client', { kind: 'start' });
  const header = {
    initiatorCookie: new Uint8Array(8),
    responderCookie: new Uint8Array(8),
    exchangeType: 2,
    flags: 0,
    messageId: 0,
  };
  const body = new Uint8Array(MAX_MESSAGE_LENGTH);
  const bytes = encodeMessage({ header, firstPayload: 0, body });
  pair.give('client', { kind: 'datagram', channel: 'ike', bytes });
  expect(pair.traces('client', 'dropped')).toEqual(['message too long']);
});
