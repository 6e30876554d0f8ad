import { test } from 'vitest';
import { keyOwnerFaults, rawKeys, scriptFaults } from './redis-keys.ts';
import { readTree, type SourceFile } from './tree.ts';

const tree = readTree();

test('every key prefix has one owner', ({ expect }) => {
  expect(keyOwnerFaults(tree)).toEqual([]);
});

test('no key is spelled outside shared/redis', ({ expect }) => {
  expect(rawKeys(tree)).toEqual([]);
});

test('every script is named and versioned in its header', ({ expect }) => {
  expect(scriptFaults(tree)).toEqual([]);
});

test('an unowned prefix, a raw key and a nameless script are seen', ({ expect }) => {
  const keys: SourceFile = {
    path: 'packages/shared/src/redis/keys.ts',
    text: [
      '/** Owner: packages/turns. */',
      'export const sessionKeys = {\n  state: (sid: string) => `s:${sid}:state`,\n} as const;',
      "export const otherKeys = {\n  all: 's:all',\n} as const;",
    ].join('\n'),
  };
  const code = { path: 'services/auth/src/a.ts', text: 'const key = `s:${sid}:state`;' };
  const script = {
    path: 'packages/turns/src/lua/renew.lua',
    text: "return redis.call('GET', 's:' .. ARGV[1])",
  };
  expect(keyOwnerFaults([keys])).toEqual(['otherKeys names no owner', 's: has two owners']);
  expect(rawKeys([keys, code, script])).toHaveLength(2);
  expect(scriptFaults([script])).toHaveLength(2);
});
