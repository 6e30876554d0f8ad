import { expect, test } from 'vitest';
import { backoffMs } from './backoff.ts';

test('the ceiling doubles up to 20 s, and every wait below it is possible', () => {
  const latest = [0, 1, 2, 3, 10, 1_000].map((attempt) => backoffMs(attempt, () => 0.999_999));
  expect(latest).toEqual([599, 1_099, 2_099, 4_099, 20_099, 20_099]);
  expect(backoffMs(10, () => 0)).toBe(100);
});
