/** The first message of main mode, as bytes. */
import { expect, test } from 'vitest';
import { Ike } from '../../../shared/ike/ike.ts';
import { decodeClearBody, decodeMessage } from '../../../shared/isakmp/message.ts';
import { ExchangeType } from '../../../shared/isakmp/numbers.ts';
import { type Bytes, toHex } from '../../../shared/wire/bytes.ts';
import { ikeConfig } from '../../sim/ike-pair.ts';

function firstMessage(seed = 1): Bytes {
  const { phase1: _few, ...config } = ikeConfig('initiator', seed);
  const sent = new Ike(config)
    .handle({ kind: 'start' }, 0)
    .flatMap((output) => (output.kind === 'transmit' ? [output.bytes] : []));
  expect(sent).toHaveLength(1);
  return sent[0]!;
}

test('the SA payload comes first, as one with one proposal', () => {
  const payloads = decodeClearBody(decodeMessage(firstMessage())).map(({ payload }) => payload);
  expect(payloads.map(({ kind }) => kind)).toEqual([
    'security-association',
    ...payloads.slice(1).map(() => 'vendor-id'),
  ]);
  const [first] = payloads;
  expect(first).toMatchObject({ proposals: [{ number: 1, protocolId: 1 }] });
});

test('transforms are numbered in the order in which they are preferred', () => {
  const [first] = decodeClearBody(decodeMessage(firstMessage()));
  const { payload } = first!;
  if (payload.kind !== 'security-association') throw new Error('no SA payload');
  const numbers = payload.proposals[0]!.transforms.map(({ number }) => number);
  expect(numbers.length).toBeGreaterThan(10);
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
});

test('its header is version 1.0 with no flags, no responder’s cookie and no message id', () => {
  const bytes = firstMessage();
  expect(bytes[17]).toBe(0x10);
  const { header } = decodeMessage(bytes);
  expect(header).toMatchObject({
    exchangeType: ExchangeType.identityProtection,
    flags: 0,
    messageId: 0,
  });
  expect(toHex(header.responderCookie)).toBe('00'.repeat(8));
});

test('what is reserved is zero', () => {
  const bytes = firstMessage();
  // Generic header of every payload: next, reserved, length.
  for (let at = 28; at < bytes.length; ) {
    expect(bytes[at + 1]).toBe(0);
    at += (bytes[at + 2]! << 8) | bytes[at + 3]!;
  }
});

test('every attempt has a cookie of its own', () => {
  const cookies = [1, 2, 3, 4].map((seed) => toHex(firstMessage(seed).slice(0, 8)));
  expect(new Set(cookies).size).toBe(4);
  expect(cookies).not.toContain('00'.repeat(8));
});
