import { expect, test } from 'vitest';
import { redisFindings } from './redis-policy.ts';

const SAFE = 'maxmemory_policy:noeviction\r\naof_enabled:1\r\nconnected_slaves:2\r\n';
const levels = (info: string, replicas: number): string[] =>
  redisFindings(info, replicas).map(({ level, text }) => `${level}: ${text}`);

test('one server that keeps what it is told is well', () => {
  expect(levels(SAFE, 0)).toEqual(['ok: Redis evicts nothing, replicas: 2']);
});

test('where replicas must hold writes, a primary that does without is a problem, and so are too few of them', () => {
  expect(levels(SAFE, 1)).toEqual([expect.stringMatching(/^problem: .* that no replica holds/)]);
  const guarded = (good: number): string => `${SAFE}min_slaves_good_slaves:${good}\r\n`;
  expect(levels(guarded(0), 1)).toEqual([expect.stringMatching(/^problem: 0 of 1 replicas/)]);
  expect(levels(guarded(1), 1)).toEqual(['ok: Redis evicts nothing, replicas: 2']);
});

test('a Redis that evicts or forgets is told apart', () => {
  const info = 'maxmemory_policy:allkeys-lru\r\naof_enabled:0\r\n';
  expect(levels(info, 0)).toEqual([
    expect.stringMatching(/^problem: .*allkeys-lru/),
    expect.stringMatching(/^warning: .*append-only/),
  ]);
});
