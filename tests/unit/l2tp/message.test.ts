import { describe, expect, it } from 'vitest';
import { MAX_AVPS } from '../../../shared/l2tp/avp.ts';
import {
  type ControlMessage,
  decodeControl,
  encodeControl,
  MAX_CONTROL_LENGTH,
} from '../../../shared/l2tp/message.ts';
import { fromHex, toHex } from '../../../shared/wire/bytes.ts';
import { DecodeError } from '../../../shared/wire/errors.ts';

const TABLE: readonly (readonly [string, ControlMessage, string])[] = [
  [
    'ZLB',
    { kind: 'zlb', tunnelId: 0x8ce1, sessionId: 0, ns: 2, nr: 4 },
    'c802 000c 8ce1 0000 0002 0004',
  ],
  [
    'HELLO',
    {
      kind: 'message',
      tunnelId: 1,
      sessionId: 0,
      ns: 0xffff,
      nr: 0,
      type: 6,
      mandatory: true,
      avps: [],
    },
    'c802 0014 0001 0000 ffff 0000 8008 0000 0000 0006',
  ],
  [
    // As SoftEther sent it.
    'ICRP',
    {
      kind: 'message',
      tunnelId: 0x8e9e,
      sessionId: 0x25b2,
      ns: 1,
      nr: 3,
      type: 11,
      mandatory: true,
      avps: [{ kind: 'assignedSessionId', value: 1 }],
    },
    'c802 001c 8e9e 25b2 0001 0003 8008 0000 0000 000b 8008 0000 000e 0001',
  ],
  [
    'an unknown type that may be ignored',
    {
      kind: 'message',
      tunnelId: 1,
      sessionId: 2,
      ns: 3,
      nr: 4,
      type: 99,
      mandatory: false,
      avps: [],
    },
    'c802 0014 0001 0002 0003 0004 0008 0000 0000 0063',
  ],
];

const MALFORMED: readonly (readonly [string, string])[] = [
  ['version is not 2', 'c801 000c 0001 0000 0000 0000'],
  ['version is not 2', 'c803 000c 0001 0000 0000 0000'],
  ['not a control message', '4802 000c 0001 0000 0000 0000'],
  ['not a control message', '8802 000c 0001 0000 0000 0000'],
  ['not a control message', 'c002 000c 0001 0000 0000 0000'],
  ['offset in a control message', 'ca02 000c 0001 0000 0000 0000'],
  ['length below the header', 'c802 000b 0001 0000 0000 0000'],
  ['truncated', 'c802 000d 0001 0000 0000 0000'],
  ['message type is not first', 'c802 0014 0001 0000 0000 0000 8008 0000 0009 0001'],
  ['message type is not first', 'c802 0014 0001 0000 0000 0000 8008 0009 0000 0001'],
  ['message type is not first', 'c802 0014 0001 0000 0000 0000 c008 0000 0000 0001'],
  ['message type is not first', 'c802 0015 0001 0000 0000 0000 8009 0000 0000 000100'],
];

describe('control messages', () => {
  it.each(TABLE)('%s', (_name, message, hex) => {
    expect(toHex(encodeControl(message))).toBe(hex.replaceAll(' ', ''));
    expect(decodeControl(fromHex(hex))).toEqual(message);
  });

  it.each(TABLE)('%s cut short is refused', (_name, _message, hex) => {
    const bytes = fromHex(hex);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeControl(bytes.slice(0, length))).toThrow(DecodeError);
    }
  });

  it.each(MALFORMED)('%s: %s', (reason, hex) => {
    expect(() => decodeControl(fromHex(hex))).toThrow(new DecodeError(reason));
  });

  it('ignores reserved and priority bits, and padding behind the length', () => {
    const [, zlb, hex] = TABLE[0]!;
    const bytes = fromHex(`${hex} 0000`);
    bytes[0] = 0xfd;
    bytes[1] = 0xf2;
    expect(decodeControl(bytes)).toEqual(zlb);
  });

  it('bounds the number of AVPs and the length', () => {
    const message = (count: number): ControlMessage => ({
      kind: 'message',
      tunnelId: 1,
      sessionId: 0,
      ns: 0,
      nr: 0,
      type: 6,
      mandatory: true,
      avps: Array.from({ length: count }, () => ({ kind: 'bearerType', value: 1 }) as const),
    });
    expect(decodeControl(encodeControl(message(MAX_AVPS)))).toEqual(message(MAX_AVPS));
    expect(() => decodeControl(encodeControl(message(MAX_AVPS + 1)))).toThrow('too many AVPs');
    const long = new Uint8Array(MAX_CONTROL_LENGTH + 1);
    long.set(fromHex('c802 1001'));
    expect(() => decodeControl(long)).toThrow('message too long');
  });
});
