import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { ConfigChangedError, writeConfigFile } from './file-store.ts';
import { hashConfig } from './load.ts';
import { watchConfigFile } from './watch.ts';

let root: string;
let path: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'moltbot-store-'));
  path = join(root, 'etc', 'moltbot.json');
});

const mode = (file: string): number => statSync(file).mode & 0o777;

test('a first write is private and leaves nothing else behind', async () => {
  await writeConfigFile(path, '{}');
  expect(readdirSync(join(root, 'etc'))).toEqual(['moltbot.json']);
  expect(mode(path)).toBe(0o600);
});

test('older texts move through .bak, .bak.1 … .bak.4', async () => {
  for (const text of ['0', '1', '2', '3', '4', '5', '6']) await writeConfigFile(path, text);
  expect(readdirSync(join(root, 'etc')).toSorted()).toEqual([
    'moltbot.json',
    ...['', '.1', '.2', '.3', '.4'].map((suffix) => `moltbot.json.bak${suffix}`),
  ]);
  expect(
    ['', '.1', '.2', '.3', '.4'].map((suffix) => readFileSync(`${path}.bak${suffix}`, 'utf8')).join(''),
  ).toBe('54321');
  expect(mode(`${path}.bak`)).toBe(0o600);
});

test('the group keeps its read access, everyone else loses theirs', async () => {
  await writeConfigFile(path, '{}');
  chmodSync(path, 0o644);
  await writeConfigFile(path, '{ a: 1 }');
  expect(mode(path)).toBe(0o640);
});

test('a text somebody else wrote in between is not overwritten', async () => {
  await writeConfigFile(path, 'theirs');
  await expect(writeConfigFile(path, 'ours', { baseHash: hashConfig('before') })).rejects.toThrow(
    ConfigChangedError,
  );
  expect(readFileSync(path, 'utf8')).toBe('theirs');
  expect(readdirSync(join(root, 'etc'))).toEqual(['moltbot.json']);
  await writeConfigFile(path, 'ours', { baseHash: hashConfig('theirs') });
  expect(readFileSync(path, 'utf8')).toBe('ours');
});

test('a link keeps pointing at the file it names', async () => {
  await writeConfigFile(path, 'old');
  const link = join(root, 'link.json');
  symlinkSync(path, link);
  await writeConfigFile(link, 'new');
  expect(readFileSync(path, 'utf8')).toBe('new');
});

test('a watcher calls once for a burst of writes, and again for an included file', async () => {
  await writeConfigFile(path, '{}');
  const included = join(root, 'included.json');
  const onChange = vi.fn<() => void>();
  await using watcher = watchConfigFile(path, onChange, {
    files: () => [included],
    debounceMs: 50,
    pollMs: 20,
  });
  expect(watcher).toBeDefined();
  for (const text of ['{ a: 1 }', '{ a: 22 }', '{ a: 333 }']) writeFileSync(path, text);
  await vi.waitFor(() => expect(onChange).toHaveBeenCalled(), 2_000);
  expect(onChange).toHaveBeenCalledTimes(1);
  await writeConfigFile(included, '{}');
  await vi.waitFor(() => expect(onChange).toHaveBeenCalledTimes(2), 2_000);
});
