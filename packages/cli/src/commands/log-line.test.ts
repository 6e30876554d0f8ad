import { expect, test } from 'vitest';
import { readable } from './log-line.ts';

test.each([
  [
    '{"level":30,"time":1763884800000,"service":"gateway","msg":"listening","port":18789}',
    '2025-11-23T08:00:00.000Z info gateway listening port=18789',
  ],
  [
    '{"level":"warn","time":"t","msg":"unauthorized conn=1","facts":{"a":1}}',
    't warn unauthorized conn=1 facts={"a":1}',
  ],
  ['Redis is starting', 'Redis is starting'],
  ['[1,2]', '[1,2]'],
  ['{"cut":', '{"cut":'],
])('%s', (line, shown) => {
  expect(readable(line)).toBe(shown);
});
