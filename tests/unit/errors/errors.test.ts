import { expect, test } from 'vitest';
import { ERRORS, PEER_TEXT_LIMIT, plainText } from '../../../shared/errors.ts';

test('every code has words, and an exit status of its own', () => {
  const statuses = Object.values(ERRORS).map(({ exit }) => exit);
  expect(new Set(statuses).size).toBe(statuses.length);
  for (const { title, cause, advice } of Object.values(ERRORS)) {
    for (const sentence of [title, cause, advice]) expect(sentence).toMatch(/^\p{Lu}.*\.$/u);
  }
});

test.each([
  ['No\u0000 such\u001b[31m user\r\n', 'No  such [31m user'],
  ['admin\u202egnp.exe', 'admin gnp.exe'],
  ['\u2066\u061c\u200f\ufeff\u00ad\u{e0041}a\u2028b\u2029c\u0085d', 'a b c d'],
  ['lone \ud800 surrogate', 'lone   surrogate'],
  ['<img src=x onerror=alert(1)>', '<img src=x onerror=alert(1)>'],
  ['Zugang für Zoë', 'Zugang für Zoë'],
  ['接続できません 🔑', '接続できません 🔑'],
])('text from a peer is made plain: %j', (text, plain) => {
  expect(plainText(text)).toBe(plain);
});

test('and short, without a character cut in half', () => {
  for (const text of [
    'x'.repeat(10_000),
    '🔑'.repeat(5_000),
    `x${'🔑'.repeat(5_000)}`,
    ' '.repeat(10_000),
  ]) {
    const plain = plainText(text);
    expect(plain.length).toBeLessThanOrEqual(PEER_TEXT_LIMIT + 1);
    expect(plain).not.toMatch(/\p{Cs}/u);
  }
  expect(plainText('x'.repeat(PEER_TEXT_LIMIT))).toBe('x'.repeat(PEER_TEXT_LIMIT));
  expect(plainText('x'.repeat(10), 4)).toBe('xxxx…');
});
