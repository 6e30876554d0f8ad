import { expect, test } from 'vitest';
import { lastDays, usageCost, type UsageCounts } from './usage-view.ts';

const NOW = Date.UTC(2026, 2, 1, 0, 30);
const row = (input: number, costMicroUsd: number, unpriced = 0): UsageCounts => ({
  input,
  output: 1,
  cacheRead: 10,
  cacheWrite: 100,
  costMicroUsd,
  unpriced,
});

test('days are of UTC, oldest first, across the end of a month', () => {
  expect(lastDays(3, NOW)).toEqual(['2026-02-27', '2026-02-28', '2026-03-01']);
});

test('costs are US dollars, by day and over all; days without use are left out', () => {
  const usage = [
    { day: '2026-02-27', rows: [] },
    { day: '2026-02-28', rows: [row(1_000, 2_500_000), row(2_000, 0, 3)] },
    { day: '2026-03-01', rows: [row(1, 1)] },
  ];
  expect(usageCost(3, usage, NOW)).toEqual({
    updatedAt: NOW,
    days: 3,
    daily: [
      {
        date: '2026-02-28',
        input: 3_000,
        output: 2,
        cacheRead: 20,
        cacheWrite: 200,
        totalTokens: 3_222,
        totalCost: 2.5,
        missingCostEntries: 3,
      },
      {
        date: '2026-03-01',
        input: 1,
        output: 1,
        cacheRead: 10,
        cacheWrite: 100,
        totalTokens: 112,
        totalCost: 0.000001,
        missingCostEntries: 0,
      },
    ],
    totals: {
      input: 3_001,
      output: 3,
      cacheRead: 30,
      cacheWrite: 300,
      totalTokens: 3_334,
      totalCost: 2.500001,
      missingCostEntries: 3,
    },
  });
});
