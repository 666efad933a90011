import { expect, test } from 'vitest';
import { parseOptions, UsageError } from '../../../relay/options.ts';

test('none', () => {
  expect(parseOptions([], {})).toEqual({
    configFile: undefined,
    host: undefined,
    port: undefined,
    portal: 'as-built',
    help: false,
  });
});

test('the option for the file goes before the environment', () => {
  const environment = { CULVERT_CONFIG: 'b.json' };
  expect(parseOptions(['--config', 'a.json'], environment).configFile).toBe('a.json');
  expect(parseOptions([], environment).configFile).toBe('b.json');
  expect(parseOptions([], { CULVERT_CONFIG: '' }).configFile).toBeUndefined();
});

test.each([
  [[], undefined],
  [['--playground'], true],
  [['--no-playground'], false],
])('%j says %s about the playground', (argv, playground) => {
  expect(parseOptions(argv, {}).playground).toBe(playground);
});

test.each([
  [['--portal'], 'fresh'],
  [['--no-portal'], 'none'],
])('%j', (argv, portal) => {
  expect(parseOptions(argv, {}).portal).toBe(portal);
});

test.each([
  [['--port', 'http']],
  [['--port', '65536']],
  [['--port', '-1']],
  [['--port']],
  [['--portal', '--no-portal']],
  [['--playground', '--no-playground']],
  [['office']],
])('%j is refused', (argv) => {
  expect(() => parseOptions(argv, {})).toThrow(UsageError);
});
