import { test } from 'vitest';
import { readTree, workspaceOf, type Tree } from './tree.ts';

const BANNED = new Set(['utils', 'util', 'helpers', 'helper', 'common', 'misc', 'lib', 'base']);
/** Spelled in two parts, so that this file does not find itself. */
const MACHINE_PATHS = [
  ['', 'work', 'main'],
  ['', 'work', 'shared'],
  ['', 'tmp', 'brief'],
].map((parts) => parts.join('/'));

const tree = readTree();

function bannedNames(files: Tree): string[] {
  const names = (path: string): string[] => path.split('/').map((part) => part.split('.')[0] ?? '');
  return files.map(({ path }) => path).filter((path) => names(path).some((name) => BANNED.has(name)));
}

function machinePaths(files: Tree): string[] {
  return files
    .filter(({ text }) => MACHINE_PATHS.some((path) => text.includes(path)))
    .map(({ path }) => path);
}

function roomsWithoutReadme(files: Tree): string[] {
  const rooms = new Set(
    files.map(({ path }) => workspaceOf(path)).filter((room) => /^(packages|services)\//.test(room)),
  );
  return [...rooms].filter(
    (room) => !files.some(({ path, text }) => path === `${room}/README.md` && text.trim() !== ''),
  );
}

test('no file or folder is named like a drawer', ({ expect }) => {
  expect(bannedNames(tree)).toEqual([]);
  expect(
    bannedNames([
      { path: 'packages/turns/src/utils/a.ts', text: '' },
      { path: 'services/a/src/lib.ts', text: '' },
    ]),
  ).toHaveLength(2);
});

test('nothing names a path of the machine it was written on', ({ expect }) => {
  expect(machinePaths(tree)).toEqual([]);
  expect(machinePaths([{ path: 'docs/a.md', text: `see ${MACHINE_PATHS[0]}/x` }])).toHaveLength(1);
});

test('every room has a README', ({ expect }) => {
  expect(roomsWithoutReadme(tree)).toEqual([]);
  expect(roomsWithoutReadme([{ path: 'services/auth/src/a.ts', text: '' }])).toEqual(['services/auth']);
});
