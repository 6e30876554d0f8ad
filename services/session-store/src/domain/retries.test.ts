import { test } from 'vitest';
import { createRetries } from './retries.ts';
import { fairShare } from './shards.ts';

test('pauses double up to the longest, and a success forgets them', ({ expect }) => {
  const retries = createRetries(100, 300);
  const dueAfter = (nowMs: number): number => {
    retries.failed('a', nowMs);
    let waitedMs = 0;
    while (!retries.isDue('a', nowMs + waitedMs)) waitedMs += 50;
    return waitedMs;
  };
  expect([dueAfter(0), dueAfter(1_000), dueAfter(2_000), dueAfter(3_000)]).toEqual([100, 200, 300, 300]);
  expect(retries.isDue('b', 0)).toBe(true);
  retries.succeeded('a');
  expect(retries.isDue('a', 3_000)).toBe(true);
  expect(dueAfter(4_000)).toBe(100);
});

test('names that nobody asks about any more are dropped', ({ expect }) => {
  const retries = createRetries(100, 300);
  for (let index = 0; index < 10; index += 1) retries.failed(`gone-${index}`, 1_000);
  retries.failed('still', 5_000);
  expect(retries.size()).toBe(1);
});

test('every shard has an owner, and no store two more than another', ({ expect }) => {
  expect([1, 2, 3, 5, 16, 40].map((stores) => fairShare(16, stores))).toEqual([16, 8, 6, 4, 1, 1]);
  expect(fairShare(16, 0)).toBe(16);
});
