/** Counting test results: vitest's JSON report in, `N passed, N failed, N skipped` out, and what failed by its name. */

export interface Tally {
  readonly passed: number;
  /** One for each failure: the test's file and name with the first line of its error, or what else went wrong. */
  readonly failures: readonly string[];
  readonly skipped: number;
}

/** The part of vitest's JSON report that is read here. */
interface Report {
  readonly testResults: readonly {
    /** The file's absolute path. */
    readonly name: string;
    readonly status: string;
    /** Why the file failed, where no test of it did. */
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

const NOTHING: Tally = { passed: 0, failures: [], skipped: 0 };
export const PASSED: Tally = { ...NOTHING, passed: 1 };
/** One skipped test, or a suite that this machine cannot run. */
export const SKIPPED: Tally = { ...NOTHING, skipped: 1 };

/** One failed test, or a suite that ended without a report. */
export function failure(what: string): Tally {
  return { ...NOTHING, failures: [what] };
}

/**
 * The counts of one vitest run.
 *
 * @param json vitest's JSON report, or `undefined` when it wrote none.
 * @param status the exit status of vitest; when it is not 0 something failed, in the report or not.
 * @param root the folder below which the names of files are shown.
 */
export function tally(json: string | undefined, status: number | undefined, root: string): Tally {
  let report: Report;
  try {
    report = JSON.parse(json ?? '');
  } catch {
    return failure(`vitest ended (${status}) without a report`);
  }
  const total = sum(report.testResults.map((file) => ofFile(file, root)));
  const silentFailure = status !== 0 && total.failures.length === 0;
  return silentFailure ? sum([total, failure(`vitest ended (${status}) with an error`)]) : total;
}

export function sum(tallies: readonly Tally[]): Tally {
  return {
    passed: tallies.reduce((count, { passed }) => count + passed, 0),
    failures: tallies.flatMap(({ failures }) => failures),
    skipped: tallies.reduce((count, { skipped }) => count + skipped, 0),
  };
}

/** The closing line of a test run. */
export function summary({ passed, failures, skipped }: Tally): string {
  return `${passed} passed, ${failures.length} failed, ${skipped} skipped`;
}

function ofFile(file: Report['testResults'][number], root: string): Tally {
  const path = file.name.startsWith(root) ? file.name.slice(root.length) : file.name;
  const tests = file.assertionResults.map(({ status, fullName, failureMessages }) => {
    // vitest's words: passed, failed, skipped, pending, todo, disabled.
    if (status === 'passed') return PASSED;
    if (status !== 'failed') return SKIPPED;
    return failure(`${path}: ${fullName}${because(failureMessages?.[0])}`);
  });
  const total = sum(tests);
  // A file that did not load, or a hook that failed, fails without naming a test.
  const isUnnamed = file.status === 'failed' && total.failures.length === 0;
  return isUnnamed ? sum([total, failure(`${path}${because(file.message)}`)]) : total;
}

function because(message = ''): string {
  const line = message.split('\n', 1)[0]!;
  return line === '' ? '' : `: ${line}`;
}
