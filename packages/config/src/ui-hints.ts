import { configKeys, schemaTree, type SchemaNode } from './schema-tree.ts';

export type ConfigUiHint = {
  label?: string;
  help?: string;
  group?: string;
  order?: number;
  advanced?: boolean;
  sensitive?: boolean;
  placeholder?: string;
};

/** `maxConcurrent` -> `Max concurrent`. */
function labelOf(name: string): string {
  const words = name.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Draft-07 for editors and forms, without our own annotations. */
export function configJsonSchema(): SchemaNode {
  return JSON.parse(
    JSON.stringify(schemaTree(), (name, value: unknown) => (name === 'hint' ? undefined : value)),
  ) as SchemaNode;
}

/**
 * By dotted path. The Control UI leaves array places out of the paths it looks up, so `agents.list[0].id`
 * is found under `agents.list.id`.
 */
export function configUiHints(): Record<string, ConfigUiHint> {
  const hints: Record<string, ConfigUiHint> = {};
  configKeys().forEach(({ path, node, hint }, order) => {
    const names = path.filter((name) => name !== '[]');
    hints[names.join('.')] ??= {
      label: labelOf(names.at(-1) ?? ''),
      group: labelOf(names[0] ?? ''),
      order,
      ...(node.description === undefined ? {} : { help: node.description }),
      ...(hint.sensitive ? { sensitive: true } : {}),
      ...(hint.advanced || hint.inert ? { advanced: true } : {}),
      ...(hint.placeholder === undefined ? {} : { placeholder: hint.placeholder }),
    };
  });
  return hints;
}
