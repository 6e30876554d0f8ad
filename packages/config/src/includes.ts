import { readFileSync, realpathSync } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';
import { mergeIncluded, overrideIncluded } from './merge.ts';
import { parseJson5 } from './parse.ts';
import { isTree } from './path.ts';

const MAX_NESTING = 10;

/** Reads one file's text; throws a fault that names the file. */
export type ReadInclude = (file: string) => string;

/**
 * Files below the directory of the main file, and nothing else: whoever may write the configuration
 * over the network must not be able to pull other files of the host into it.
 */
export function includeReader(mainFile: string): ReadInclude {
  const root = dirname(resolve(mainFile));
  return (file) => {
    if (!file.startsWith(root + sep)) throw new Error(`$include outside ${root}: ${file}`);
    try {
      const real = realpathSync(file);
      if (!real.startsWith(realpathSync(root) + sep))
        throw new Error(`$include leads outside ${root}: ${file}`);
      return readFileSync(real, 'utf8');
    } catch (fault) {
      if ((fault as NodeJS.ErrnoException).code === undefined) throw fault;
      throw new Error(`cannot read $include ${file}: ${(fault as NodeJS.ErrnoException).code}`, {
        cause: fault,
      });
    }
  };
}

function named(include: unknown, file: string): readonly string[] {
  const names: unknown[] = Array.isArray(include) ? include : [include];
  if (names.length > 0 && names.every((name) => typeof name === 'string' && name !== ''))
    return names as string[];
  throw new Error(`$include in ${file} must be a file name or a list of file names`);
}

export type IncludeResult = Readonly<{ tree: unknown; files: readonly string[] }>;

/** Replaces every `$include` of the tree by what the files hold. Cycles and more than ten levels are refused. */
export function resolveIncludes(root: unknown, mainFile: string, read: ReadInclude): IncludeResult {
  const files = new Set<string>();

  const load = (name: string, chain: readonly string[]): unknown => {
    const file = resolve(dirname(chain.at(-1) ?? mainFile), name);
    if (chain.includes(file)) throw new Error(`$include goes in a circle: ${[...chain, file].join(' -> ')}`);
    if (chain.length > MAX_NESTING) throw new Error(`$include is nested deeper than ${MAX_NESTING}: ${file}`);
    files.add(file);
    return visit(parseJson5(read(file), file), [...chain, file]);
  };

  const visit = (node: unknown, chain: readonly string[]): unknown => {
    if (Array.isArray(node)) return node.map((item) => visit(item, chain));
    if (!isTree(node)) return node;
    const { $include: include, ...rest } = node;
    const siblings = Object.fromEntries(
      Object.entries(rest).map(([name, value]) => [name, visit(value, chain)]),
    );
    if (include === undefined) return siblings;
    const from = chain.at(-1) ?? mainFile;
    const included = named(include, from)
      .map((name) => load(name, chain))
      .reduce(mergeIncluded);
    if (Object.keys(siblings).length === 0) return included;
    if (!isTree(included))
      throw new Error(`$include in ${from} has keys beside it, but the file holds no object`);
    return overrideIncluded(included, siblings);
  };

  return { tree: visit(root, [resolve(mainFile)]), files: [...files] };
}
