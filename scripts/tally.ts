/** Counts checks from what the runners wrote down, so that no total is ever typed by hand. */
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export type Tally = Readonly<{ passed: number; failed: number }>;

type VitestReport = {
  success: boolean;
  testResults: { status: string; assertionResults: { status: string }[] }[];
};

export function add(...tallies: readonly Tally[]): Tally {
  return {
    passed: tallies.reduce((sum, tally) => sum + tally.passed, 0),
    failed: tallies.reduce((sum, tally) => sum + tally.failed, 0),
  };
}

/** A file that fails before its first test (an import that throws) is one failure, not none. */
function tallyFile(file: VitestReport['testResults'][number]): Tally {
  const passed = file.assertionResults.filter((test) => test.status === 'passed').length;
  const failed = file.assertionResults.filter((test) => test.status === 'failed').length;
  return { passed, failed: failed === 0 && file.status === 'failed' ? 1 : failed };
}

/**
 * A run that ended badly though every test passed (an unhandled rejection, a crash, no report at
 * all) is one failure more.
 */
export function tallyVitest(reportFile: string, exitCode: number): Tally {
  if (!existsSync(reportFile)) return { passed: 0, failed: 1 };
  const report = JSON.parse(readFileSync(reportFile, 'utf8')) as VitestReport;
  const sum = add(...report.testResults.map(tallyFile));
  const endedBadly = exitCode !== 0 || !report.success;
  return endedBadly && sum.failed === 0 ? { ...sum, failed: 1 } : sum;
}

export function writeTally(file: string, tally: Tally): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(tally)}\n`);
}

/** Prints the one line every caller reads last, and answers the exit code that goes with it. */
export function conclude(tally: Tally): number {
  console.log(`${tally.passed} passed, ${tally.failed} failed`);
  return tally.failed > 0 || tally.passed === 0 ? 1 : 0;
}

// node scripts/tally.ts <file pattern...>: the sum over several runs, as CI needs it
if (import.meta.main) {
  const files = globSync(process.argv.slice(2));
  process.exitCode = conclude(add(...files.map((file) => JSON.parse(readFileSync(file, 'utf8')) as Tally)));
}
