/** Import lines, read as text: our code is formatted, so they have one shape. */
import { posix } from 'node:path';
import type { SourceFile } from './tree.ts';

export type Import = Readonly<{
  specifier: string;
  /** nothing of it is left at run time */
  typeOnly: boolean;
  /** imported names under their exported spelling; `*` for all of them */
  names: readonly string[];
}>;

const STATEMENT = /^(?:import|export)\s+(type\s+)?([^;'"]*?)\s*from\s+'([^']+)'/gm;
const BARE = /^import\s+'([^']+)'/gm;
const DYNAMIC = /\bimport\('([^']+)'\)/g;

function namesOf(clause: string): string[] {
  const braces = /\{([^}]*)\}/.exec(clause)?.[1];
  if (braces === undefined) return ['*'];
  const names = braces.split(',').map((name) => name.trim().replace(/^type\s+/, ''));
  return names.map((name) => name.split(/\s+as\s+/)[0] ?? '').filter((name) => name !== '');
}

export function importsOf(file: SourceFile): Import[] {
  const stated = [...file.text.matchAll(STATEMENT)].map(([, type, clause = '', specifier = '']) => ({
    specifier,
    typeOnly: type !== undefined,
    names: namesOf(clause),
  }));
  const others = [...file.text.matchAll(BARE), ...file.text.matchAll(DYNAMIC)];
  return [...stated, ...others.map(([, specifier = '']) => ({ specifier, typeOnly: false, names: ['*'] }))];
}

/** The path a relative specifier means; undefined for a package. */
export function resolved(from: SourceFile, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(from.path), specifier) : undefined;
}
