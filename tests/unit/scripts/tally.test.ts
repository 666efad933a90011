import { describe, expect, it } from 'vitest';
import { failure, SKIPPED, sum, summary, tally } from '../../../scripts/support/tally.ts';

const file = (name: string, status: string, ...tests: string[]) => ({
  name: `/root/${name}.test.ts`,
  status,
  message: tests.includes('failed') ? '' : 'no such module\n  at line 1',
  assertionResults: tests.map((test, index) => ({
    status: test,
    fullName: `number ${index}`,
    failureMessages: test === 'failed' ? ['expected 1 to be 2\n  at line 3'] : [],
  })),
});
const count = (status: number | undefined, ...testResults: object[]) =>
  tally(JSON.stringify({ testResults }), status, '/root/');

describe('tally', () => {
  it('counts passed, failed and skipped tests over files, and names what failed', () => {
    const total = count(
      1,
      file('a', 'passed', 'passed', 'passed', 'skipped'),
      file('b', 'failed', 'passed', 'failed', 'todo', 'pending'),
    );
    const failures = ['b.test.ts: number 1: expected 1 to be 2'];
    expect(total).toEqual({ passed: 3, failures, skipped: 3 });
  });

  it('counts a file that did not load as one failure', () => {
    const total = count(1, file('a', 'passed', 'passed'), file('b', 'failed'));
    expect(total).toEqual({ passed: 1, failures: ['b.test.ts: no such module'], skipped: 0 });
  });

  it('counts a file whose hook failed, though every test of it passed', () => {
    const total = count(1, file('a', 'failed', 'passed'));
    expect(total).toEqual({ passed: 1, failures: ['a.test.ts: no such module'], skipped: 0 });
  });

  it('counts a failure that the report does not name', () => {
    for (const status of [1, undefined]) {
      const total = count(status, file('a', 'passed', 'passed'));
      expect(total.failures).toEqual([`vitest ended (${status}) with an error`]);
    }
  });

  it.each([undefined, '', '{"testRes'])('counts a crash without a report (%j)', (json) => {
    expect(tally(json, 0, '/root/')).toEqual(failure('vitest ended (0) without a report'));
  });
});

it('ends with one plain line', () => {
  const total = sum([{ passed: 4, failures: [], skipped: 0 }, SKIPPED, failure('it crashed')]);
  expect(summary(total)).toBe('4 passed, 1 failed, 1 skipped');
});
