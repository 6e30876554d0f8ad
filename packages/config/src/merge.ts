import { isDeepStrictEqual } from 'node:util';
import type { ConfigTree } from '@moltbot/shared/contracts';
import { isTree } from './path.ts';

/** RFC 7396: objects merge, null deletes, arrays and scalars replace. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isTree(patch)) return patch;
  const merged = new Map(Object.entries(isTree(target) ? target : {}));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, mergePatch(merged.get(name), value));
  }
  return Object.fromEntries(merged);
}

/**
 * The smallest patch that makes `to` of `from`: `mergePatch(from, createMergePatch(from, to))` is `to`.
 *
 * @NOTE a merge patch cannot write a null, so `to` must hold none; no key of `moltbot.json` may be null.
 */
export function createMergePatch(from: ConfigTree, to: ConfigTree): ConfigTree {
  const patch: [string, unknown][] = [];
  for (const name of Object.keys(from)) if (!Object.hasOwn(to, name)) patch.push([name, null]);
  for (const [name, value] of Object.entries(to)) {
    const before = Object.hasOwn(from, name) ? from[name] : undefined;
    if (isDeepStrictEqual(before, value)) continue;
    patch.push([name, isTree(before) && isTree(value) ? createMergePatch(before, value) : value]);
  }
  return Object.fromEntries(patch);
}

/** Several `$include` files, in order: objects merge, arrays concatenate, scalars of the later file win. */
export function mergeIncluded(first: unknown, second: unknown): unknown {
  if (Array.isArray(first) && Array.isArray(second))
    return [...(first as unknown[]), ...(second as unknown[])];
  if (!isTree(first) || !isTree(second)) return second;
  const merged = new Map(Object.entries(first));
  for (const [name, value] of Object.entries(second)) {
    merged.set(name, merged.has(name) ? mergeIncluded(merged.get(name), value) : value);
  }
  return Object.fromEntries(merged);
}

/** Keys written beside an `$include`: objects merge, everything else replaces, null included. */
export function overrideIncluded(included: unknown, siblings: unknown): unknown {
  if (!isTree(included) || !isTree(siblings)) return siblings;
  const merged = new Map(Object.entries(included));
  for (const [name, value] of Object.entries(siblings))
    merged.set(name, overrideIncluded(merged.get(name), value));
  return Object.fromEntries(merged);
}
