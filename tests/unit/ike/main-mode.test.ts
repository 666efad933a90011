import { expect, test } from 'vitest';
import { bodyOf, readKeyExchange, readNonce } from '../../../shared/ike/phase1.ts';
import type { ReceivedPayload } from '../../../shared/isakmp/payload.ts';

function payload(kind: 'nonce' | 'key-exchange' | 'hash', length: number): ReceivedPayload {
  const data = new Uint8Array(length).fill(7);
  return { payload: { kind, data }, body: data, end: 0 };
}

test.each(['identification', 'signature', 'hash', 'key-exchange'] as const)(
  'a message without its %s payload is refused',
  (kind) => {
    expect(() => bodyOf([payload('nonce', 8)], kind)).toThrow(`no ${kind} payload`);
  },
);

test.each([8, 256])('a nonce of %i bytes is taken', (length) => {
  expect(readNonce([payload('nonce', length)])).toHaveLength(length);
});

test.each([0, 7, 257])('a nonce of %i bytes is refused', (length) => {
  const payloads = [payload('key-exchange', 128), payload('nonce', length)];
  expect(() => readNonce(payloads)).toThrow('nonce length');
  expect(() => readKeyExchange(payloads)).toThrow('nonce length');
});
