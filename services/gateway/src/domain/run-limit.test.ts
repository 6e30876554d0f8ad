import { expect, test } from 'vitest';
import { MoltbotConfig } from '@moltbot/shared/contracts';
import { runLimitMs, timerMs } from './run-limit.ts';

const allowing = (timeoutSeconds: number): MoltbotConfig =>
  MoltbotConfig.parse({ agents: { defaults: { timeoutSeconds } } });

test.each([
  [undefined, 600, undefined],
  [0, 600, undefined],
  [5_000, 600, 5_000],
  [3_000_000_000, 600, 600_000],
  [9e15, 9_000_000, 2_147_483_647],
])('%j ms asked of %i s allowed', (askedMs, allowedSeconds, limitMs) => {
  expect(runLimitMs(askedMs, allowing(allowedSeconds))).toBe(limitMs);
});

test('no timer is asked for more than it can count', () => {
  expect([30_000, 3_000_000_000].map(timerMs)).toEqual([30_000, 2_147_483_647]);
});
