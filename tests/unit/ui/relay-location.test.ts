import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  decodeLocation,
  LocationError,
  locateRelay,
  relayWebSocket,
} from '../../../web/ui/relay-location.ts';

afterEach(() => vi.unstubAllGlobals());

describe('culvert.json', () => {
  test.each([
    ['{}', undefined],
    ['{ "else": 1 }', undefined],
    ['{ "relay": "https://relay.example" }', 'https://relay.example'],
    ['{ "relay": "https://RELAY.example/" }', 'https://relay.example'],
    ['{ "relay": "https://relay.example:443" }', 'https://relay.example'],
    ['{ "relay": "http://127.0.0.1:8443" }', 'http://127.0.0.1:8443'],
  ])('%s names %s', (text, origin) => {
    expect(decodeLocation(text)).toBe(origin);
  });

  test.each([
    '',
    '<!doctype html>',
    'null',
    '[]',
    '"https://relay.example"',
    '{ "relay": null }',
    '{ "relay": 1 }',
    '{ "relay": "" }',
    '{ "relay": "relay.example" }',
    '{ "relay": "//relay.example" }',
    '{ "relay": "https://relay.example/culvert" }',
    '{ "relay": "https://relay.example/?x" }',
    '{ "relay": "https://relay.example/#x" }',
    '{ "relay": "https://user:password@relay.example" }',
    '{ "relay": "wss://relay.example" }',
    '{ "relay": "javascript:alert(1)" }',
  ])('%s cannot be used', (text) => {
    expect(() => decodeLocation(text)).toThrow(LocationError);
  });
});

describe('the relay', () => {
  const PAGE = 'https://portal.example/vpn/index.html?x#y';

  /** Answers the request for the file; gives its address. */
  function serve(answer: () => Promise<Response>): string[] {
    const asked: string[] = [];
    vi.stubGlobal('fetch', (url: URL) => {
      asked.push(url.href);
      return answer();
    });
    return asked;
  }

  test('is the one in the file beside the page', async () => {
    const asked = serve(async () => new Response('{"relay":"https://relay.example"}'));
    expect(await locateRelay(PAGE)).toBe('https://relay.example');
    expect(asked).toEqual(['https://portal.example/vpn/culvert.json']);
  });

  test.each<[string, () => Promise<Response>]>([
    ['the file names none', async () => new Response('{}')],
    ['there is no file', async () => new Response('', { status: 404 })],
    ['the file cannot be had', () => Promise.reject(new TypeError('offline'))],
  ])('is where the page comes from when %s', async (_why, answer) => {
    serve(answer);
    expect(await locateRelay(PAGE)).toBe('https://portal.example');
  });

  test('is nowhere when the file cannot be used', async () => {
    serve(async () => new Response('<!doctype html>'));
    await expect(locateRelay(PAGE)).rejects.toThrow(LocationError);
  });

  test('is spoken to with TLS where it is reached with TLS', () => {
    expect(relayWebSocket('https://relay.example')).toBe('wss://relay.example/culvert');
    expect(relayWebSocket('http://127.0.0.1:8443')).toBe('ws://127.0.0.1:8443/culvert');
  });
});
