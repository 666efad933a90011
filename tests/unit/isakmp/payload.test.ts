import { describe, expect, test } from 'vitest';
import { MAX_ATTRIBUTES } from '../../../shared/isakmp/attribute.ts';
import {
  decodePayloads,
  encodePayloads,
  MAX_DELETED_SPIS,
  MAX_PAYLOADS,
  type Payload,
  payloadType,
} from '../../../shared/isakmp/payload.ts';
import { MAX_TRANSFORMS } from '../../../shared/isakmp/proposal.ts';
import { fromHex, toHex } from '../../../shared/wire/bytes.ts';
import { DecodeError } from '../../../shared/wire/errors.ts';

const bytes = (...values: number[]) => Uint8Array.from(values);

/** Each payload with its bytes, generic header included, as RFC 2408 §3 and RFC 2407 §4.6 draw them. */
const TABLE: readonly (readonly [name: string, payload: Payload, hex: string])[] = [
  [
    'SA with a phase 1 proposal',
    {
      kind: 'security-association',
      proposals: [
        {
          number: 1,
          protocolId: 1,
          spi: bytes(),
          transforms: [
            {
              number: 1,
              id: 1,
              attributes: [
                { kind: 'basic', type: 1, value: 7 },
                { kind: 'basic', type: 14, value: 256 },
                { kind: 'variable', type: 12, value: bytes(0, 0, 0x70, 0x80) },
              ],
            },
          ],
        },
      ],
    },
    `0000002c 00000001 00000001
     00000020 01010001
     00000018 01010000 80010007 800e0100 000c0004 00007080`,
  ],
  [
    'SA with two ESP transforms',
    {
      kind: 'security-association',
      proposals: [
        {
          number: 1,
          protocolId: 3,
          spi: bytes(0xde, 0xad, 0xbe, 0xef),
          transforms: [
            { number: 1, id: 12, attributes: [{ kind: 'basic', type: 4, value: 61444 }] },
            { number: 2, id: 3, attributes: [] },
          ],
        },
      ],
    },
    `0000002c 00000001 00000001
     00000020 01030402 deadbeef
     0300000c 010c0000 8004f004
     00000008 02030000`,
  ],
  ['KE', { kind: 'key-exchange', data: bytes(1, 2, 3) }, '00000007 010203'],
  [
    'ID',
    { kind: 'identification', idType: 1, protocolId: 17, port: 1701, data: bytes(10, 0, 0, 1) },
    '0000000c 011106a5 0a000001',
  ],
  ['HASH', { kind: 'hash', data: bytes(0xaa) }, '00000005 aa'],
  ['NONCE', { kind: 'nonce', data: bytes(0xbb, 0xcc) }, '00000006 bbcc'],
  [
    'N',
    {
      kind: 'notification',
      doi: 1,
      protocolId: 1,
      notifyType: 36136,
      spi: bytes(9, 9),
      data: bytes(0, 0, 0, 7),
    },
    '00000012 00000001 0102 8d28 0909 00000007',
  ],
  [
    'D',
    {
      kind: 'delete',
      doi: 1,
      protocolId: 3,
      spiSize: 4,
      spis: [bytes(0, 0, 1, 0), bytes(0, 0, 2, 0)],
    },
    '00000014 00000001 0304 0002 00000100 00000200',
  ],
  ['VID', { kind: 'vendor-id', data: bytes(0xaf, 0xca) }, '00000006 afca'],
  ['NAT-D', { kind: 'nat-discovery', draft: false, hash: bytes(1) }, '00000005 01'],
  ['NAT-D draft', { kind: 'nat-discovery', draft: true, hash: bytes(1) }, '00000005 01'],
  [
    'NAT-OA',
    { kind: 'nat-original-address', draft: false, idType: 1, address: bytes(192, 168, 1, 2) },
    '0000000c 01000000 c0a80102',
  ],
  [
    'NAT-OA draft',
    { kind: 'nat-original-address', draft: true, idType: 1, address: bytes(192, 168, 1, 2) },
    '0000000c 01000000 c0a80102',
  ],
  ['CERT', { kind: 'certificate', encoding: 4, data: bytes(5) }, '00000006 0405'],
  [
    'attributes of a transaction',
    {
      kind: 'attributes',
      configType: 1,
      identifier: 0x0203,
      attributes: [
        { kind: 'basic', type: 16520, value: 0 },
        { kind: 'variable', type: 16521, value: bytes(0x62, 0x6f, 0x62) },
      ],
    },
    '00000013 01000203 c0880000 40890003 626f62',
  ],
  ['a type not known here', { kind: 'unknown', code: 99, body: bytes(4, 5) }, '00000006 0405'],
  ['private use', { kind: 'unknown', code: 200, body: bytes() }, '00000004'],
];

