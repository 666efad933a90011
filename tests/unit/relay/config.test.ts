import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ConfigError, DEFAULT_CONFIG, DEFAULT_LIMITS, parseConfig } from '../../../relay/config.ts';
import { GATEWAY_ID_LIMIT, GATEWAY_NAME_LIMIT } from '../../../shared/relay/control.ts';

const LISTEN = { host: '127.0.0.1', port: 8443 };
const OFFICE = { id: 'office', name: 'Office', address: '10.99.1.1' };
const SMALLEST = { listen: LISTEN, gateways: [OFFICE] };
const SECRETS =
  'secrets do not belong in this file; they are typed in the browser tab and never reach the relay';

function problems(document: unknown): readonly string[] {
  try {
    parseConfig(typeof document === 'string' ? document : JSON.stringify(document));
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

function withGateway(change: object): unknown {
  return { ...SMALLEST, gateways: [{ ...OFFICE, ...change }] };
}

test.each([
  ['the smallest', SMALLEST],
  ['the default', DEFAULT_CONFIG],
  ['no gateway', { listen: LISTEN, gateways: [] }],
  ['a host name', withGateway({ address: 'vpn-1.example.com' })],
  ['a single label', withGateway({ address: 'gateway' })],
  ['a schema reference', { $schema: './relay/config.schema.json', ...SMALLEST }],
  [
    'everything',
    {
      listen: { host: '::', port: 0 },
      gateways: [
        { ...OFFICE, ports: { ike: 1500, natt: 14500, l2tp: 11701 }, addresses: ['10.99.1.2'] },
      ],
      origins: ['https://portal.example', 'http://localhost:5173', 'http://[::1]:8443'],
      hosts: ['portal.example', '192.0.2.7', '::1'],
      open: true,
      portal: false,
      limits: {
        sessions: 5,
        sessionsPerAddress: 5,
        openSeconds: 10,
        idleSeconds: 60,
        packetsPerSecond: 100,
      },
    },
  ],
])('%s is valid', (_name, document) => {
  expect(problems(document)).toEqual([]);
});

test.each<[string, unknown]>([
  ['the document: must be an object with “listen” and “gateways”', []],
  ['listen: is required', { gateways: [] }],
  ['gateways: is required', { listen: LISTEN }],
  ['listen.port: is required', { ...SMALLEST, listen: { host: '::1' } }],
  [
    'listen.port: must be a port number from 0 to 65535',
    { ...SMALLEST, listen: { ...LISTEN, port: '1' } },
  ],
  [
    'listen.port: must be a port number from 0 to 65535',
    { ...SMALLEST, listen: { ...LISTEN, port: 65_536 } },
  ],
  [
    'listen.host: must be an IP address or a host name of this machine',
    { ...SMALLEST, listen: { ...LISTEN, host: '' } },
  ],
  ['listen.tls: is not a known key', { ...SMALLEST, listen: { ...LISTEN, tls: true } }],
  ['gateways: must be a list of at most 1000 gateways', { ...SMALLEST, gateways: {} }],
  [
    'gateways[0]: must be an object with “id”, “name” and “address”',
    { ...SMALLEST, gateways: ['office'] },
  ],
  [
    'gateways[0].address: is required',
    { ...SMALLEST, gateways: [{ id: 'office', name: 'Office' }] },
  ],
  [
    'gateways[0].address: must be an IPv4 address or a host name',
    withGateway({ address: '10.99.1.256' }),
  ],
  [
    'gateways[0].address: must be an IPv4 address or a host name',
    withGateway({ address: '10.99.1' }),
  ],
  [
    'gateways[0].address: must be an IPv4 address or a host name',
    withGateway({ address: 'http://vpn' }),
  ],
  [
    'gateways[0].address: must be an IPv4 address or a host name',
    withGateway({ address: 'vpn:500' }),
  ],
  [
    'gateways[0].address: must be an IPv4 address or a host name',
    withGateway({ address: '2001:db8::1' }),
  ],
  [
    'gateways[0].id: must be 1 to 64 of a-z, 0-9, dot, underscore and hyphen, beginning with a letter or digit',
    withGateway({ id: 'Office 1' }),
  ],
  [
    'gateways[0].name: must be a text of 1 to 100 characters without control characters',
    withGateway({ name: 'a\u001b[31m' }),
  ],
  [
    'gateways[0].ports.ike: must be a port number from 1 to 65535',
    withGateway({ ports: { ike: 0 } }),
  ],
  ['gateways[0].ports.esp: is not a known key', withGateway({ ports: { esp: 1 } })],
  [
    'gateways[0].addresses[1]: must be an IPv4 address',
    withGateway({ addresses: ['10.0.0.1', 'vpn'] }),
  ],
  [
    'gateways[1].id: is used by another gateway already',
    { ...SMALLEST, gateways: [OFFICE, OFFICE] },
  ],
  [
    'origins[0]: must be an origin such as https://portal.example, without a path',
    { ...SMALLEST, origins: ['https://portal.example/'] },
  ],
  [
    'origins[0]: must be an origin such as https://portal.example, without a path',
    { ...SMALLEST, origins: ['*'] },
  ],
  [
    'hosts[0]: must be a host name or an IP address in lower case, without a port',
    { ...SMALLEST, hosts: ['portal.example:8443'] },
  ],
  [
    'limits.sessions: must be a whole number from 1 to 10000',
    { ...SMALLEST, limits: { sessions: 0 } },
  ],
  [
    'limits.idleSeconds: must be a whole number of seconds from 10 to 86400',
    { ...SMALLEST, limits: { idleSeconds: 1 } },
  ],
  [
    'limits.packetsPerSecond: must be a whole number from 100 to 1000000',
    { ...SMALLEST, limits: { packetsPerSecond: 99 } },
  ],
  ['limits.bytesPerSecond: is not a known key', { ...SMALLEST, limits: { bytesPerSecond: 1 } }],
  ['open: must be true or false', { ...SMALLEST, open: 'yes' }],
  ['portal: must be true or false', { ...SMALLEST, portal: 1 }],
  ['gateway: is not a known key', { ...SMALLEST, gateway: OFFICE }],
  [`gateways[0].psk: ${SECRETS}`, withGateway({ psk: 'hunter2' })],
  [`gateways[0].preSharedKey: ${SECRETS}`, withGateway({ preSharedKey: 'hunter2' })],
  [`gateways[0].ports.password: ${SECRETS}`, withGateway({ ports: { password: 'hunter2' } })],
  [`client_secret: ${SECRETS}`, { ...SMALLEST, client_secret: 'hunter2' }],
])('%s', (problem, document) => {
  expect(problems(document)).toEqual([problem]);
});

describe('what is said about a broken document', () => {
  test('every problem, each with its key', () => {
    expect(problems({ listen: {}, gateways: [{ id: 'a' }] })).toEqual([
      'listen.host: is required',
      'listen.port: is required',
      'gateways[0].name: is required',
      'gateways[0].address: is required',
    ]);
  });

  test('at most twenty of them', () => {
    expect(
      problems({ ...SMALLEST, gateways: Array.from({ length: 100 }, () => ({})) }),
    ).toHaveLength(20);
  });

  test('where JSON breaks, without repeating what is there', () => {
    expect(problems('{\n  "psk": "hunter2",\n}')).toEqual([
      'the document: is not valid JSON (line 3, column 1)',
    ]);
    expect(problems('hunter2').join()).not.toContain('hunter2');
  });

  test('a secret’s value is never repeated', () => {
    expect(problems(withGateway({ psk: 'hunter2', name: 5 })).join()).not.toContain('hunter2');
  });
});

describe('the published schema', () => {
  const schema = JSON.parse(
    readFileSync(new URL('../../../relay/config.schema.json', import.meta.url), 'utf8'),
  );

  test('every object is closed: there is no place for secrets', () => {
    const open: string[] = [];
    const walk = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null) return;
      const { type, additionalProperties } = node as Record<string, unknown>;
      if (type === 'object' && additionalProperties !== false) open.push(path);
      for (const [key, inner] of Object.entries(node)) walk(inner, `${path}/${key}`);
    };
    walk(schema, '');
    expect(open).toEqual([]);
  });

  test('it names the defaults that hold', () => {
    const limits: Record<string, { description: string }> = schema.properties.limits.properties;
    expect(Object.keys(limits).sort()).toEqual(Object.keys(DEFAULT_LIMITS).sort());
    for (const [name, value] of Object.entries(DEFAULT_LIMITS)) {
      expect(limits[name]!.description).toMatch(new RegExp(`; ${value} without it`));
    }
  });

  test('its limits are the protocol’s', () => {
    const { id, name } = schema.definitions.gateway.properties;
    expect(id.pattern).toContain(`{0,${GATEWAY_ID_LIMIT - 1}}`);
    expect(name.maxLength).toBe(GATEWAY_NAME_LIMIT);
  });
});
