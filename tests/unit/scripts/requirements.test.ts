import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { citationsOf, deviationsOf } from '../../../scripts/support/citations.ts';
import { brokenLinks, parseRequirements } from '../../../scripts/support/requirements.ts';

const TEXT = `A title
§3.3 MUST something is done
  code a.ts doSomething
  test a.test.ts: does it
appendix B.1 SHOULD NOT another thing
  deviation for a reason
§4 MAY a third
  elsewhere the gateway's
`;

describe('requirements', () => {
  test('are read', () => {
    const { title, requirements } = parseRequirements(TEXT);
    expect(title).toBe('A title');
    expect(requirements).toEqual([
      {
        section: '§3.3',
        level: 'MUST',
        text: 'something is done',
        code: [{ file: 'a.ts', symbol: 'doSomething' }],
        tests: [{ file: 'a.test.ts', title: 'does it' }],
      },
      expect.objectContaining({
        section: 'appendix B.1',
        level: 'SHOULD NOT',
        deviation: 'for a reason',
      }),
      expect.objectContaining({ section: '§4', level: 'MAY', elsewhere: "the gateway's" }),
    ]);
  });

  test.each([
    ['without a level', 'T\n§3 something\n  deviation x', 'not a requirement'],
    ['without a section', 'T\nMUST something\n  deviation x', 'not a requirement'],
    [
      'about which nothing is said',
      'T\n§3 MUST something',
      'neither code with a test nor a reason',
    ],
    [
      'with code and no test',
      'T\n§3 MUST x\n  code a.ts b',
      'neither code with a test nor a reason',
    ],
    ['with a test and no code', 'T\n§3 MUST x\n  test a.ts: b', 'neither code with a test'],
    ['with an unknown word', 'T\n§3 MUST x\n  deviation y\n  see z', 'unknown word'],
  ])('%s are refused', (_name, text, message) => {
    expect(() => parseRequirements(text)).toThrow(message);
  });
});

describe('links', () => {
  let root: string;
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'culvert-requirements-'));
    writeFileSync(join(root, 'a.ts'), '/** oldName */\n// oldName\nfunction doSomething() {}\n');
    writeFileSync(join(root, 'a.test.ts'), "test('does it', () => {});\n");
  });
  afterAll(() => rmSync(root, { recursive: true }));

  const broken = (code: string, title: string) =>
    brokenLinks(
      root,
      parseRequirements(`T\n§3 MUST x\n  code ${code}\n  test ${title}\n`).requirements[0]!,
    );

  test('that lead somewhere', () => {
    expect(broken('a.ts doSomething', 'a.test.ts: does it')).toEqual([]);
  });

  test.each([
    ['a file that is gone', 'b.ts doSomething', 'a.test.ts: does it', ['b.ts doSomething']],
    ['a name that is gone', 'a.ts doSome', 'a.test.ts: does it', ['a.ts doSome']],
    ['a name in comments alone', 'a.ts oldName', 'a.test.ts: does it', ['a.ts oldName']],
    ['no name', 'a.ts', 'a.test.ts: does it', ['a.ts ']],
    ['a test that is gone', 'a.ts doSomething', 'a.test.ts: does', ['a.test.ts: does']],
    ['a test’s file that is gone', 'a.ts doSomething', 'b.ts: does it', ['b.ts: does it']],
  ])('%s', (_name, code, title, expected) => {
    expect(broken(code, title)).toEqual(expected);
  });
});

test.each([
  ['@rfc 2409 §5.1', ['2409 §5.1']],
  ['@rfc 2409', ['2409 ']],
  ['@rfc 2409 §5.1, 2407 §4.6', ['2409 §5.1', '2407 §4.6']],
  ['@rfc 1661 §3.4, §3.5. Words.', ['1661 §3.4', '1661 §3.5']],
  ['@rfc 7292 appendix B.1 */', ['7292 appendix B.1']],
  ['@rfc 8018 appendices B and C', ['8018 appendix B', '8018 appendix C']],
  ['@rfc 7292 §4.1, RFC 5652 §4 and §8 */', ['7292 §4.1', '5652 §4', '5652 §8']],
  ['@rfc 792, 4443 §4 */', ['792 ', '4443 §4']],
  ['@rfc 2407 §4.5, RFC 4868 for the last two', ['2407 §4.5', '4868 ']],
])('%s', (tag, cited) => {
  expect(citationsOf(`/** ${tag}\n */`).map(({ rfc, section }) => `${rfc} ${section}`)).toEqual(
    cited,
  );
});

test('deviations are sentences in one line', () => {
  const text =
    '/**\n * Deviation: of two\n * lines.\n * @rfc 1 §2\n */\n// Deviation: of one.\ncode();';
  expect(deviationsOf(text)).toEqual(['of two lines.', 'of one.']);
});
