import { expect, test } from 'vitest';
import { createRecentLoad } from './recent-load.ts';

test('the load of a moment ago counts, with the session that comes now; an older one does not', () => {
  let nowMs = 1_000;
  const load = createRecentLoad(() => nowMs);
  expect(load.of('alice')).toBe(1);
  load.note('alice', 7);
  expect(load.of('alice')).toBe(8);
  expect(load.of('bob')).toBe(1);
  nowMs += 1_001;
  expect(load.of('alice')).toBe(1);
});
