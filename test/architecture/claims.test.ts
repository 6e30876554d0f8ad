import { test } from 'vitest';
import { CLAIMS, type Claim } from '../claims.ts';
import { readTree, type Tree } from './tree.ts';

/** The title of a test that runs: `test.skip` and `test.todo` keep no promise. */
const TITLE = /\b(?:test|it)(?:\.(?:each|for)\([^]*?\))?\(\s*(?:'([^']*)'|"([^"]*)"|`([^`]*)`)/g;

/** `T-1, T-4: a lost worker …` names two. */
function claimsNamed(tree: Tree): Set<string> {
  const tests = tree.filter(
    ({ path }) => /\.test\.tsx?$/.test(path) && !path.startsWith('test/architecture/'),
  );
  const titles = tests.flatMap(({ text }) =>
    [...text.matchAll(TITLE)].map(([, a, b, c]) => a ?? b ?? c ?? ''),
  );
  const prefixes = titles.map((title) => /^((?:[A-Z]{1,2}-\d+(?:, | and )?)+):/.exec(title)?.[1] ?? '');
  return new Set(prefixes.flatMap((prefix) => prefix.match(/[A-Z]{1,2}-\d+/g) ?? []));
}

function unproven(claims: Readonly<Record<string, Claim>>, named: ReadonlySet<string>): string[] {
  return Object.entries(claims)
    .filter(([id, { since }]) => since === 'now' && !named.has(id))
    .map(([id, { promise }]) => `${id}: ${promise}`);
}

function unknown(claims: Readonly<Record<string, Claim>>, named: ReadonlySet<string>): string[] {
  return [...named].filter((id) => !Object.hasOwn(claims, id));
}

const named = claimsNamed(readTree());

test('every promise of this release has a test that names it', ({ expect }) => {
  expect(unproven(CLAIMS, named)).toEqual([]);
});

test('every promise a test names exists', ({ expect }) => {
  expect(unknown(CLAIMS, named)).toEqual([]);
});

test('a promise without a test and a test without a promise are seen', ({ expect }) => {
  const claims = {
    'T-1': { promise: 'a', since: 'now' },
    'T-2': { promise: 'b', since: 'later' },
    'T-3': { promise: 'c', since: 'now' },
  } as const;
  const text = "test('T-1, C-9: x', f);\ntest.skip('T-3: y', f);\ntest.each([1, 2])(\"no: %s\", f);\n";
  const found = claimsNamed([{ path: 'test/integration/a.test.ts', text }]);
  expect(unproven(claims, found)).toEqual(['T-3: c']);
  expect(unknown(claims, found)).toEqual(['C-9']);
});
