import { describe, expect, test } from 'vitest';
import { ERRORS } from '../../../shared/errors.ts';
import { CONTROL_LENGTH_LIMIT } from '../../../shared/relay/channels.ts';
import { CLAIM_REFUSALS, REFUSALS, UPGRADE_REFUSALS } from '../../../shared/relay/close-codes.ts';
import {
  type ControlFromRelay,
  decodeControlFromRelay,
  decodeControlFromTab,
  encodeControl,
  MESSAGE_LIMIT,
} from '../../../shared/relay/control.ts';
import { DecodeError } from '../../../shared/wire/errors.ts';

const OPENED = {
  type: 'opened',
  gateway: { id: 'office', name: 'Büro', address: '10.99.1.1' },
  local: { address: '10.99.1.2', ike: 40_001, natt: 40_002, l2tp: 40_003 },
  remote: { ike: 500, natt: 4500, l2tp: 1701 },
  channels: ['ike', 'natt', 'l2tp'],
  nat: 'possible',
  mtu: 1500,
  limits: { frameBytes: 131_072, recordBytes: 65_507 },
} as const satisfies ControlFromRelay;

const FROM_RELAY: readonly ControlFromRelay[] = [
  OPENED,
  { ...OPENED, channels: ['ike', 'natt', 'esp', 'l2tp'], nat: 'none' },
  { type: 'claimed', spi: 256 },
  { type: 'claim-refused', spi: 0xffff_ffff, code: 'RELAY_SPI_TAKEN' },
  { type: 'unreachable', channel: 'esp', reason: 'EHOSTUNREACH' },
  { type: 'refused', code: 'RELAY_FULL', message: 'Too many.' },
  { type: 'unreachable', channel: 'ike', reason: 'ECONNREFUSED' },
];

function reason(decode: (text: string) => unknown, value: unknown): string {
  try {
    decode(typeof value === 'string' ? value : JSON.stringify(value));
  } catch (error) {
    if (error instanceof DecodeError) return error.reason;
    throw error;
  }
  return 'none';
}

describe('from the tab', () => {
  test('open, both ways', () => {
    const text = '{"type":"open","gateway":"office"}';
    expect(decodeControlFromTab(text)).toEqual({ type: 'open', gateway: 'office' });
    expect(encodeControl({ type: 'open', gateway: 'office' })).toBe(text);
  });

  test('move, both ways', () => {
    const text = '{"type":"move","address":"192.0.2.9"}';
    expect(decodeControlFromTab(text)).toEqual({ type: 'move', address: '192.0.2.9' });
    expect(encodeControl({ type: 'move', address: '192.0.2.9' })).toBe(text);
  });

  test.each(['claim', 'release'] as const)('%s, both ways', (type) => {
    const text = `{"type":"${type}","spi":4294967295}`;
    expect(decodeControlFromTab(text)).toEqual({ type, spi: 0xffff_ffff });
    expect(encodeControl({ type, spi: 0xffff_ffff })).toBe(text);
  });

  test.each([
    ['number out of range', { type: 'claim', spi: 255 }],
    ['number out of range', { type: 'release', spi: 0 }],
    ['number out of range', { type: 'claim', spi: 2 ** 32 }],
    ['not an integer', { type: 'claim', spi: '4096' }],
    ['not an integer', { type: 'claim', spi: 4096.5 }],
    ['string form', { type: 'move', address: 'vpn.example' }],
    ['string form', { type: 'move', address: '192.0.2.256' }],
    ['unknown key', { type: 'move', address: '192.0.2.9', gateway: 'office' }],
    ['missing key', { type: 'claim' }],
    ['unknown key', { type: 'claim', spi: 4096, gateway: 'office' }],
    ['not JSON', ''],
    ['not JSON', '{'],
    ['not an object', 'null'],
    ['not an object', '[]'],
    ['not an object', '"open"'],
    ['unknown message type', {}],
    ['unknown message type', { type: 'opened', gateway: 'a' }],
    ['unknown message type', { type: ['open'], gateway: 'a' }],
    ['missing key', { type: 'open' }],
    ['missing key', '{"type":"open","__proto__":{"gateway":"a"}}'],
    ['unknown key', { type: 'open', gateway: 'a', psk: 'x' }],
    ['not a string', { type: 'open', gateway: 5 }],
    ['string length', { type: 'open', gateway: '' }],
    ['string length', { type: 'open', gateway: 'a'.repeat(65) }],
    ['string form', { type: 'open', gateway: '10.0.0.1:500' }],
    ['string form', { type: 'open', gateway: 'Office' }],
    ['string form', { type: 'open', gateway: 'a\n' }],
    ['control message too long', ' '.repeat(CONTROL_LENGTH_LIMIT + 1)],
  ])('%s: %j', (expected, value) => {
    expect(reason(decodeControlFromTab, value)).toBe(expected);
  });
});

