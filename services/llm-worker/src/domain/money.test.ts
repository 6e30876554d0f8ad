import { expect, test } from 'vitest';
import { priced, worstCase, type Price } from './money.ts';

/** USD a million tokens. */
const PRICE: Price = { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 };
const COUNTS = { input: 1_000, output: 200, cacheRead: 10_000, cacheWrite: 400 };

test('each kind of token has its price, in millionths of a dollar', () => {
  expect(priced(COUNTS, PRICE)).toEqual({ ...COUNTS, costMicroUsd: 3_000 + 3_000 + 3_000 + 1_500 });
});

test('a fraction counts as a whole: never less than the provider asks', () => {
  expect(priced({ input: 0, output: 0, cacheRead: 1, cacheWrite: 0 }, PRICE).costMicroUsd).toBe(1);
});

test('without a price the cost is unknown, not nothing', () => {
  expect(priced(COUNTS, undefined).costMicroUsd).toBeNull();
});

test('no call costs more than its worst case', () => {
  for (const price of [PRICE, { ...PRICE, cacheWrite: 0 }]) {
    const worst = worstCase(1_000, 500, price);
    for (const input of [0, 400, 1_000]) {
      const counts = { input, output: 500, cacheRead: 0, cacheWrite: 1_000 - input };
      expect(priced(counts, price).costMicroUsd).toBeLessThanOrEqual(worst);
    }
  }
});
