import { describe, expect, it } from 'vitest';
import { CRASHED, SKIPPED, sum, summary, tally } from '../../../scripts/support/tally.ts';

const file = (status: string, ...tests: string[]) => ({
  status,
  assertionResults: tests.map((test) => ({ status: test })),
});
const report = (...testResults: object[]) => JSON.stringify({ testResults });

describe('tally', () => {
  it('counts passed, failed and skipped tests over files', () => {
    const json = report(
      file('passed', 'passed', 'passed', 'skipped'),
      file('failed', 'passed', 'failed', 'todo', 'pending'),
    );
    expect(tally(json, 1)).toEqual({ passed: 3, failed: 1, skipped: 3 });
  });

  it('counts a file that did not load as one failure', () => {
    const json = report(file('passed', 'passed'), file('failed'));
    expect(tally(json, 1)).toEqual({ passed: 1, failed: 1, skipped: 0 });
  });

  it('counts a file whose hook failed, though every test of it passed', () => {
    expect(tally(report(file('failed', 'passed')), 1)).toEqual({
      passed: 1,
      failed: 1,
      skipped: 0,
    });
  });

  it('counts a failure that the report does not name', () => {
    expect(tally(report(file('passed', 'passed')), 1).failed).toBe(1);
    expect(tally(report(file('passed', 'passed')), undefined).failed).toBe(1);
  });

  it.each([undefined, '', '{"testRes'])('counts a crash without a report (%j)', (json) => {
    expect(tally(json, 0)).toEqual(CRASHED);
  });
});

it('ends with one plain line', () => {
  const total = sum([{ passed: 4, failed: 0, skipped: 0 }, SKIPPED, CRASHED]);
  expect(summary(total)).toBe('4 passed, 1 failed, 1 skipped');
});
