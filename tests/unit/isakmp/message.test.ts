import { describe, expect, test } from 'vitest';
import { attributeNumber } from '../../../shared/isakmp/attribute.ts';
import {
  decodeClearBody,
  decodeMessage,
  encodeClearMessage,
} from '../../../shared/isakmp/message.ts';
import { NotifyType, notifyName } from '../../../shared/isakmp/numbers.ts';
import { fromHex, toHex } from '../../../shared/wire/bytes.ts';
import { DecodeError } from '../../../shared/wire/errors.ts';

const HEX = `1111111111111111 2222222222222222 0d 10 05 00 aabbccdd 00000024
  00000008 afcad713`;

const HEADER = {
  initiatorCookie: fromHex('1111111111111111'),
  responderCookie: fromHex('2222222222222222'),
  exchangeType: 5,
  flags: 0,
  messageId: 0xaabbccdd,
};

describe('message', () => {
  test('encodes', () => {
    const message = encodeClearMessage(HEADER, [{ kind: 'vendor-id', data: fromHex('afcad713') }]);
    expect(toHex(message)).toBe(toHex(fromHex(HEX)));
  });

  test('decodes', () => {
    const message = decodeMessage(fromHex(HEX));
    expect(message.header).toEqual(HEADER);
    expect(message.firstPayload).toBe(13);
    expect(decodeClearBody(message).map(({ payload }) => payload)).toEqual([
      { kind: 'vendor-id', data: fromHex('afcad713') },
    ]);
  });

  test('is refused when cut short or too long', () => {
    const whole = fromHex(HEX);
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodeMessage(whole.slice(0, length))).toThrow(DecodeError);
    }
    expect(() => decodeMessage(fromHex(`${HEX}00`))).toThrow('wrong message length');
  });

  test('of another major version is refused, of another minor version not', () => {
    const other = fromHex(HEX);
    other[17] = 0x20;
    expect(() => decodeMessage(other)).toThrow('unknown version');
    other[17] = 0x11;
    expect(decodeMessage(other).header).toEqual(HEADER);
  });

  test('in clear has nothing behind its last payload', () => {
    const longer = fromHex(`${HEX}00`);
    longer[27] = longer.length;
    expect(() => decodeClearBody(decodeMessage(longer))).toThrow('trailing bytes');
  });
});

test('attribute numbers, basic and variable', () => {
  expect(attributeNumber({ kind: 'basic', type: 1, value: 300 })).toBe(300);
  expect(attributeNumber({ kind: 'variable', type: 1, value: fromHex('00015180') })).toBe(86_400);
  expect(attributeNumber({ kind: 'variable', type: 1, value: fromHex('00'.repeat(20)) })).toBe(0);
  expect(attributeNumber({ kind: 'variable', type: 1, value: fromHex('01'.repeat(7)) })).toBe(
    undefined,
  );
});

test('notification names', () => {
  expect(notifyName(NotifyType['NO-PROPOSAL-CHOSEN'])).toBe('NO-PROPOSAL-CHOSEN');
  expect(notifyName(9999)).toBe('notification 9999');
});
