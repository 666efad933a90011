import { describe, expect, test } from 'vitest';
import { bodyView, fileName, TEXT_LIMIT } from '../../../web/ui/body.ts';
import type { FetchReply } from '../../../web/worker/api.ts';

function reply(type: string | undefined, body: Uint8Array<ArrayBuffer>, size?: number): FetchReply {
  return {
    url: 'http://intranet/',
    status: 200,
    statusText: 'OK',
    headers: type === undefined ? [] : [['Content-Type', type]],
    size: size ?? body.length,
    sha256: '',
    body,
    millis: 1,
  };
}

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

describe('a body', () => {
  test('of text is shown as text, HTML too', () => {
    for (const type of ['text/html', 'text/plain', 'application/json', 'application/atom+xml']) {
      expect(bodyView(reply(type, bytes('<b>hello</b>')))).toEqual({
        kind: 'text',
        text: '<b>hello</b>',
        cut: false,
      });
    }
  });

  test('is decoded in the charset it claims, and in UTF-8 when there is no such charset', () => {
    const latin = Uint8Array.of(0x67, 0xfc, 0x6e);
    expect(bodyView(reply('text/plain; charset="ISO-8859-1"', latin))).toMatchObject({
      text: 'gün',
    });
    expect(bodyView(reply('text/plain; charset=x-none', bytes('gün')))).toMatchObject({
      text: 'gün',
    });
  });

  test('is cut at the limit', () => {
    const view = bodyView(reply('text/plain', new Uint8Array(TEXT_LIMIT + 1).fill(0x61)));
    expect(view).toMatchObject({ kind: 'text', cut: true });
    expect(view.kind === 'text' && view.text.length).toBe(TEXT_LIMIT);
  });

  test('of a known image type is a picture, unless it was cut short', () => {
    expect(bodyView(reply('image/png', Uint8Array.of(1, 2)))).toEqual({
      kind: 'image',
      type: 'image/png',
    });
    expect(bodyView(reply('image/png', Uint8Array.of(1, 2), 3))).toEqual({ kind: 'binary' });
    expect(bodyView(reply('image/tiff', Uint8Array.of(1, 2)))).toEqual({ kind: 'binary' });
  });

  test('without a type is text when it looks like text', () => {
    expect(bodyView(reply(undefined, bytes('plain')))).toMatchObject({ kind: 'text' });
    expect(bodyView(reply(undefined, Uint8Array.of(0x61, 0)))).toEqual({ kind: 'binary' });
    expect(bodyView(reply(undefined, Uint8Array.of(0xff, 0xfe)))).toEqual({ kind: 'binary' });
  });

  test('of a type that says otherwise is not guessed at', () => {
    expect(bodyView(reply('application/octet-stream', bytes('text')))).toEqual({ kind: 'binary' });
  });

  test('may be empty', () => {
    expect(bodyView(reply('text/plain', bytes('')))).toEqual({ kind: 'empty' });
  });
});

test.each([
  ['http://intranet/files/big.bin', 'big.bin'],
  ['http://intranet/', 'body'],
  ['http://intranet/a%20b%2Fc.txt?x=1', 'a b_c.txt'],
  ['http://intranet/..%2f..%2fprofile', '_.._profile'],
  ['http://intranet/.bashrc', 'bashrc'],
  ['http://intranet/%ff', '_ff'],
  [`http://intranet/${'x'.repeat(200)}`, 'x'.repeat(100)],
])('%s is saved as %s', (url, name) => {
  expect(fileName(url)).toBe(name);
});
