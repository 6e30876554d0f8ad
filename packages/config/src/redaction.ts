import type { ConfigIssue } from '@moltbot/shared/contracts';
import { formatConfigPath, isTree, mapLeaves, type ConfigPath } from './path.ts';
import { isReference, isSecret } from './secrets.ts';

/** A secret's place in anything that leaves the process, as upstream spells it. A write that holds it keeps the stored value. */
export const REDACTED = '__OPENCLAW_REDACTED__';

/** Secrets by the sentinel. A `${NAME}` holds no secret and stays readable, unless it was substituted. */
export function redactTree<T>(tree: T, { keepReferences }: Readonly<{ keepReferences: boolean }>): T {
  return mapLeaves(tree, (leaf, path) => {
    if (typeof leaf !== 'string' || !isSecret(path, leaf)) return leaf;
    return keepReferences && isReference(leaf) ? leaf : REDACTED;
  }) as T;
}

function nameOf(item: unknown): unknown {
  return isTree(item) ? (item['id'] ?? item['name']) : undefined;
}

/**
 * The stored item that a written one continues. By its id when that is unmistakable, else by its place,
 * and by place only while none was added or removed: a secret must not move to its neighbour.
 */
function partner(items: readonly unknown[], index: number, before: unknown): unknown {
  if (!Array.isArray(before)) return undefined;
  const stored: readonly unknown[] = before;
  const name = nameOf(items[index]);
  const sameName = (item: unknown): boolean => name !== undefined && nameOf(item) === name;
  if (items.filter(sameName).length === 1 && stored.filter(sameName).length === 1)
    return stored.find(sameName);
  return items.length === stored.length ? stored[index] : undefined;
}

export type Restored = Readonly<{ tree: unknown; issues: readonly ConfigIssue[] }>;

/** Puts the stored value back wherever the sentinel was sent; a sentinel without one is a fault, never stored. */
export function restoreRedacted(next: unknown, previous: unknown): Restored {
  const issues: ConfigIssue[] = [];
  const restore = (node: unknown, before: unknown, path: ConfigPath): unknown => {
    if (typeof node === 'string' && node.includes(REDACTED)) {
      if (typeof before === 'string') return before;
      issues.push({
        path: formatConfigPath(path),
        message: `${REDACTED} was sent, but there is no stored value to keep`,
      });
      return node;
    }
    if (Array.isArray(node))
      return node.map((item, index) => restore(item, partner(node, index, before), [...path, String(index)]));
    if (!isTree(node)) return node;
    const stored = (name: string): unknown =>
      isTree(before) && Object.hasOwn(before, name) ? before[name] : undefined;
    return Object.fromEntries(
      Object.entries(node).map(([name, value]) => [name, restore(value, stored(name), [...path, name])]),
    );
  };
  return { tree: restore(next, previous, []), issues };
}
