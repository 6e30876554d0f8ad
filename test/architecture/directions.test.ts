import { test } from 'vitest';
import { forbiddenDependencies, forbiddenImports, MAY_IMPORT } from './directions.ts';
import { readTree, workspaceOf } from './tree.ts';

const tree = readTree();

test('imports go the way architecture says', ({ expect }) => {
  expect(forbiddenImports(tree)).toEqual([]);
});

test('package.json files declare no way that architecture forbids', ({ expect }) => {
  expect(forbiddenDependencies(tree)).toEqual([]);
});

test('every package and service has its directions written down', ({ expect }) => {
  const rooms = new Set(
    tree.map(({ path }) => workspaceOf(path)).filter((room) => /^(packages|services)\//.test(room)),
  );
  expect([...rooms].filter((room) => MAY_IMPORT[room] === undefined)).toEqual([]);
});

test('a service importing another, by name or by path, is seen', ({ expect }) => {
  const text = "import { a } from '@moltbot/auth';\nexport type { B } from '../../auth/src/b.ts';\n";
  expect(forbiddenImports([{ path: 'services/gateway/src/x.ts', text }])).toHaveLength(2);
  expect(forbiddenImports([{ path: 'services/standalone/src/x.ts', text }])).toHaveLength(1);
});

test('the page importing a room that needs Node is seen', ({ expect }) => {
  const text = "import {\n  type A,\n  b,\n} from '@moltbot/shared/redis';\n";
  expect(forbiddenImports([{ path: 'packages/web/src/x.tsx', text }])).toHaveLength(1);
});
