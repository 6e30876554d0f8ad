import { z } from 'zod';
import { MoltbotConfig, type ConfigKeyHint } from '@moltbot/shared/contracts';
import type { ConfigPath } from './path.ts';

/** As much of JSON Schema as `z.toJSONSchema` writes for our schema. */
export type SchemaNode = Readonly<{
  type?: string;
  description?: string;
  default?: unknown;
  enum?: readonly unknown[];
  properties?: Readonly<Record<string, SchemaNode>>;
  additionalProperties?: SchemaNode | boolean;
  items?: SchemaNode;
  anyOf?: readonly SchemaNode[];
  hint?: ConfigKeyHint;
}>;

let memo: SchemaNode | undefined;

/** The schema with our hints inside, made once. */
export function schemaTree(): SchemaNode {
  memo ??= z.toJSONSchema(MoltbotConfig, {
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
  }) as SchemaNode;
  return memo;
}

/** The nodes that may describe a value at this place: a union has several. */
function* branches(node: SchemaNode | undefined): Generator<SchemaNode> {
  if (!node) return;
  yield node;
  for (const branch of node.anyOf ?? []) yield* branches(branch);
}

function step(node: SchemaNode, name: string): SchemaNode[] {
  return [...branches(node)].flatMap((branch) => {
    const named =
      branch.properties && Object.hasOwn(branch.properties, name) ? branch.properties[name] : undefined;
    const other = typeof branch.additionalProperties === 'object' ? branch.additionalProperties : undefined;
    const found = named ?? (branch.type === 'array' ? branch.items : other);
    return found ? [found] : [];
  });
}

export function schemaNodesAt(path: ConfigPath): readonly SchemaNode[] {
  return path.reduce(
    (nodes: readonly SchemaNode[], name) => nodes.flatMap((node) => step(node, name)),
    [schemaTree()],
  );
}

/** Names a value at this path may have, for "did you mean". */
export function knownNamesAt(path: ConfigPath): readonly string[] {
  return schemaNodesAt(path).flatMap((node) =>
    [...branches(node)].flatMap((branch) => Object.keys(branch.properties ?? {})),
  );
}

export type ConfigKey = Readonly<{ path: ConfigPath; node: SchemaNode; hint: ConfigKeyHint }>;

/** Every described key, in the schema's order; `*` stands for a name people choose, `[]` for an array's item. */
export function configKeys(node: SchemaNode = schemaTree(), path: ConfigPath = []): readonly ConfigKey[] {
  const own = node.hint && path.length > 0 ? [{ path, node, hint: node.hint }] : [];
  const inner = [...branches(node)].flatMap((branch) => [
    ...Object.entries(branch.properties ?? {}).flatMap(([name, next]) => configKeys(next, [...path, name])),
    ...(typeof branch.additionalProperties === 'object'
      ? configKeys(branch.additionalProperties, [...path, '*'])
      : []),
    ...(branch.items ? configKeys(branch.items, [...path, '[]']) : []),
  ]);
  return [...own, ...inner];
}
