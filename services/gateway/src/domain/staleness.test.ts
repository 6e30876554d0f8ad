import { expect, test } from 'vitest';
import { isStale, type ResetRuleInForce } from './staleness.ts';

const at = (day: number, hour: number, minute = 0): number => new Date(2026, 0, day, hour, minute).getTime();
const DAILY: ResetRuleInForce = { mode: 'daily', atHour: 4, idleMinutes: undefined };
const IDLE: ResetRuleInForce = { mode: 'idle', atHour: 4, idleMinutes: 60 };

test.each([
  ['used today, after the hour', at(2, 5), DAILY, at(2, 23), false],
  ['used last night, the hour has passed', at(2, 3, 59), DAILY, at(2, 4), true],
  ['used last night, the hour has not come', at(1, 23), DAILY, at(2, 3, 59), false],
  ['used before yesterday’s hour', at(1, 3), DAILY, at(2, 3), true],
  ['idle for exactly as long as allowed', at(2, 5), IDLE, at(2, 6), false],
  ['idle for longer', at(2, 5), IDLE, at(2, 6, 1), true],
  ['idle across the hour, which does not count', at(2, 3, 50), IDLE, at(2, 4, 10), false],
  ['daily with a second condition', at(2, 5), { ...DAILY, idleMinutes: 30 }, at(2, 5, 31), true],
])('%s', (_, updatedAtMs, rule, nowMs, stale) => {
  expect(isStale(updatedAtMs, rule, nowMs)).toBe(stale);
});
