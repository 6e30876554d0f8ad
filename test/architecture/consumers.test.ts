import { test } from 'vitest';
import { homeless } from './consumers.ts';
import { readTree, type Tree } from './tree.ts';

test('whatever shared exports has two users', ({ expect }) => {
  expect(homeless(readTree())).toEqual([]);
});

test('one user is not enough, tests do not count, and a part has the users of its whole', ({ expect }) => {
  const from = (...names: string[]) => `import { ${names.join(', ')} } from '@moltbot/shared/contracts';\n`;
  const tree: Tree = [
    { path: 'packages/shared/src/contracts/index.ts', text: "export * from './a.ts';\n" },
    {
      path: 'packages/shared/src/contracts/a.ts',
      text: 'export const Part = 1;\nexport const Whole = [Part];\nexport const Single = 2;\nexport const Unused = 3;\n',
    },
    { path: 'services/auth/src/a.ts', text: from('Whole', 'Single') },
    { path: 'services/gateway/src/a.ts', text: from('Whole') },
    { path: 'services/gateway/src/a.test.ts', text: from('Single') },
    { path: 'test/integration/a.test.ts', text: from('Single', 'Unused') },
  ];
  expect(homeless(tree)).toEqual([
    'Single (packages/shared/src/contracts/a.ts): belongs to services/auth',
    'Unused (packages/shared/src/contracts/a.ts): nobody uses it',
  ]);
});
