import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test, vi } from 'vitest';
import { add, conclude, tallyVitest } from './tally.ts';

const folder = mkdtempSync(join(tmpdir(), 'moltbot-tally-'));
afterAll(() => rmSync(folder, { recursive: true }));
let reports = 0;

function report(success: boolean, ...files: { status: string; tests: string[] }[]): string {
  const file = join(folder, `${(reports += 1)}.json`);
  const testResults = files.map(({ status, tests }) => ({
    status,
    assertionResults: tests.map((each) => ({ status: each })),
  }));
  writeFileSync(file, JSON.stringify({ success, testResults }));
  return file;
}

test('counts passed and failed tests; skipped ones are neither', ({ expect }) => {
  const file = report(false, { status: 'failed', tests: ['passed', 'failed', 'skipped'] });
  expect(tallyVitest(file, 1)).toEqual({ passed: 1, failed: 1 });
});

test('a file that could not be loaded is a failure', ({ expect }) => {
  const file = report(false, { status: 'passed', tests: ['passed'] }, { status: 'failed', tests: [] });
  expect(tallyVitest(file, 1)).toEqual({ passed: 1, failed: 1 });
});

test('a run that ended badly is a failure though its tests passed, and so is a missing report', ({
  expect,
}) => {
  expect(tallyVitest(report(true, { status: 'passed', tests: ['passed'] }), 1)).toEqual({
    passed: 1,
    failed: 1,
  });
  expect(tallyVitest('/nowhere/report.json', 0)).toEqual({ passed: 0, failed: 1 });
});

test('the conclusion fails when something failed and when nothing ran', ({ expect, onTestFinished }) => {
  const log = vi.spyOn(console, 'log').mockReturnValue();
  onTestFinished(() => log.mockRestore());
  expect(conclude(add({ passed: 2, failed: 0 }, { passed: 3, failed: 0 }))).toBe(0);
  expect(conclude({ passed: 2, failed: 1 })).toBe(1);
  expect(conclude(add())).toBe(1);
  expect(log.mock.calls).toEqual([['5 passed, 0 failed'], ['2 passed, 1 failed'], ['0 passed, 0 failed']]);
});