describe('from the relay', () => {
  test.each(FROM_RELAY)('$type, both ways', (message) => {
    expect(decodeControlFromRelay(encodeControl(message))).toEqual(message);
  });

  test.each([
    ['unknown message type', { type: 'open', gateway: 'a' }],
    ['missing key', { ...OPENED, mtu: undefined }],
    ['unknown key', { ...OPENED, more: 1 }],
    ['unknown key', { ...OPENED, gateway: { ...OPENED.gateway, psk: '' } }],
    ['not an object', { ...OPENED, gateway: 'office' }],
    ['string form', { ...OPENED, gateway: { ...OPENED.gateway, address: '10.99.1.256' } }],
    ['string form', { ...OPENED, gateway: { ...OPENED.gateway, address: '10.99.1' } }],
    ['string form', { ...OPENED, gateway: { ...OPENED.gateway, address: '10.99.1.1.' } }],
    ['string length', { ...OPENED, gateway: { ...OPENED.gateway, name: 'x'.repeat(101) } }],
    ['number out of range', { ...OPENED, local: { ...OPENED.local, ike: 0 } }],
    ['number out of range', { ...OPENED, remote: { ...OPENED.remote, natt: 65_536 } }],
    ['not an integer', { ...OPENED, remote: { ...OPENED.remote, natt: 1.5 } }],
    ['not an integer', { ...OPENED, mtu: '1500' }],
    ['number out of range', { ...OPENED, mtu: 500 }],
    ['unknown channel', { ...OPENED, channels: ['ah'] }],
    ['channel named twice', { ...OPENED, channels: ['ike', 'ike'] }],
    ['not a list of channels', { ...OPENED, channels: 'ike' }],
    ['not a list of channels', { ...OPENED, channels: ['ike', 'natt', 'esp', 'l2tp', 'ike'] }],
    ['neither possible nor none', { ...OPENED, nat: true }],
    ['missing key', { ...OPENED, nat: undefined }],
    ['number out of range', { type: 'claimed', spi: 255 }],
    ['unknown refusal code', { type: 'claim-refused', spi: 256, code: 'RELAY_FULL' }],
    ['unknown key', { type: 'claimed', spi: 256, code: 'RELAY_SPI_TAKEN' }],
    ['number out of range', { ...OPENED, limits: { frameBytes: 1e9, recordBytes: 1 } }],
    ['unknown refusal code', { type: 'refused', code: 'toString', message: 'x' }],
    ['unknown refusal code', { type: 'refused', code: 4404, message: 'x' }],
    [
      'string length',
      { type: 'refused', code: 'RELAY_FULL', message: 'x'.repeat(MESSAGE_LIMIT + 1) },
    ],
    ['unknown channel', { type: 'unreachable', channel: 'ah', reason: 'ECONNREFUSED' }],
    ['string form', { type: 'unreachable', channel: 'ike', reason: '<b>' }],
  ])('%s: %j', (expected, value) => {
    expect(reason(decodeControlFromRelay, value)).toBe(expected);
  });
});

describe('the tables of refusals', () => {
  test('every close code is its own, and one that applications or the library may use', () => {
    const codes = Object.values(REFUSALS).map(({ close }) => close);
    expect(codes.filter((code) => code < 4000).sort()).toEqual([1002, 1008, 1009]);
    expect(codes.filter((code) => code >= 5000)).toEqual([]);
    expect(new Set(codes).size).toBe(codes.length);
  });

  test('every outcome is an error the screen has words for', () => {
    for (const { outcome, text } of Object.values(REFUSALS)) {
      expect(Object.keys(ERRORS)).toContain(outcome);
      expect(text.length).toBeLessThanOrEqual(MESSAGE_LIMIT / 2);
    }
  });

  test('no code is in two tables', () => {
    const codes = [REFUSALS, UPGRADE_REFUSALS, CLAIM_REFUSALS].flatMap(Object.keys);
    expect(new Set(codes).size).toBe(codes.length);
  });
});
