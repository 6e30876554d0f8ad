import { test } from 'vitest';
import { overBudget, uninvited } from './shared-rooms.ts';
import { readTree } from './tree.ts';

const tree = readTree();

test('the rooms of shared import only what their charter allows', ({ expect }) => {
  expect(uninvited(tree)).toEqual([]);
});

test('shared stays within its budget of lines', ({ expect }) => {
  expect(overBudget(tree)).toEqual([]);
});

test('an uninvited import, room or line is seen', ({ expect }) => {
  const at = (path: string, text: string) => uninvited([{ path: `packages/shared/src/${path}`, text }]);
  expect(at('contracts/a.ts', "import { hash } from 'node:crypto';")).toHaveLength(1);
  expect(at('telemetry/a.ts', "import { AppError } from '../errors/index.ts';")).toHaveLength(1);
  expect(at('redis/a.ts', "import { Sid } from '../contracts/ids.ts';")).toEqual([]);
  expect(at('drawer/a.ts', '')).toHaveLength(1);
  expect(overBudget([{ path: 'packages/shared/src/redis/a.ts', text: 'a\n'.repeat(251) }])).toHaveLength(1);
});
