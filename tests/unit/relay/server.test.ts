import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { GatewayConfig, RelayConfig } from '../../../relay/config.ts';
import type { Relay } from '../../../relay/server.ts';
import { UPGRADE_REFUSALS, type UpgradeRefusalCode } from '../../../shared/relay/close-codes.ts';
import { closeAll, http, onClose, relayFor, Tab, type TabOptions, tcp } from './support.ts';

afterEach(closeAll);

const OFFICE: GatewayConfig = { id: 'office', name: 'Office', address: '127.0.0.2' };

function portalFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'culvert-portal-'));
  onClose(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'portal/assets'), { recursive: true });
  mkdirSync(join(folder, 'portal/libcurl'), { recursive: true });
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  writeFileSync(join(folder, 'portal/.hidden'), 'hidden');
  writeFileSync(join(folder, 'portal/index.html'), '<!doctype html><title>Culvert</title>');
  writeFileSync(join(folder, 'portal/assets/main-Ab3_x-9z.js'), 'export {};');
  writeFileSync(join(folder, 'portal/assets/esp-Ab3_x-9z.wasm'), '\0asm');
  writeFileSync(join(folder, 'portal/assets/style-Ab3_x-9z.css'), 'body{}');
  writeFileSync(join(folder, 'portal/libcurl/libcurl.js'), '// as published');
  writeFileSync(join(folder, 'portal/notice'), 'text');
  return join(folder, 'portal');
}

function relayWithPortal(change: Partial<RelayConfig> = {}): Promise<Relay> {
  return relayFor([OFFICE], change, { portal: portalFolder() });
}

/** The origin a page of this relay has. */
function own(relay: Relay): string {
  return `http://127.0.0.1:${relay.port}`;
}

