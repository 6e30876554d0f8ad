import { Failure } from '../../failure.ts';

export type ConfigPath = readonly string[];
type Tree = Record<string, unknown>;

const SEGMENT = /(?:^|\.)([^.[\]"]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]/gy;

/** `a.b`, `a[0].b` and `a["x.y"]`: names with dots in them are quoted. */
export function parsePath(text: string): ConfigPath {
  const names: string[] = [];
  let end = 0;
  for (const match of text.matchAll(SEGMENT)) {
    names.push(match[1] ?? match[2] ?? (match[3] ?? '').replaceAll(/\\(.)/g, '$1'));
    end = match.index + match[0].length;
  }
  if (names.length === 0 || end !== text.length || text.startsWith('.')) {
    throw new Failure(
      `not a config path: ${text}`,
      'write agents.defaults.maxConcurrent, or agents.list[0].id, or models.providers["my.name"]',
    );
  }
  return names;
}

export function valueAt(tree: unknown, path: ConfigPath): unknown {
  return path.reduce<unknown>((node, name) => {
    if (Array.isArray(node)) return /^\d+$/.test(name) ? (node as unknown[])[Number(name)] : undefined;
    return isTree(node) && Object.hasOwn(node, name) ? node[name] : undefined;
  }, tree);
}

/**
 * The smallest merge patch that makes the change. `undefined` removes. A merge patch
 * cannot reach into an array, so the whole array is written, with the one place changed.
 */
export function mergePatch(tree: unknown, path: ConfigPath, value: unknown): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return value === undefined ? null : replacing(tree, value);
  if (Array.isArray(tree)) return changedArray(tree, name, rest, value);
  const child = isTree(tree) && Object.hasOwn(tree, name) ? tree[name] : undefined;
  return { [name]: mergePatch(child, rest, value) };
}

/** An object replaces the one before it: what it leaves out goes. */
function replacing(before: unknown, value: unknown): unknown {
  if (!isTree(before) || !isTree(value)) return value;
  const gone = Object.keys(before).filter((name) => !Object.hasOwn(value, name));
  const kept = Object.entries(value).map(([name, next]) => [name, replacing(before[name], next)]);
  return Object.fromEntries([...gone.map((name) => [name, null]), ...kept]) as Tree;
}

function changedArray(array: readonly unknown[], name: string, rest: ConfigPath, value: unknown): unknown[] {
  const index = Number(name);
  if (!Number.isInteger(index) || index < 0 || index > array.length) {
    throw new Failure(`no such place in the list: [${name}]`, `it has ${array.length}, counted from 0`);
  }
  if (rest.length === 0)
    return value === undefined ? array.toSpliced(index, 1) : array.toSpliced(index, 1, value);
  const item = array[index];
  return array.toSpliced(index, 1, applied(item, mergePatch(item, rest, value)));
}

/** RFC 7396, for the items of an array that is written whole. */
function applied(target: unknown, patch: unknown): unknown {
  if (!isTree(patch)) return patch;
  const merged: Tree = isTree(target) ? { ...target } : {};
  for (const [name, change] of Object.entries(patch)) {
    if (change === null) delete merged[name];
    else merged[name] = applied(merged[name], change);
  }
  return merged;
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
