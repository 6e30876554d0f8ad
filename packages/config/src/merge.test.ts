import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ConfigTree } from '@moltbot/shared/contracts';
import { createMergePatch, mergeIncluded, mergePatch, overrideIncluded } from './merge.ts';

/** The examples of RFC 7396, appendix A: target, patch, result. */
const RFC_EXAMPLES: readonly (readonly [unknown, unknown, unknown])[] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

const { tree, anything } = fc.letrec<{ tree: ConfigTree; anything: unknown }>((tie) => ({
  tree: fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor'), tie('anything'), {
    maxKeys: 4,
  }),
  anything: fc.oneof(
    { depthSize: 'small' },
    fc.integer(),
    fc.string(),
    fc.boolean(),
    fc.array(fc.integer()),
    tie('tree'),
  ),
}));

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;

describe('mergePatch', () => {
  test.each(RFC_EXAMPLES)('RFC 7396: %j patched with %j is %j', (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result);
  });

  test('an empty patch changes nothing, and applying a patch twice is applying it once', () => {
    fc.assert(
      fc.property(tree, tree, (target, patch) => {
        expect(plain(mergePatch(target, {}))).toEqual(plain(target));
        const once = mergePatch(target, patch);
        expect(plain(mergePatch(once, patch))).toEqual(plain(once));
      }),
    );
  });

  test('never touches a prototype', () => {
    const patch = JSON.parse('{"__proto__":{"polluted":true}}') as unknown;
    mergePatch({}, patch);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

test('createMergePatch leads from any tree to any other', () => {
  fc.assert(
    fc.property(tree, tree, (from, to) => {
      expect(plain(mergePatch(from, createMergePatch(from, to)))).toEqual(plain(to));
    }),
  );
});

test('createMergePatch of two equal trees is empty', () => {
  fc.assert(
    fc.property(anything, (value) => {
      expect(createMergePatch({ value }, { value })).toEqual({});
    }),
  );
});

test('included lists concatenate, a key beside the include replaces', () => {
  expect(mergeIncluded({ a: [1], b: { c: 1 } }, { a: [2], b: { d: 2 } })).toEqual({
    a: [1, 2],
    b: { c: 1, d: 2 },
  });
  expect(overrideIncluded({ a: [1], b: { c: 1 } }, { a: [2], b: { d: 2 } })).toEqual({
    a: [2],
    b: { c: 1, d: 2 },
  });
});