describe.each(TABLE)('%s', (_name, payload, hex) => {
  test('encodes', () => {
    expect(toHex(encodePayloads([payload]))).toBe(toHex(fromHex(hex)));
  });

  test('decodes', () => {
    const [received, ...rest] = decodePayloads(payloadType(payload), fromHex(hex));
    expect(received?.payload).toEqual(payload);
    expect(rest).toEqual([]);
    expect(toHex(received!.body)).toBe(toHex(fromHex(hex)).slice(8));
  });

  test('is refused when cut short', () => {
    const whole = fromHex(hex);
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodePayloads(payloadType(payload), whole.slice(0, length))).toThrow(
        DecodeError,
      );
    }
  });
});

test('a chain names the next payload and tells where each ends', () => {
  const chain = encodePayloads([
    { kind: 'hash', data: bytes(1) },
    { kind: 'nonce', data: bytes(2, 2) },
    { kind: 'vendor-id', data: bytes() },
  ]);
  expect(toHex(chain)).toBe('0a00000501' + '0d0000060202' + '00000004');
  const padded = Uint8Array.from([...chain, 0, 0, 0]);
  expect(decodePayloads(8, padded).map(({ end }) => end)).toEqual([5, 11, 15]);
});

describe('bounds', () => {
  const refused = (first: number, hex: string, reason: string) =>
    expect(() => decodePayloads(first, fromHex(hex))).toThrow(reason);

  test('payloads', () => {
    refused(13, '0d000004'.repeat(MAX_PAYLOADS + 1), 'too many payloads');
  });

  test('transforms', () => {
    const transforms = `${'0300000801010000'.repeat(MAX_TRANSFORMS)}0000000801010000`;
    const proposal = `0000${(8 + transforms.length / 2).toString(16).padStart(4, '0')}010100ff${transforms}`;
    const body = `0000000100000001${proposal}`;
    const length = (4 + body.length / 2).toString(16).padStart(4, '0');
    refused(1, `0000${length}${body}`, 'too many substructures');
  });

  test('attributes', () => {
    const attributes = '80010001'.repeat(MAX_ATTRIBUTES + 1);
    const transform = `0000${(8 + attributes.length / 2).toString(16).padStart(4, '0')}01010000${attributes}`;
    const proposal = `0000${(8 + transform.length / 2).toString(16).padStart(4, '0')}01010001${transform}`;
    const body = `0000000100000001${proposal}`;
    refused(
      1,
      `0000${(4 + body.length / 2).toString(16).padStart(4, '0')}${body}`,
      'too many attributes',
    );
  });

  test('SPIs of a Delete, also when they have no bytes', () => {
    const count = (MAX_DELETED_SPIS + 1).toString(16).padStart(4, '0');
    refused(12, `0000000c000000010300${count}`, 'too many SPIs');
  });
});

describe('refused', () => {
  test.each([
    ['a payload length below its header', 13, '00000003'],
    ['another DOI', 1, '0000000c 00000002 00000001'],
    ['another situation', 1, '0000000c 00000001 00000002'],
    ['an SA without proposals', 1, '0000000c 00000001 00000001'],
    [
      'a transform count that lies',
      1,
      '0000001c 00000001 00000001 00000010 01010002 0000000801010000',
    ],
    ['a proposal that is none', 1, '00000018 00000001 00000001 0500000c 01010001 00000000'],
    [
      'an attribute longer than its transform',
      1,
      '00000020 00000001 00000001 00000014 01010001 0000000c 01010000 000c0005',
    ],
  ])('%s', (_name, first, hex) => {
    expect(() => decodePayloads(first, fromHex(hex))).toThrow(DecodeError);
  });
});
