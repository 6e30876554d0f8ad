import type { ConfigTree } from '@moltbot/shared/contracts';

export type ConfigPath = readonly string[];

const SEGMENT = /\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|((?:[^.[\]\\]|\\.)+)/gy;

/** `a.b`, `a[0].b` and `a["x.y"]`; throws on anything else, so that a typing error never sets an odd key. */
export function parseConfigPath(text: string): ConfigPath {
  const segments: string[] = [];
  SEGMENT.lastIndex = 0;
  let end = 0;
  for (let match = SEGMENT.exec(text); match; match = SEGMENT.exec(text)) {
    const [, index, quoted, plain] = match;
    segments.push(index ?? (quoted ?? plain ?? '').replace(/\\(.)/g, '$1'));
    end = SEGMENT.lastIndex;
    if (text[end] === '.' && end + 1 < text.length) SEGMENT.lastIndex = ++end;
  }
  if (segments.length === 0 || end !== text.length) throw new Error(`not a config path: ${text}`);
  return segments;
}

/** The reverse of `parseConfigPath`; only names that need it are quoted. */
export function formatConfigPath(path: readonly PropertyKey[]): string {
  return path
    .map(String)
    .reduce(
      (text, name) =>
        /^[^.[\]"\\]+$/.test(name) ? `${text}${text ? '.' : ''}${name}` : `${text}[${JSON.stringify(name)}]`,
      '',
    );
}

export function isTree(value: unknown): value is ConfigTree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function child(node: unknown, name: string): unknown {
  if (Array.isArray(node)) return /^\d+$/.test(name) ? (node as unknown[])[Number(name)] : undefined;
  return isTree(node) && Object.hasOwn(node, name) ? node[name] : undefined;
}

export function getAt(tree: unknown, path: ConfigPath): unknown {
  return path.reduce(child, tree);
}

/** A copy with the value set; objects that are missing on the way are made. Refuses to turn a scalar into an object. */
export function setAt(tree: unknown, path: ConfigPath, value: unknown): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return value;
  const next = setAt(child(tree, name), rest, value);
  if (Array.isArray(tree)) {
    const index = Number(name);
    if (!Number.isInteger(index) || index > tree.length) throw new Error(`no such array place: ${name}`);
    return tree.toSpliced(index, 1, next);
  }
  if (tree !== undefined && !isTree(tree))
    throw new Error(`cannot set ${name} inside a ${tree === null ? 'null' : typeof tree}`);
  return Object.fromEntries([...Object.entries(tree ?? {}), [name, next]]);
}

/** A copy without the value; the same tree when there is none. */
export function unsetAt(tree: unknown, path: ConfigPath): unknown {
  const [name, ...rest] = path;
  if (name === undefined || child(tree, name) === undefined) return tree;
  if (Array.isArray(tree)) {
    const index = Number(name);
    return rest.length === 0 ? tree.toSpliced(index, 1) : tree.with(index, unsetAt(tree[index], rest));
  }
  if (rest.length > 0) return setAt(tree, [name], unsetAt(child(tree, name), rest));
  return Object.fromEntries(Object.entries(isTree(tree) ? tree : {}).filter(([other]) => other !== name));
}

/** Calls back for every leaf that is neither an object nor an array, with its path. */
export function mapLeaves(
  node: unknown,
  change: (leaf: unknown, path: ConfigPath) => unknown,
  path: ConfigPath = [],
): unknown {
  if (Array.isArray(node))
    return node.map((item, index) => mapLeaves(item, change, [...path, String(index)]));
  if (!isTree(node)) return change(node, path);
  return Object.fromEntries(
    Object.entries(node).map(([name, value]) => [name, mapLeaves(value, change, [...path, name])]),
  );
}