describe('an upgrade', () => {
  const LOCAL: Partial<RelayConfig> = {};
  const PROXIED: Partial<RelayConfig> = { hosts: ['portal.example'] };
  const LISTED: Partial<RelayConfig> = { origins: ['https://portal.example'] };
  const PUBLIC: Partial<RelayConfig> = { listen: { host: '0.0.0.0', port: 0 } };

  test.each<[string, Partial<RelayConfig>, (relay: Relay) => TabOptions]>([
    ['of a program, without Origin', LOCAL, () => ({})],
    ['of the relay’s own page', LOCAL, (relay) => ({ origin: own(relay) })],
    [
      'under another loopback name',
      LOCAL,
      ({ port }) => ({ host: `localhost:${port}`, origin: `http://localhost:${port}` }),
    ],
    ['at localhost in capitals', LOCAL, () => ({ host: 'LOCALHOST', origin: 'http://localhost' })],
    ['at a name below localhost', LOCAL, () => ({ host: 'vpn.localhost' })],
    ['at the IPv6 loopback address', LOCAL, () => ({ host: '[::1]:1', origin: 'http://[::1]:1' })],
    [
      'through a proxy with TLS',
      PROXIED,
      () => ({ host: 'portal.example', origin: 'https://portal.example' }),
    ],
    [
      'with the default port spelt out',
      PROXIED,
      () => ({ host: 'portal.example:443', origin: 'https://portal.example' }),
    ],
    ['from an origin in the list', LISTED, () => ({ origin: 'https://portal.example' })],
    ['of the own portal beside a list', LISTED, (relay) => ({ origin: own(relay) })],
    ['at any name where that is configured', PUBLIC, () => ({ host: 'relay.example' })],
    ['among other subprotocols', LOCAL, () => ({ subprotocol: 'culvert.v1' })],
    ['with a query', LOCAL, () => ({ path: '/culvert?x' })],
  ])('%s is accepted', async (_what, change, options) => {
    const relay = await relayFor([OFFICE], change);
    const tab = new Tab(relay, options(relay));
    await once(tab.socket, 'open');
    expect(tab.socket.protocol).toBe('culvert.v1');
  });

  test.each<[UpgradeRefusalCode, string, Partial<RelayConfig>, (relay: Relay) => TabOptions]>([
    ['RELAY_BAD_ORIGIN', 'of a foreign page', LOCAL, () => ({ origin: 'https://evil.example' })],
    ['RELAY_BAD_ORIGIN', 'of a sandboxed page', LOCAL, () => ({ origin: 'null' })],
    [
      'RELAY_BAD_ORIGIN',
      'of a page on another port',
      LOCAL,
      () => ({ origin: 'http://127.0.0.1:1' }),
    ],
    ['RELAY_BAD_ORIGIN', 'of a page without a host', LOCAL, () => ({ origin: 'http://' })],
    [
      'RELAY_BAD_ORIGIN',
      'of an extension',
      LOCAL,
      (relay) => ({ origin: own(relay).replace('http', 'chrome-extension') }),
    ],
    [
      'RELAY_BAD_ORIGIN',
      'of an unlisted page under the name of a relay without portal',
      { ...LISTED, portal: false },
      (relay) => ({ origin: own(relay) }),
    ],
    [
      'RELAY_BAD_ORIGIN',
      'of a longer name',
      LISTED,
      () => ({ origin: 'https://portal.example.evil' }),
    ],
    [
      'RELAY_BAD_HOST',
      'at a rebound name',
      LOCAL,
      () => ({ host: 'evil.example', origin: 'http://evil.example' }),
    ],
    [
      'RELAY_BAD_HOST',
      'at a name that only looks local',
      LOCAL,
      () => ({ host: 'localhost.evil.example' }),
    ],
    [
      'RELAY_BAD_HOST',
      'at another name than the list’s',
      { ...PUBLIC, ...PROXIED },
      () => ({ host: 'evil.example' }),
    ],
    ['RELAY_BAD_HOST', 'at no name', PUBLIC, () => ({ host: ':80' })],
    ['RELAY_BAD_HOST', 'at something that is no name', PUBLIC, () => ({ host: "a';script-src *" })],
    ['RELAY_BAD_HOST', 'at a port that is none', PUBLIC, () => ({ host: 'a:65536' })],
    ['RELAY_BAD_HOST', 'at a malformed IPv6 address', PUBLIC, () => ({ host: '[::1::]' })],
    ['RELAY_BAD_HOST', 'at a very long name', PUBLIC, () => ({ host: 'a'.repeat(300) })],
    ['RELAY_BAD_PATH', 'elsewhere', LOCAL, () => ({ path: '/' })],
    ['RELAY_BAD_PATH', 'below the path', LOCAL, () => ({ path: '/culvert/' })],
    ['RELAY_BAD_SUBPROTOCOL', 'of another version', LOCAL, () => ({ subprotocol: 'culvert.v2' })],
  ])('%s: %s', async (code, _what, change, options) => {
    const relay = await relayFor([OFFICE], change);
    const tab = new Tab(relay, options(relay));
    expect(await tab.refusedUpgrade()).toEqual([UPGRADE_REFUSALS[code].status, code]);
  });

  test('RELAY_BAD_SUBPROTOCOL: without any', async () => {
    const relay = await relayFor([OFFICE]);
    const reply = await http(relay, '/culvert', {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    });
    expect(reply.status).toBe(UPGRADE_REFUSALS.RELAY_BAD_SUBPROTOCOL.status);
    expect(JSON.parse(reply.body).code).toBe('RELAY_BAD_SUBPROTOCOL');
    expect(reply.headers['x-content-type-options']).toBe('nosniff');
  });

  test('a broken handshake does no harm', async () => {
    const relay = await relayFor([OFFICE]);
    const socket = await tcp(relay);
    socket.write(
      'GET /culvert HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n',
    );
    socket.write('Sec-WebSocket-Protocol: culvert.v1\r\n\r\n');
    await once(socket.resume(), 'close');
    const aborted = await tcp(relay);
    aborted.write('GET /culvert HTTP/1.1\r\nHost: lo');
    aborted.resetAndDestroy();
    expect((await http(relay, '/culvert/health')).status).toBe(200);
  });
});

