import { describe, expect, it } from 'vitest';
import {
  type Avp,
  decodeAvp,
  decodeValue,
  encodeAvp,
  findAvp,
  type UnknownAvp,
} from '../../../shared/l2tp/avp.ts';
import { fromHex, toHex } from '../../../shared/wire/bytes.ts';
import { DecodeError } from '../../../shared/wire/errors.ts';
import { Reader } from '../../../shared/wire/reader.ts';
import { Writer } from '../../../shared/wire/writer.ts';

const text = (value: string) => new Uint8Array(Buffer.from(value, 'latin1'));

/** Every AVP we know, with the M bit and the length RFC 2661 §4.4 prints for it. */
const TABLE: readonly (readonly [Avp, string])[] = [
  [{ kind: 'resultCode', value: { result: 1 } }, '8008 0000 0001 0001'],
  [{ kind: 'resultCode', value: { result: 2, error: 4 } }, '800a 0000 0001 0002 0004'],
  [
    { kind: 'resultCode', value: { result: 2, error: 8, message: text('AVP') } },
    '800d 0000 0001 0002 0008 415650',
  ],
  [{ kind: 'protocolVersion', value: { version: 1, revision: 0 } }, '8008 0000 0002 0100'],
  [{ kind: 'framingCapabilities', value: 3 }, '800a 0000 0003 00000003'],
  [{ kind: 'bearerCapabilities', value: 0 }, '800a 0000 0004 00000000'],
  [{ kind: 'tieBreaker', value: fromHex('0102030405060708') }, '000e 0000 0005 0102030405060708'],
  [{ kind: 'firmwareRevision', value: 0x0690 }, '0008 0000 0006 0690'],
  [{ kind: 'hostName', value: text('vm') }, '8008 0000 0007 766d'],
  [{ kind: 'vendorName', value: text('L2TP') }, '000a 0000 0008 4c325450'],
  [{ kind: 'assignedTunnelId', value: 0x8ce1 }, '8008 0000 0009 8ce1'],
  [{ kind: 'receiveWindowSize', value: 4 }, '8008 0000 000a 0004'],
  [{ kind: 'challenge', value: fromHex('00ff10') }, '8009 0000 000b 00ff10'],
  [{ kind: 'q931CauseCode', value: fromHex('001045') }, '8009 0000 000c 001045'],
  [
    { kind: 'challengeResponse', value: fromHex('000102030405060708090a0b0c0d0e0f') },
    '8016 0000 000d 000102030405060708090a0b0c0d0e0f',
  ],
  [{ kind: 'assignedSessionId', value: 1 }, '8008 0000 000e 0001'],
  [{ kind: 'callSerialNumber', value: 0xdeadbeef }, '800a 0000 000f deadbeef'],
  [{ kind: 'minimumBps', value: 1 }, '800a 0000 0010 00000001'],
  [{ kind: 'maximumBps', value: 2 }, '800a 0000 0011 00000002'],
  [{ kind: 'bearerType', value: 2 }, '800a 0000 0012 00000002'],
  [{ kind: 'framingType', value: 1 }, '800a 0000 0013 00000001'],
  [{ kind: 'calledNumber', value: text('5551') }, '800a 0000 0015 35353531'],
  [{ kind: 'callingNumber', value: text('5552') }, '800a 0000 0016 35353532'],
  [{ kind: 'subAddress', value: text('7') }, '8007 0000 0017 37'],
  [{ kind: 'txConnectSpeed', value: 100_000_000 }, '800a 0000 0018 05f5e100'],
  [{ kind: 'physicalChannelId', value: 9 }, '000a 0000 0019 00000009'],
  [{ kind: 'initialReceivedLcpConfReq', value: fromHex('0104') }, '0008 0000 001a 0104'],
  [{ kind: 'lastSentLcpConfReq', value: fromHex('0104') }, '0008 0000 001b 0104'],
  [{ kind: 'lastReceivedLcpConfReq', value: fromHex('0104') }, '0008 0000 001c 0104'],
  [{ kind: 'proxyAuthenType', value: 2 }, '0008 0000 001d 0002'],
  [{ kind: 'proxyAuthenName', value: text('bob') }, '0009 0000 001e 626f62'],
  [{ kind: 'proxyAuthenChallenge', value: fromHex('aa') }, '0007 0000 001f aa'],
  [{ kind: 'proxyAuthenId', value: 5 }, '0008 0000 0020 0005'],
  [{ kind: 'proxyAuthenResponse', value: fromHex('bb') }, '0007 0000 0021 bb'],
  [{ kind: 'callErrors', value: new Uint8Array(26) }, `8020 0000 0022 ${'00'.repeat(26)}`],
  [
    { kind: 'accm', value: fromHex('0000 ffffffff 00000000') },
    '8010 0000 0023 0000 ffffffff 00000000',
  ],
  [{ kind: 'randomVector', value: fromHex('c0ffee') }, '8009 0000 0024 c0ffee'],
  [{ kind: 'privateGroupId', value: text('g') }, '0007 0000 0025 67'],
  [{ kind: 'rxConnectSpeed', value: 64_000 }, '000a 0000 0026 0000fa00'],
  [{ kind: 'sequencingRequired', value: true }, '8006 0000 0027'],
];

