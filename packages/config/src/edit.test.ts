import JSON5 from 'json5';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ConfigTree } from '@moltbot/shared/contracts';
import { editJson5, rewriteJson5 } from './edit.ts';
import { mergePatch } from './merge.ts';
import { parseJson5 } from './parse.ts';

const names = fc.constantFrom('a', 'b', 'c-d', 'e.f', 'ü');
const generated = fc.letrec<{ tree: ConfigTree; node: unknown }>((tie) => ({
  tree: fc.dictionary(names, tie('node'), { maxKeys: 4 }),
  node: fc.oneof(
    { depthSize: 'small' },
    fc.string(),
    fc.integer(),
    fc.array(fc.string(), { maxLength: 2 }),
    tie('tree'),
  ),
}));

/** As a parser gives it: fast-check also makes objects without a prototype. */
const tree = generated.tree.map((made) => JSON.parse(JSON.stringify(made)) as ConfigTree);

/** The same tree in the ways people write it. */
const writers = [
  (value: unknown) => JSON.stringify(value),
  (value: unknown) => JSON.stringify(value, null, 2),
  (value: unknown) => JSON5.stringify(value, null, 2),
  (value: unknown) => JSON5.stringify(value, null, '\t').replaceAll(/[{,]$/gm, '$& // note: {"x": 1},'),
  (value: unknown) => `/* a */ ${JSON.stringify(value).replaceAll('{', '{ /* b, */ ')} // c`,
].map((write, index) => ({ write, index }));

test('the edited text always means the wanted tree, however the file was written', () => {
  fc.assert(
    fc.property(tree, tree, fc.constantFrom(...writers), (before, patch, { write }) => {
      const raw = write(before);
      fc.pre(JSON.stringify(JSON5.parse(raw)) === JSON.stringify(before));
      const next = mergePatch(before, patch) as ConfigTree;
      const edited = editJson5(raw, next);
      expect(parseJson5(edited ?? 'null')).toEqual(next);
    }),
    { numRuns: 500 },
  );
});

const FILE = `{
  // who may come in
  gateway: {
    port: 18789, // the usual port
    auth: { token: "\${TOKEN}" },
  },
  agents: { defaults: { maxConcurrent: 4 } }, /* four */
  session: {
    dmScope: 'per-peer' // one a person
    // the end
  }
}
`;

const patched = (patch: unknown): string =>
  rewriteJson5(FILE, mergePatch(parseJson5(FILE), patch) as ConfigTree);

describe('comments and references stay', () => {
  test('around a changed value', () => {
    expect(patched({ agents: { defaults: { maxConcurrent: 16 } } })).toBe(
      FILE.replace('maxConcurrent: 4', 'maxConcurrent: 16'),
    );
  });

  test('around an added key', () => {
    expect(patched({ session: { scope: 'global' }, gateway: { bind: 'lan' } })).toBe(
      FILE.replace("'per-peer' //", "'per-peer', //")
        .replace('// one a person', '// one a person\n    scope: "global"')
        .replace('"${TOKEN}" },', '"${TOKEN}" },\n    bind: "lan",'),
    );
  });

  test('around a removed key, whose own comment goes with it', () => {
    expect(patched({ gateway: { port: null } })).toBe(
      FILE.replace('    port: 18789, // the usual port\n', ''),
    );
  });

  test('when nothing changed', () => {
    expect(patched({ gateway: { port: 18789 } })).toBe(FILE);
  });
});

test('strict JSON stays strict JSON', () => {
  const raw = JSON.stringify({ a: { b: 1 }, c: 2 }, null, 2);
  const edited = rewriteJson5(raw, { a: { b: 1, d: [1] } });
  expect(JSON.parse(edited)).toEqual({ a: { b: 1, d: [1] } });
});

test('a key written twice falls back to plain JSON', () => {
  expect(rewriteJson5('{a: 1, a: 2, b: 3}', { b: 3 })).toBe('{\n  "b": 3\n}\n');
});
