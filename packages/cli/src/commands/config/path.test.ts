import { expect, test } from 'vitest';
import { mergePatch, parsePath, valueAt } from './path.ts';

const TREE = { agents: { defaults: { maxConcurrent: 4 }, list: [{ id: 'a', x: 1 }, { id: 'b' }] }, 'a.b': 7 };

test.each([
  ['agents.defaults.maxConcurrent', 4],
  ['agents.list[1].id', 'b'],
  ['agents.list.0.id', 'a'],
  ['["a.b"]', 7],
  ['agents.nothing', undefined],
  ['agents.list[9]', undefined],
  ['agents.toString', undefined],
])('reads %s', (path, value) => {
  expect(valueAt(TREE, parsePath(path))).toBe(value);
});

test.each(['', '.a', 'a.', 'a..b', 'a[', 'a[x]', 'a b"'])('refuses the path %j', (path) => {
  expect(() => parsePath(path)).toThrow('not a config path');
});

test.each([
  ['a scalar', 'agents.defaults.maxConcurrent', 16, { agents: { defaults: { maxConcurrent: 16 } } }],
  [
    'objects that are not there yet',
    'models.providers.x.apiKey',
    '${K}',
    { models: { providers: { x: { apiKey: '${K}' } } } },
  ],
  [
    'an object, with null for what it leaves out',
    'agents',
    { defaults: { timeoutSeconds: 60 } },
    { agents: { defaults: { maxConcurrent: null, timeoutSeconds: 60 }, list: null } },
  ],
  ['a removal', 'agents.defaults', undefined, { agents: { defaults: null } }],
  [
    'inside a list, the whole list',
    'agents.list[0].x',
    2,
    { agents: { list: [{ id: 'a', x: 2 }, { id: 'b' }] } },
  ],
  [
    'a removal inside a list',
    'agents.list[0].x',
    undefined,
    { agents: { list: [{ id: 'a' }, { id: 'b' }] } },
  ],
  ['an item of a list', 'agents.list[0]', undefined, { agents: { list: [{ id: 'b' }] } }],
  [
    'the end of a list',
    'agents.list[2]',
    { id: 'c' },
    { agents: { list: [...TREE.agents.list, { id: 'c' }] } },
  ],
])('changes %s', (_name, path, value, patch) => {
  expect(mergePatch(TREE, parsePath(path), value)).toEqual(patch);
});

test('a place beyond the end of a list is refused', () => {
  expect(() => mergePatch(TREE, parsePath('agents.list[7]'), 1)).toThrow('no such place in the list: [7]');
});
