import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Attribute } from '../../shared/isakmp/attribute.ts';
import {
  decodeClearBody,
  decodeMessage,
  encodeClearMessage,
  type Header,
} from '../../shared/isakmp/message.ts';
import { decodePayloads, type Payload } from '../../shared/isakmp/payload.ts';
import type { Bytes } from '../../shared/wire/bytes.ts';
import { DecodeError } from '../../shared/wire/errors.ts';

const bytes = (minLength: number, maxLength: number): fc.Arbitrary<Bytes> =>
  fc.uint8Array({ minLength, maxLength }).map((array) => Uint8Array.from(array));
const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.nat(0xffffffff);

const attribute: fc.Arbitrary<Attribute> = fc.oneof(
  fc.record({ kind: fc.constant('basic' as const), type: fc.nat(0x7fff), value: u16 }),
  fc.record({ kind: fc.constant('variable' as const), type: fc.nat(0x7fff), value: bytes(0, 9) }),
);

const proposal = fc.record({
  number: u8,
  protocolId: u8,
  spi: bytes(0, 16),
  transforms: fc.array(
    fc.record({ number: u8, id: u8, attributes: fc.array(attribute, { maxLength: 6 }) }),
    { minLength: 1, maxLength: 4 },
  ),
});

const data = bytes(0, 40);
const KNOWN = new Set([0, 1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 20, 21, 130, 131]);

const payload: fc.Arbitrary<Payload> = fc.oneof(
  fc.record({
    kind: fc.constant('security-association' as const),
    proposals: fc.array(proposal, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    kind: fc.constantFrom('key-exchange', 'hash', 'signature', 'nonce', 'vendor-id'),
    data,
  }) as fc.Arbitrary<Payload>,
  fc.record({
    kind: fc.constantFrom('certificate', 'certificate-request'),
    encoding: u8,
    data,
  }) as fc.Arbitrary<Payload>,
  fc.record({
    kind: fc.constant('identification' as const),
    idType: u8,
    protocolId: u8,
    port: u16,
    data,
  }),
  fc.record({
    kind: fc.constant('notification' as const),
    doi: u32,
    protocolId: u8,
    notifyType: u16,
    spi: bytes(0, 16),
    data,
  }),
  fc.nat(16).chain((spiSize) =>
    fc.record({
      kind: fc.constant('delete' as const),
      doi: u32,
      protocolId: u8,
      spiSize: fc.constant(spiSize),
      spis: fc.array(bytes(spiSize, spiSize), { maxLength: 4 }),
    }),
  ),
  fc.record({ kind: fc.constant('nat-discovery' as const), draft: fc.boolean(), hash: data }),
  fc.record({
    kind: fc.constant('nat-original-address' as const),
    draft: fc.boolean(),
    idType: u8,
    address: data,
  }),
  fc.record({
    kind: fc.constant('attributes' as const),
    configType: u8,
    identifier: u16,
    attributes: fc.array(attribute, { maxLength: 6 }),
  }),
  fc.record({
    kind: fc.constant('unknown' as const),
    code: u8.filter((code) => !KNOWN.has(code)),
    body: data,
  }),
);

const header: fc.Arbitrary<Header> = fc.record({
  initiatorCookie: bytes(8, 8),
  responderCookie: bytes(8, 8),
  exchangeType: u8,
  flags: u8,
  messageId: u32,
});

const payloads = fc.array(payload, { minLength: 1, maxLength: 6 });

/** The error, when it is the one that bytes may cause. */
function decoded<T>(decode: () => T): T | DecodeError {
  try {
    return decode();
  } catch (error) {
    if (error instanceof DecodeError) return error;
    throw error;
  }
}

test('decode after encode is the identity', () => {
  fc.assert(
    fc.property(header, payloads, (theHeader, thePayloads) => {
      const message = decodeMessage(encodeClearMessage(theHeader, thePayloads));
      expect(message.header).toEqual(theHeader);
      expect(decodeClearBody(message).map((each) => each.payload)).toEqual(thePayloads);
    }),
  );
});

test('every prefix of a message is refused', () => {
  fc.assert(
    fc.property(header, payloads, (theHeader, thePayloads) => {
      const whole = encodeClearMessage(theHeader, thePayloads);
      for (let length = 0; length < whole.length; length++) {
        const prefix = whole.slice(0, length);
        expect(decoded(() => decodeMessage(prefix))).toBeInstanceOf(DecodeError);
      }
    }),
    { numRuns: 30 },
  );
});

test('a message with bytes changed is read or refused', () => {
  const changes = fc.array(fc.tuple(fc.nat(), u8), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(header, payloads, changes, (theHeader, thePayloads, theChanges) => {
      const broken = encodeClearMessage(theHeader, thePayloads);
      for (const [at, value] of theChanges) broken[at % broken.length] = value;
      decoded(() => decodeClearBody(decodeMessage(broken)));
    }),
    { numRuns: 500 },
  );
});

test('arbitrary bytes are read as payloads of any first type or refused', () => {
  fc.assert(
    fc.property(u8, bytes(0, 200), (first, body) => {
      decoded(() => decodePayloads(first, body));
    }),
    { numRuns: 1000 },
  );
});
