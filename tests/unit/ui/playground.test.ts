import { describe, expect, test } from 'vitest';
import { parseDeepLink } from '../../../web/ui/deep-link.ts';
import { decodeVisit } from '../../../web/ui/playground.ts';

const ACCOUNT = { preSharedKey: 'playground', userName: 'visitor', password: 'ticket' };

describe('the playground’s answer', () => {
  test('is taken over, bookmarks as far as they can be opened', () => {
    const good = { title: 'Wiki', url: 'http://wiki.intranet.test', description: 'Pages.' };
    const bookmarks = [
      good,
      { title: 'Bare\u202e', url: 'http://a.test/' },
      { title: 'Script', url: 'javascript:alert(1)' },
      { title: '', url: 'http://a.test/' },
      { title: 'None' },
      'text',
    ];
    expect(decodeVisit({ ...ACCOUNT, bookmarks })).toEqual({
      ...ACCOUNT,
      bookmarks: [
        { ...good, url: 'http://wiki.intranet.test/' },
        { title: 'Bare', url: 'http://a.test/', description: '' },
      ],
    });
    expect(decodeVisit(ACCOUNT)).toEqual({ ...ACCOUNT, bookmarks: [] });
    const many = Array.from({ length: 1000 }, () => good);
    expect(decodeVisit({ ...ACCOUNT, bookmarks: many })?.bookmarks).toHaveLength(50);
  });

  test.each([
    undefined,
    null,
    'text',
    {},
    { ...ACCOUNT, password: '' },
    { ...ACCOUNT, userName: 7 },
    { ...ACCOUNT, preSharedKey: 'k'.repeat(256) },
    { ...ACCOUNT, bookmarks: {} },
  ])('%j is none', (answer) => {
    expect(decodeVisit(answer)).toBeUndefined();
  });
});

test.each([
  ['#/connect/playground', { gateway: 'playground' }],
  [
    '#/connect/playground?open=http%3A%2F%2Fwiki.intranet.test%2F',
    { gateway: 'playground', open: 'http://wiki.intranet.test/' },
  ],
  ['#/connect/office?open=wiki', { gateway: 'office', open: 'http://wiki/' }],
  ['#/connect/office?open=javascript%3Aalert(1)', { gateway: 'office' }],
  ['#/connect/office?password=secret', { gateway: 'office' }],
])('the link %s', (hash, link) => {
  expect(parseDeepLink(hash)).toEqual(link);
});

test.each([
  '',
  '#',
  '#/connect/',
  '#/connect/Office',
  '#/connect/a b',
  '#/other/office',
  `#/connect/office?open=${'a'.repeat(2_000)}`,
])('%s is no link', (hash) => {
  expect(parseDeepLink(hash)).toBeUndefined();
});
