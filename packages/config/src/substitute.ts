import type { ConfigIssue } from '@moltbot/shared/contracts';
import { formatConfigPath, getAt, isTree, mapLeaves, parseConfigPath, type ConfigPath } from './path.ts';

const REFERENCE = /\$\$\{([A-Z_][A-Z0-9_]*)\}|\$\{([A-Z_][A-Z0-9_]*)\}/g;

export type Environment = Readonly<Record<string, string | undefined>>;

export type SubstituteOptions = Readonly<{
  /** Only below these paths (`*` matches one name): a service needs no variable of a key it does not read. */
  only?: readonly string[] | undefined;
}>;

/** True while every listed name agrees; a longer path lies below a shorter pattern. */
function below(pattern: ConfigPath, path: ConfigPath): boolean {
  return (
    pattern.length <= path.length && pattern.every((name, index) => name === '*' || name === path[index])
  );
}

/** Replaces `${NAME}`; `$${NAME}` stays a literal `${NAME}`. Every fault is reported; a faulty reference is left as it is. */
export function substitute(
  tree: unknown,
  env: Environment,
  { only }: SubstituteOptions = {},
): { tree: unknown; issues: ConfigIssue[] } {
  const patterns = only?.map(parseConfigPath);
  const issues: ConfigIssue[] = [];
  const replaced = mapLeaves(tree, (leaf, path) => {
    if (typeof leaf !== 'string' || !leaf.includes('${')) return leaf;
    if (patterns && !patterns.some((pattern) => below(pattern, path))) return leaf;
    return leaf.replace(REFERENCE, (reference: string, escaped?: string, name?: string) => {
      if (escaped !== undefined || name === undefined) return reference.slice(1);
      const value = env[name];
      if (value) return value;
      const at = formatConfigPath(path);
      issues.push({ path: at, message: `Missing env var "${name}" referenced at config path: ${at}` });
      return reference;
    });
  });
  return { tree: replaced, issues };
}

/** The process's environment over the file's own `env` section. */
export function environmentOf(tree: unknown, env: Environment): Environment {
  const section = getAt(tree, ['env']);
  if (!isTree(section)) return env;
  const { vars, ...direct } = section;
  const defaults = Object.entries({ ...direct, ...(isTree(vars) ? vars : {}) }).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string' && !env[entry[0]],
  );
  return { ...env, ...Object.fromEntries(defaults) };
}
