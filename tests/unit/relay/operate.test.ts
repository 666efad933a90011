import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS, parseConfig } from '../../../relay/config.ts';
import { securityHeaders } from '../../../relay/headers.ts';

// docs/operate.md is what operators copy from.

const PAGE = readFileSync(new URL('../../../docs/operate.md', import.meta.url), 'utf8');

function blocks(language: string): string[] {
  const found = PAGE.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'));
  return [...found].map(([, text]) => text!);
}

test('its configuration is valid', () => {
  const [configuration] = blocks('json');
  expect(() => parseConfig(configuration!)).not.toThrow();
});

test('it has every key of the schema, and the defaults', () => {
  const schema = JSON.parse(
    readFileSync(new URL('../../../relay/config.schema.json', import.meta.url), 'utf8'),
  );
  const { listen, limits, $schema: _editors, ...others } = schema.properties;
  const keys = [
    ...Object.keys(others),
    ...Object.keys(listen.properties).map((key) => `listen.${key}`),
    ...Object.keys(limits.properties).map((key) => `limits.${key}`),
    ...Object.keys(schema.definitions.gateway.properties).map((key) => `gateways[].${key}`),
  ];
  expect(keys.filter((key) => !PAGE.includes(`\`${key}\``))).toEqual([]);
  for (const [name, value] of Object.entries(DEFAULT_LIMITS)) {
    expect(PAGE).toContain(`| \`limits.${name}\` | ${value} |`);
  }
});

describe('the portal elsewhere', () => {
  test('gets the headers that the relay would send, with the relay among what it may connect to', () => {
    const server = blocks('nginx').find((text) => text.includes('server_name portal.example'));
    const headers = Object.fromEntries(
      [...server!.matchAll(/add_header (\S+) "(.*)" always;/g)].map(([, name, value]) => [
        name,
        value,
      ]),
    );
    const { 'Content-Security-Policy': policy, ...others } = securityHeaders(undefined);
    expect(headers).toEqual({
      ...others,
      'Content-Security-Policy': policy!.replace(
        "connect-src 'self'",
        "connect-src 'self' https://relay.example wss://relay.example",
      ),
    });
  });

  test('is told of its relay in a file that the build leaves empty', () => {
    const file = new URL('../../../web/public/culvert.json', import.meta.url);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({});
  });
});
