import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatConfigPath, getAt, parseConfigPath, setAt, unsetAt } from './path.ts';

test.each([
  ['gateway.port', ['gateway', 'port']],
  ['agents.list[0].id', ['agents', 'list', '0', 'id']],
  ['agents.list.0.id', ['agents', 'list', '0', 'id']],
  ['models.providers["glm-4.7"].baseUrl', ['models', 'providers', 'glm-4.7', 'baseUrl']],
  [
    'agents.defaults.models.anthropic/claude-opus-4-5',
    ['agents', 'defaults', 'models', 'anthropic/claude-opus-4-5'],
  ],
  ['a\\.b.c', ['a.b', 'c']],
])('%s', (text, path) => {
  expect(parseConfigPath(text)).toEqual(path);
});

test.each(['', '.', 'a.', '.a', 'a..b', 'a[', 'a[x]', 'a]'])('%j is not a path', (text) => {
  expect(() => parseConfigPath(text)).toThrow('not a config path');
});

test('a formatted path parses to itself', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ minLength: 1 }), { minLength: 1 }), (path) => {
      expect(parseConfigPath(formatConfigPath(path))).toEqual(path);
    }),
  );
});

test('set, get and unset, without touching the tree they are given', () => {
  const tree = { a: { b: [1, { c: 2 }] } };
  expect(setAt(tree, ['a', 'b', '1', 'c'], 3)).toEqual({ a: { b: [1, { c: 3 }] } });
  expect(setAt(tree, ['x', 'y'], 3)).toEqual({ a: { b: [1, { c: 2 }] }, x: { y: 3 } });
  expect(unsetAt(tree, ['a', 'b', '0'])).toEqual({ a: { b: [{ c: 2 }] } });
  expect(unsetAt(tree, ['a', 'b', '1', 'c'])).toEqual({ a: { b: [1, {}] } });
  expect(unsetAt(tree, ['no', 'such'])).toBe(tree);
  expect(getAt(tree, ['a', 'b', '1', 'c'])).toBe(2);
  expect(getAt(tree, ['constructor'])).toBeUndefined();
  expect(() => setAt(tree, ['a', 'b', '0', 'x'], 1)).toThrow('cannot set x inside a number');
  expect(tree).toEqual({ a: { b: [1, { c: 2 }] } });
});
