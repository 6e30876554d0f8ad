/** Every Redis key is born in shared/redis/keys.ts, under one owner; every script says what it is. */
import { basename } from 'node:path';
import { isProduct, type SourceFile, type Tree } from './tree.ts';

const BIRTHPLACE = 'packages/shared/src/redis/';
const KEYS = `${BIRTHPLACE}keys.ts`;

type Block = Readonly<{ name: string; owned: boolean; prefixes: readonly string[] }>;

/** One block per `export const …Keys = {`, with the comment above it. */
function keyBlocks(keys: SourceFile): Block[] {
  const found = keys.text.matchAll(
    /(\/\*\*(?:(?!\*\/)[^])*\*\/\n)?export const (\w+Keys) = \{([^]*?)^\} as const;/gm,
  );
  return [...found].map(([, comment = '', name = '', body = '']) => ({
    name,
    owned: comment.includes('Owner:'),
    prefixes: [...new Set([...body.matchAll(/[`']([a-z]+):/g)].map(([, prefix = '']) => prefix))],
  }));
}

export function keyOwnerFaults(tree: Tree): string[] {
  const keys = tree.find(({ path }) => path === KEYS);
  if (keys === undefined) return [`${KEYS} is missing`];
  const blocks = keyBlocks(keys);
  const prefixes = blocks.flatMap((block) => block.prefixes);
  const shared = prefixes.filter((prefix, index) => prefixes.indexOf(prefix) !== index);
  return [
    ...(blocks.length === 0 ? [`${KEYS} declares no keys`] : []),
    ...blocks.filter(({ owned }) => !owned).map(({ name }) => `${name} names no owner`),
    ...shared.map((prefix) => `${prefix}: has two owners`),
  ];
}

export function rawKeys(tree: Tree): string[] {
  const keys = tree.find(({ path }) => path === KEYS);
  const prefixes = keys === undefined ? [] : keyBlocks(keys).flatMap((block) => block.prefixes);
  if (prefixes.length === 0) return [];
  const raw = new RegExp(`[\`'"](?:${prefixes.join('|')}):(?:[a-z]|\\$\\{|['"])[^\\s\`]*`);
  const places = tree.filter(
    ({ path }) => (isProduct(path) && path.endsWith('.ts')) || path.endsWith('.lua'),
  );
  return places.flatMap(({ path, text }) => {
    const found = path.startsWith(BIRTHPLACE) ? null : raw.exec(text);
    return found === null ? [] : [`${path}: ${found[0]}`];
  });
}

/** A script's file, its header and its constant carry one name, and the name carries a version. */
export function scriptFaults(tree: Tree): string[] {
  return tree
    .filter(({ path }) => path.endsWith('.lua'))
    .flatMap(({ path, text }) => {
      const name = basename(path, '.lua');
      const header = /^--\[\[ (\S+)/.exec(text)?.[1];
      return [
        ...(/-\d+$/.test(name) ? [] : [`${path}: no version in its name`]),
        ...(header === name ? [] : [`${path}: its header does not begin with --[[ ${name}`]),
      ];
    });
}
