import { describe, expect, test } from 'vitest';
import { backoffMs, retryDelayMs } from './backoff.ts';

test('the ceiling doubles up to 20 s, and every wait below it is possible', () => {
  const latest = [0, 1, 2, 3, 10, 1_000].map((attempt) => backoffMs(attempt, () => 0.999_999));
  expect(latest).toEqual([599, 1_099, 2_099, 4_099, 20_099, 20_099]);
  expect(backoffMs(10, () => 0)).toBe(100);
});

describe('when to come back', () => {
  const [soonest, latest] = [() => 0, () => 0.999_999];

  test('the first time soon, whatever was said about the server that went', () => {
    for (const hints of [{}, { backInMs: 20_000 }]) {
      expect(retryDelayMs(0, hints, soonest)).toBe(100);
      expect(retryDelayMs(0, hints, latest)).toBeLessThanOrEqual(600);
    }
  });

  test('not long after a server wanted to be back', () => {
    expect(retryDelayMs(6, {}, latest)).toBeGreaterThan(20_000);
    expect(retryDelayMs(6, { backInMs: 1_500 }, latest)).toBeLessThanOrEqual(2_100);
    expect(retryDelayMs(6, { backInMs: -1 }, latest)).toBeGreaterThan(20_000);
  });

  test('not before the server that refused us wants it, within reason', () => {
    expect(retryDelayMs(0, { retryAfterMs: 5_000 }, soonest)).toBe(5_100);
    expect(retryDelayMs(9, { retryAfterMs: 5_000 }, latest)).toBeLessThanOrEqual(5_600);
    expect(retryDelayMs(0, { retryAfterMs: 86_400_000 }, latest)).toBeLessThanOrEqual(60_600);
  });
});
