import { expect, test } from 'vitest';
import { budgetDay, sharesPassed } from './budget-day.ts';

test.each([
  [0, []],
  [79_999_999, []],
  [80_000_000, [80]],
  [99_999_999, [80]],
  [100_000_000, [80, 100]],
  [250_000_000, [80, 100]],
])('%i of 100 USD pass %j percent', (spent, shares) => {
  expect(sharesPassed(spent, 100_000_000)).toEqual(shares);
});

test('a day ends at midnight in UTC', () => {
  expect(budgetDay(new Date('2026-11-23T23:59:59+00:00'))).toBe('2026-11-23');
  expect(budgetDay(new Date('2026-11-23T23:59:59-02:00'))).toBe('2026-11-24');
});
