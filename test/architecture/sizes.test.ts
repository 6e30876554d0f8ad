import { test } from 'vitest';
import {
  commentShare,
  FILE_MEDIAN,
  FILE_P90,
  FUNCTION_P90,
  functionLengths,
  productFileLengths,
  quantile,
  tooLong,
} from './sizes.ts';
import { readTree } from './tree.ts';

const tree = readTree();

test('files are small', async ({ expect, annotate }) => {
  const lengths = productFileLengths(tree);
  await annotate(`comments: ${(commentShare(tree) * 100).toFixed(1)} % of ${lengths.length} files' lines`);
  expect(lengths.length).toBeGreaterThan(0);
  expect(quantile(lengths, 0.5)).toBeLessThanOrEqual(FILE_MEDIAN);
  expect(quantile(lengths, 0.9)).toBeLessThanOrEqual(FILE_P90);
});

test('no file and no Lua script is past its hard limit', ({ expect }) => {
  expect(tooLong(tree)).toEqual([]);
});

test('functions are small', ({ expect }) => {
  const lengths = functionLengths();
  expect(lengths.length).toBeGreaterThan(0);
  expect(quantile(lengths, 0.9)).toBeLessThanOrEqual(FUNCTION_P90);
});

test('a long file and a long script are seen, a generated one is not', ({ expect }) => {
  const long = (path: string, lines: number) => tooLong([{ path, text: '-\n'.repeat(lines) }]);
  expect(long('services/a/src/a.ts', 401)).toHaveLength(1);
  expect(long('services/a/src/a.ts', 400)).toEqual([]);
  expect(long('packages/turns/src/lua/a-1.lua', 81)).toHaveLength(1);
  expect(long('packages/turns/src/scripts.gen.ts', 5000)).toEqual([]);
  expect(quantile([1, 2, 3, 4, 100], 0.9)).toBe(100);
});
