/** Counting test results: vitest's JSON report in, `N passed, N failed, N skipped` out. */

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The part of vitest's JSON report that is read here. */
interface Report {
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

export const NOTHING: Tally = { passed: 0, failed: 0, skipped: 0 };
/** A suite that ended without a report: it counts, once, as failed. */
export const CRASHED: Tally = { passed: 0, failed: 1, skipped: 0 };
/** A suite that this machine cannot run: it counts, once, as skipped. */
export const SKIPPED: Tally = { passed: 0, failed: 0, skipped: 1 };

/**
 * The counts of one vitest run.
 *
 * @param json vitest's JSON report, or `undefined` when it wrote none.
 * @param status the exit status of vitest; when it is not 0 something failed, in the report or not.
 */
export function tally(json: string | undefined, status: number | undefined): Tally {
  if (json === undefined) return CRASHED;
  let report: Report;
  try {
    report = JSON.parse(json);
  } catch {
    return CRASHED;
  }
  let total = NOTHING;
  for (const file of report.testResults) {
    // A file that did not load, or a hook that failed, fails without naming a test.
    const named = file.assertionResults.some((test) => test.status === 'failed');
    if (file.status === 'failed' && !named) total = sum([total, CRASHED]);
    for (const test of file.assertionResults) total = sum([total, ofTest(test.status)]);
  }
  const silentFailure = status !== 0 && total.failed === 0;
  return silentFailure ? sum([total, CRASHED]) : total;
}

export function sum(tallies: readonly Tally[]): Tally {
  return tallies.reduce(
    (a, b) => ({
      passed: a.passed + b.passed,
      failed: a.failed + b.failed,
      skipped: a.skipped + b.skipped,
    }),
    NOTHING,
  );
}

/** The closing line of a test run. */
export function summary({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** vitest's words: passed, failed, skipped, pending, todo, disabled. */
function ofTest(status: string): Tally {
  if (status === 'passed') return { ...NOTHING, passed: 1 };
  return status === 'failed' ? CRASHED : SKIPPED;
}
