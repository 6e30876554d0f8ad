import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { emptyHome } from '../../testing/command-line.ts';
import { readHere } from './validate.ts';

test.each([
  ['an empty object', '{}', true, []],
  [
    'the example of the guide',
    '{ session: { dmScope: "per-channel-peer", reset: { mode: "idle", idleMinutes: 120 } } }',
    true,
    [],
  ],
  ['a typing error', '{ gateway: { prot: 1 } }', false, ['gateway']],
  ['a broken file', '{ gateway: ', false, ['']],
  ['no object', '[]', false, ['']],
])('%s', async (_name, text, valid, paths) => {
  const path = join(emptyHome(), 'moltbot.json');
  writeFileSync(path, text);
  const verdict = await readHere(path);
  expect(verdict.valid).toBe(valid);
  expect(verdict.issues.map((issue) => issue.path)).toEqual(paths);
});

test('a file that includes others says what was not checked', async () => {
  const path = join(emptyHome(), 'moltbot.json');
  writeFileSync(path, '{ $include: "./other.json" }');
  expect(await readHere(path)).toMatchObject({ valid: true, warnings: [{ path: '$include' }] });
});
