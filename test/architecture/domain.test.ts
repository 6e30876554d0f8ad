import { test } from 'vitest';
import { impureDomains, processKnowledge, shortCuts } from './domain.ts';
import { readTree } from './tree.ts';

const tree = readTree();

test('the domain of each service is pure', ({ expect }) => {
  expect(impureDomains(tree)).toEqual([]);
});

test('edges and adapters meet in the composition root alone', ({ expect }) => {
  expect(shortCuts(tree)).toEqual([]);
});

test('only main.ts knows the process', ({ expect }) => {
  expect(processKnowledge(tree)).toEqual([]);
});

test('an impure domain, a short cut and a second reader of the environment are seen', ({ expect }) => {
  const at = (path: string, text: string) => [{ path: `services/gateway/src/${path}`, text }];
  expect(impureDomains(at('domain/a.ts', "import { Redis } from 'ioredis';\nDate.now();\n"))).toHaveLength(2);
  expect(impureDomains(at('domain/a.ts', "import { b } from '../config.ts';"))).toHaveLength(1);
  expect(impureDomains(at('domain/a.ts', "import type { T } from '@moltbot/turns';"))).toEqual([]);
  expect(shortCuts(at('ws/a.ts', "import { b } from '../adapters/b.ts';"))).toHaveLength(1);
  expect(shortCuts(at('adapters/a.ts', "import { b } from '../http/b.ts';"))).toHaveLength(1);
  expect(processKnowledge(at('a.ts', 'const port = process.env.PORT;'))).toHaveLength(1);
});