test('an upgrade to anything but a WebSocket is ignored, not refused', async () => {
  const relay = await relayFor([OFFICE]);
  const headers = {
    Connection: 'Upgrade, HTTP2-Settings',
    Upgrade: 'h2c',
    'HTTP2-Settings': 'AAMAAABkAAQAoAAAAAIAAAAA',
  };
  const { status, body } = await http(relay, '/culvert/health', headers);
  expect([status, body]).toEqual([200, '{"status":"ok","sessions":0}']);
  expect((await http(relay, '/culvert', headers)).status).toBe(426);
  const proxied = await tcp(relay);
  proxied.write('CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(proxied.resume(), 'close');
  expect(relay.report().refused).toEqual({});
});

describe('the relay’s own answers', () => {
  test('gateways without their addresses', async () => {
    const relay = await relayFor([OFFICE, { id: 'lab', name: 'Laboratory', address: 'vpn.lab' }]);
    const { status, body, headers } = await http(relay, '/culvert/gateways');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('application/json');
    expect(headers['cache-control']).toBe('no-store');
    expect(JSON.parse(body)).toEqual({
      gateways: [
        { id: 'office', name: 'Office' },
        { id: 'lab', name: 'Laboratory' },
      ],
    });
  });

  test('no gateway', async () => {
    const relay = await relayFor([]);
    expect((await http(relay, '/culvert/gateways')).body).toBe('{"gateways":[]}');
  });

  test.each([
    ['https://portal.example', 'https://portal.example'],
    ['https://PORTAL.example', 'https://PORTAL.example'],
    ['https://evil.example', undefined],
    ['https://portal.example.evil', undefined],
    ['https://portal.example:444', undefined],
    ['http://portal.example', undefined],
    ['null', undefined],
  ])('a page from %s may read the gateways: %s', async (origin, allowed) => {
    const relay = await relayFor([OFFICE], { origins: ['https://portal.example'] });
    const { headers } = await http(relay, '/culvert/gateways', { Origin: origin });
    expect(headers['access-control-allow-origin']).toBe(allowed);
    expect(headers['access-control-allow-credentials']).toBeUndefined();
    expect(headers.vary).toBe('Origin');
  });

  test('without a list, and elsewhere, no other origin is let in', async () => {
    const relay = await relayFor([OFFICE]);
    const Origin = own(relay);
    const { headers } = await http(relay, '/culvert/gateways', { Origin });
    expect([headers['access-control-allow-origin'], headers.vary]).toEqual([undefined, undefined]);
    const listed = await relayFor([OFFICE], { origins: ['https://portal.example'] });
    for (const path of ['/culvert/health', '/culvert', '/']) {
      const reply = await http(listed, path, { Origin: 'https://portal.example' });
      expect(reply.headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  test('health counts sessions', async () => {
    const relay = await relayFor([OFFICE]);
    expect((await http(relay, '/culvert/health')).body).toBe('{"status":"ok","sessions":0}');
    await new Tab(relay).open();
    expect((await http(relay, '/culvert/health')).body).toBe('{"status":"ok","sessions":1}');
  });

  test('the WebSocket’s path asks for an upgrade', async () => {
    const relay = await relayFor([OFFICE]);
    expect((await http(relay, '/culvert')).status).toBe(426);
  });

  test('a rebound name gets nothing', async () => {
    const relay = await relayWithPortal();
    for (const path of ['/', '/culvert/gateways', '/culvert/health']) {
      const { status, body } = await http(relay, path, { Host: 'evil.example' });
      expect(status).toBe(421);
      expect(JSON.parse(body).code).toBe('RELAY_BAD_HOST');
    }
  });

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('%s is not allowed', async (method) => {
    const relay = await relayWithPortal();
    const { status, headers } = await http(relay, '/', {}, method);
    expect(status).toBe(405);
    expect(headers.allow).toBe('GET, HEAD');
  });
});

describe('the portal', () => {
  test.each([
    ['/', 'text/html; charset=utf-8', 'no-cache'],
    ['/?gateway=office', 'text/html; charset=utf-8', 'no-cache'],
    ['/index.html', 'text/html; charset=utf-8', 'no-cache'],
    [
      '/assets/main-Ab3_x-9z.js',
      'text/javascript; charset=utf-8',
      'public, max-age=31536000, immutable',
    ],
    ['/assets/esp-Ab3_x-9z.wasm', 'application/wasm', 'public, max-age=31536000, immutable'],
    [
      '/assets/style-Ab3_x-9z.css',
      'text/css; charset=utf-8',
      'public, max-age=31536000, immutable',
    ],
    ['/libcurl/libcurl.js', 'text/javascript; charset=utf-8', 'no-cache'],
    ['/notice', 'application/octet-stream', 'no-cache'],
  ])('%s is %s, %s', async (path, type, cacheControl) => {
    const relay = await relayWithPortal();
    const { status, headers } = await http(relay, path);
    expect(status).toBe(200);
    expect(headers['content-type']).toBe(type);
    expect(headers['cache-control']).toBe(cacheControl);
  });

  test('HEAD has the headers and no body; a known file is not sent again', async () => {
    const relay = await relayWithPortal();
    const whole = await http(relay, '/');
    const head = await http(relay, '/', {}, 'HEAD');
    expect(head.body).toBe('');
    expect(head.headers['content-length']).toBe(String(whole.body.length));
    const again = await http(relay, '/', { 'If-None-Match': String(whole.headers.etag) });
    expect([again.status, again.body]).toEqual([304, '']);
  });

  test('a range is answered with the whole file', async () => {
    const relay = await relayWithPortal();
    expect((await http(relay, '/', { Range: 'bytes=5-2' })).status).toBe(200);
  });

  test.each([
    '/../secret.txt',
    '/assets/../../secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/%2e%2e%2fsecret.txt',
    '/..%5csecret.txt',
    '//secret.txt',
    '/assets/..%c0%afsecret.txt',
    '/.hidden',
    '/%2ehidden',
    '/%00',
    '/%',
    '/assets',
    '/assets/',
    '/__proto__',
    '/constructor',
    'http://127.0.0.1/secret.txt',
    '*',
  ])('%s is not there', async (path) => {
    const relay = await relayWithPortal();
    const { status, body } = await http(relay, path);
    expect(status).toBe(404);
    expect(body).not.toContain('secret');
  });

  test('a relay without portal says so', async () => {
    const relay = await relayFor([OFFICE]);
    const { status, body } = await http(relay, '/');
    expect([status, body]).toEqual([404, '{"message":"This relay serves no portal."}']);
  });

  test('removing the files under a running relay does no harm', async () => {
    const folder = portalFolder();
    const relay = await relayFor([OFFICE], {}, { portal: folder });
    rmSync(folder, { recursive: true });
    expect((await http(relay, '/')).status).toBe(200);
  });
});

test.each([
  '/',
  '/assets/main-Ab3_x-9z.js',
  '/nothing',
  '/culvert',
  '/culvert/gateways',
  '/culvert/health',
])('the security headers are on %s', async (path) => {
  const relay = await relayWithPortal();
  const { headers } = await http(relay, path);
  const authority = `127.0.0.1:${relay.port}`;
  expect(headers).toMatchObject({
    'content-security-policy':
      "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; " +
      `connect-src 'self' ws://${authority} wss://${authority}; worker-src 'self'; object-src 'none'; ` +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
    'cross-origin-resource-policy': 'same-origin',
  });
  expect(headers['permissions-policy']).toContain('camera=()');
});

describe('the playground’s door', () => {
  const door = (answer: string | undefined) => ({
    playground: { id: 'office', visit: async () => answer },
  });

  test('names the playground in the list, and hands its answer to the page as it is', async () => {
    const relay = await relayFor([OFFICE], {}, door('{"userName":"visitor"}'));
    expect(JSON.parse((await http(relay, '/culvert/gateways')).body)).toEqual({
      gateways: [{ id: 'office', name: 'Office', playground: true }],
    });
    const { status, body, headers } = await http(relay, '/culvert/playground');
    expect([status, body]).toEqual([200, '{"userName":"visitor"}']);
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });

  test('says so when the playground does not answer', async () => {
    const relay = await relayFor([OFFICE], {}, door(undefined));
    expect((await http(relay, '/culvert/playground')).status).toBe(503);
  });

  test('is not there without one', async () => {
    expect((await http(await relayFor([OFFICE]), '/culvert/playground')).status).toBe(404);
  });

  test('opens to no other host name', async () => {
    const relay = await relayFor([OFFICE], {}, door('{}'));
    const { status } = await http(relay, '/culvert/playground', { Host: 'evil.example' });
    expect(status).toBe(UPGRADE_REFUSALS.RELAY_BAD_HOST.status);
  });
});
