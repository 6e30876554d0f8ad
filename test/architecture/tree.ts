/** The repository as the rules of this folder see it: hand-written text files, by path. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

export type SourceFile = Readonly<{ path: string; text: string }>;
export type Tree = readonly SourceFile[];

export const ROOT = join(import.meta.dirname, '../..');

const NOT_OURS = new Set([
  'node_modules',
  'dist',
  '.git',
  '.toolchain',
  '.moltbot',
  'coverage',
  'test-results',
]);
const TEXT = /\.(?:tsx?|lua|json|md|ya?ml|sh|css|html|tpl)$|(?:^|\/)(?:run|Containerfile|Dockerfile)$/;

function* walk(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (NOT_OURS.has(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.isFile() && TEXT.test(path)) yield relative(ROOT, path);
  }
}

export function readTree(): Tree {
  return [...walk(ROOT)].sort().map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

export const isGenerated = (path: string): boolean => path.includes('.gen.') || path === 'pnpm-lock.yaml';
const isTest = (path: string): boolean => /\.test\.tsx?$/.test(path) || path.startsWith('test/');
export const isCode = (path: string): boolean => /\.tsx?$/.test(path) && !isGenerated(path);

/** Code that ships: what the packages and services consist of, without their tests. */
export const isProduct = (path: string): boolean =>
  isCode(path) && !isTest(path) && /^(?:packages|services)\/[^/]+\/src\//.test(path);

/** `packages/shared/src/redis/keys.ts` -> `packages/shared`; `test/x/y.ts` -> `test` */
export function workspaceOf(path: string): string {
  const [first = '', second = ''] = path.split('/');
  return first === 'packages' || first === 'services' ? `${first}/${second}` : first;
}

/** A final newline ends a line, it does not begin one. */
export function lineCount(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}
