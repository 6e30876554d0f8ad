/** Budgets over the whole tree. Lint sees the largest file and function; this sees the usual one. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isCode, isProduct, lineCount, ROOT, type Tree } from './tree.ts';

export const FILE_MEDIAN = 90;
export const FILE_P90 = 220;
const FILE_HARD = 400;
export const FUNCTION_P90 = 35;
const LUA_HARD = 80;

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

export function productFileLengths(tree: Tree): number[] {
  return tree.filter(({ path }) => isProduct(path)).map(({ text }) => lineCount(text));
}

export function tooLong(tree: Tree): string[] {
  const limitOf = (path: string): number => (path.endsWith('.lua') ? LUA_HARD : FILE_HARD);
  const measured = tree.filter(({ path }) => isCode(path) || path.endsWith('.lua'));
  const long = measured.filter(({ path, text }) => lineCount(text) > limitOf(path));
  return long.map(({ path, text }) => `${path}: ${lineCount(text)} lines`);
}

type LintReport = { diagnostics: { message: string }[] };

/** The linter knows where functions begin and end: with a limit of 0 it reports the length of each. */
export function functionLengths(): number[] {
  const folder = mkdtempSync(join(tmpdir(), 'moltbot-lint-'));
  const config = join(folder, 'oxlint.json');
  const rules = { 'eslint/max-lines-per-function': ['warn', { max: 0 }] };
  const ignorePatterns = ['**/*.test.ts', '**/*.test.tsx', '**/*.gen.ts', '**/dist/**', '**/node_modules/**'];
  writeFileSync(config, JSON.stringify({ categories: { correctness: 'off' }, rules, ignorePatterns }));
  const args = ['--config', config, '--disable-nested-config', '--format', 'json', 'packages', 'services'];
  const linter = spawnSync(join(ROOT, 'node_modules/.bin/oxlint'), args, {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  });
  rmSync(folder, { recursive: true });
  const { diagnostics } = JSON.parse(linter.stdout) as LintReport;
  return diagnostics.flatMap(({ message }) => {
    const lines = /too many lines \((\d+)\)/.exec(message)?.[1];
    return lines === undefined ? [] : [Number(lines)];
  });
}

/** Lines that hold nothing but a comment, as a share of all lines that hold something. */
export function commentShare(tree: Tree): number {
  const lines = tree.filter(({ path }) => isProduct(path)).flatMap(({ text }) => text.split('\n'));
  const written = lines.map((line) => line.trim()).filter((line) => line !== '');
  return written.filter((line) => /^(?:\/\/|\/\*|\*)/.test(line)).length / Math.max(1, written.length);
}
