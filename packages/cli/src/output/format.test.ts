import { expect, test } from 'vitest';
import { ago, count, duration, money } from './format.ts';

test('durations have one unit', () => {
  expect([0, 59_999, 60_000, 3_599_999, 3_600_000, 172_799_999, 172_800_000].map(duration)).toEqual([
    '0s',
    '59s',
    '1m',
    '59m',
    '1h',
    '47h',
    '2d',
  ]);
  expect(ago(1_000, 61_000)).toBe('1m ago');
  expect(ago(null)).toBe('-');
});

test('counts and money are short, and small money is not hidden', () => {
  expect([0, 999, 1_000, 12_345, 4_100_000, null].map(count)).toEqual([
    '0',
    '999',
    '1.0k',
    '12.3k',
    '4.1M',
    '-',
  ]);
  expect([0, 0.0042, 0.5, 12.345, undefined].map(money)).toEqual([
    '$0.00',
    '$0.0042',
    '$0.50',
    '$12.35',
    '-',
  ]);
});
