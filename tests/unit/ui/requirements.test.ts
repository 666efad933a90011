import { expect, test } from 'vitest';
import { shortcoming, startFailure, warning } from '../../../web/ui/requirements.ts';

/** A window with everything that is needed. */
function complete(): Record<string, unknown> {
  const thing = () => undefined;
  return {
    isSecureContext: true,
    WebAssembly: { compileStreaming: thing },
    WebSocket: thing,
    Worker: thing,
    crypto: { getRandomValues: thing },
    BigInt: thing,
    ReadableStream: thing,
    WritableStream: thing,
    URL: { canParse: thing },
  };
}

test('a browser that has everything starts', () => {
  expect(shortcoming(complete())).toBeUndefined();
});

test.each([
  ['WebAssembly', 'WebAssembly'],
  ['WebSocket', 'WebSocket'],
  ['Worker', 'web workers'],
  ['crypto', 'web cryptography'],
  ['BigInt', 'BigInt'],
  ['ReadableStream', 'streams'],
  ['WritableStream', 'writable streams'],
  ['URL', 'URL.canParse'],
])('one without %s is told so', (name, shown) => {
  const { [name]: _, ...rest } = complete();
  const detail = `missing: ${shown}`;
  expect(shortcoming(rest)).toEqual({ code: 'BROWSER_UNSUPPORTED', detail });
});

test('everything that is missing is named at once', () => {
  const detail =
    'missing: WebAssembly, WebSocket, web workers, web cryptography, BigInt, streams, writable streams, URL.canParse';
  expect(shortcoming({})).toEqual({ code: 'BROWSER_UNSUPPORTED', detail });
});

test('a page that is not secure starts, with a warning', () => {
  const scope = { ...complete(), isSecureContext: false };
  expect(shortcoming(scope)).toBeUndefined();
  expect(warning(scope)).toEqual({ code: 'PAGE_NOT_SECURE' });
  expect(warning(complete())).toBeUndefined();
});

test('a program that is not understood is the browser’s fault, one that breaks is ours', () => {
  expect(startFailure(new SyntaxError('Unexpected token'))).toMatchObject({
    code: 'BROWSER_UNSUPPORTED',
    detail: 'SyntaxError: Unexpected token',
  });
  expect(startFailure(new TypeError('no such file'))).toMatchObject({ code: 'INTERNAL' });
});
