import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test } from 'vitest';

const PROGRAM = join(import.meta.dirname, 'lua-modules.ts');

const scratch = mkdtempSync(join(tmpdir(), 'moltbot-lua-'));
afterAll(() => rmSync(scratch, { recursive: true }));

function folderWith(name: string, source: string): string {
  const folder = join(mkdtempSync(join(scratch, 'case-')), 'lua');
  mkdirSync(folder);
  writeFileSync(join(folder, name), source);
  return folder;
}

const generate = (...args: string[]) => spawnSync(process.execPath, [PROGRAM, ...args], { encoding: 'utf8' });

test('a script arrives unchanged, whatever characters it holds', async ({ expect }) => {
  const source = 'return "`${x}` \\n ünï"\n';
  const folder = folderWith('lease-renew-1.lua', source);
  expect(generate(folder).status).toBe(0);
  const { leaseRenew1 } = (await import(join(folder, '../scripts.gen.ts'))) as { leaseRenew1: unknown };
  const sha1 = createHash('sha1').update(source).digest('hex');
  expect(leaseRenew1).toEqual({ name: 'lease-renew-1', sha1, source });
});

test('--check fails on a script that changed since, and writes nothing', ({ expect }) => {
  const folder = folderWith('accept-1.lua', 'return 1\n');
  generate(folder);
  expect(generate('--check', folder).status).toBe(0);
  writeFileSync(join(folder, 'accept-1.lua'), 'return 2\n');
  const before = readFileSync(join(folder, '../scripts.gen.ts'), 'utf8');
  expect(generate('--check', folder).status).toBe(1);
  expect(readFileSync(join(folder, '../scripts.gen.ts'), 'utf8')).toBe(before);
});

test('a script without a version in its name is refused', ({ expect }) => {
  expect(generate(folderWith('accept.lua', 'return 1\n')).stderr).toContain('<what-it-does>-<version>.lua');
});