const UNKNOWN: UnknownAvp = {
  kind: 'unknown',
  mandatory: false,
  hidden: false,
  reserved: 0,
  vendor: 0,
  code: 0,
  body: fromHex(''),
};

/** What is kept as it came, and why. */
const UNKNOWNS: readonly (readonly [string, string, Partial<UnknownAvp>])[] = [
  ['unassigned type', '0008 0000 0063 abcd', { code: 99, body: fromHex('abcd') }],
  ['and mandatory', '8006 0000 0063', { code: 99, mandatory: true }],
  [
    "another vendor's type 9",
    '8008 0009 0009 0001',
    { vendor: 9, code: 9, mandatory: true, body: fromHex('0001') },
  ],
  [
    'a reserved bit of a known type',
    '8408 0000 0009 0001',
    { code: 9, mandatory: true, reserved: 1, body: fromHex('0001') },
  ],
  [
    'hidden',
    'c008 0000 0009 1234',
    { code: 9, mandatory: true, hidden: true, body: fromHex('1234') },
  ],
  ['tunnel id 0', '8008 0000 0009 0000', { code: 9, mandatory: true, body: fromHex('0000') }],
  ['session id 0', '8008 0000 000e 0000', { code: 14, mandatory: true, body: fromHex('0000') }],
  [
    'value too long',
    '8009 0000 0009 000100',
    { code: 9, mandatory: true, body: fromHex('000100') },
  ],
  ['value too short', '0008 0000 0026 fa00', { code: 38, body: fromHex('fa00') }],
  ['empty host name', '8006 0000 0007', { code: 7, mandatory: true }],
  [
    'message type again',
    '8008 0000 0000 0001',
    { code: 0, mandatory: true, body: fromHex('0001') },
  ],
];

describe('AVPs', () => {
  it.each(TABLE)('%j', (avp, hex) => {
    const writer = new Writer();
    encodeAvp(writer, avp);
    expect(toHex(writer.finish())).toBe(hex.replaceAll(' ', ''));
    expect(decodeAvp(new Reader(fromHex(hex)))).toEqual(avp);
  });

  it.each(TABLE)('refuses %j cut short', (_avp, hex) => {
    const bytes = fromHex(hex);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeAvp(new Reader(bytes.slice(0, length)))).toThrow(DecodeError);
    }
  });

  it.each(UNKNOWNS)('keeps what it does not recognize: %s', (_name, hex, fields) => {
    const avp = { ...UNKNOWN, ...fields };
    expect(decodeAvp(new Reader(fromHex(hex)))).toEqual(avp);
    const writer = new Writer();
    encodeAvp(writer, avp);
    expect(toHex(writer.finish())).toBe(hex.replaceAll(' ', ''));
  });

  it('refuses a length below the header', () => {
    expect(() => decodeAvp(new Reader(fromHex('8005 0000 0009')))).toThrow('AVP length below 6');
  });

  it('cannot encode more than 1,017 octets of value', () => {
    const avp: Avp = { kind: 'hostName', value: new Uint8Array(1018) };
    expect(() => encodeAvp(new Writer(), avp)).toThrow(RangeError);
  });

  it('finds the first of a kind', () => {
    const avps: Avp[] = [
      { kind: 'hostName', value: text('a') },
      { kind: 'bearerType', value: 1 },
      { kind: 'bearerType', value: 2 },
    ];
    expect(findAvp(avps, 'bearerType')).toBe(1);
    expect(findAvp(avps, 'framingType')).toBeUndefined();
  });

  it('decodes a bare value, as revealing needs it', () => {
    expect(decodeValue(9, fromHex('0102'))).toEqual({ kind: 'assignedTunnelId', value: 0x102 });
    expect(decodeValue(9, fromHex('01'))).toBeUndefined();
    expect(decodeValue(20, fromHex('01'))).toBeUndefined();
  });
});
