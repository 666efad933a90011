import { expect, test } from 'vitest';
import {
  formatAge,
  formatBytes,
  formatDuration,
  formatRate,
  formatRoundTrip,
  formatSize,
} from '../../../web/ui/format.ts';
import { algorithmParts, weakReason } from '../../../web/ui/weak.ts';

test.each([
  [0, '0 bytes'],
  [1, '1 byte'],
  [999, '999 bytes'],
  [1000, '1.0 kB'],
  [999_949, '999.9 kB'],
  [999_950, '1.0 MB'],
  [20_000_000, '20.0 MB'],
  [3.2e9, '3.2 GB'],
  [5e15, '5000.0 TB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test('a size is told both ways once it is rounded', () => {
  expect(formatSize(694)).toBe('694 bytes');
  expect(formatSize(20_000_000)).toBe('20.0 MB (20,000,000 bytes)');
});

test.each([
  [0.424, '0.42 ms'],
  [12.34, '12.3 ms'],
  [120.4, '120 ms'],
])('a round trip of %d is %s', (millis, text) => {
  expect(formatRoundTrip(millis)).toBe(text);
});

test.each([
  [0, '0 ms'],
  [320.4, '320 ms'],
  [999.7, '1.0 s'],
  [4200, '4.2 s'],
  [59_990, '59.9 s'],
  [185_000, '3 min 05 s'],
  [7_620_000, '2 h 07 min'],
])('%d milliseconds are %s', (millis, text) => {
  expect(formatDuration(millis)).toBe(text);
});

test.each([
  [-5, '0 s'],
  [4999, '4 s'],
  [185_000, '3 min 05 s'],
])('an age of %d is %s', (millis, text) => {
  expect(formatAge(millis)).toBe(text);
});

test('a rate never divides by nothing', () => {
  expect(formatRate(20_000_000, 2000)).toBe('80.0 Mbit/s');
  expect(formatRate(100, 10)).toBe('80 kbit/s');
  expect(formatRate(0, 0)).toBe('0 kbit/s');
});

test('weak algorithms are found in their list and explained', () => {
  expect(algorithmParts('AES-CBC-256, MODP-1024', ['MODP-1024'])).toEqual([
    { text: 'AES-CBC-256', weak: false },
    { text: 'MODP-1024', weak: true },
  ]);
  expect(weakReason('3DES-CBC')).toContain('64-bit blocks');
  expect(weakReason('DES-CBC')).toContain('searched completely');
  expect(weakReason('HMAC-MD5-96')).toContain('broken hash');
  expect(weakReason('HMAC-SHA1-96')).toContain('being retired');
  expect(weakReason('MODP-1024')).toContain('wealthy attacker');
  expect(weakReason('CAST')).toBe('CAST is advised against by RFC 8221 or RFC 8247.');
});
