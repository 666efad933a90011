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
  ['Zugang für Zoë', 'Zugang für Zoë'],
])('text from a peer is made plain: %j', (text, plain) => {
  expect(plainText(text)).toBe(plain);
});

test('and short', () => {
  expect(plainText('x'.repeat(5000)).length).toBeLessThanOrEqual(PEER_TEXT_LIMIT + 1);
});
