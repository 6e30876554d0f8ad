import { readFileSync } from 'node:fs';
import JSON5 from 'json5';
import { configPath, type Env } from './environment.ts';

export type LocalConfig = Readonly<{ path: string; tree: Readonly<Record<string, unknown>> }>;

/**
 * The configuration file of this machine, as far as this command needs it: where the
 * gateway is and its token. The gateway reads it properly; a file that is absent, not
 * readable for us or not JSON5 is no reason to fail here.
 */
export function readLocalConfig(env: Env): LocalConfig | undefined {
  const path = configPath(env);
  try {
    const tree: unknown = JSON5.parse(readFileSync(path, 'utf8'));
    return isTree(tree) ? { path, tree } : undefined;
  } catch {
    return undefined;
  }
}

/** A text at a dotted path with `${NAME}` replaced; undefined when a variable is not set here. */
export function localText(config: LocalConfig | undefined, path: string, env: Env): string | undefined {
  const value = at(config?.tree, path);
  if (typeof value !== 'string' || value === '') return undefined;
  let isComplete = true;
  const text = value.replace(/\$\{([A-Z_][A-Z0-9_]*)\}/g, (_reference, name: string) => {
    isComplete &&= Boolean(env[name]);
    return env[name] ?? '';
  });
  return isComplete ? text : undefined;
}

/** The port; a reference to a variable is not followed for it. */
export function localNumber(config: LocalConfig | undefined, path: string): number | undefined {
  const value = at(config?.tree, path);
  return typeof value === 'number' ? value : undefined;
}

const at = (tree: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((node, name) => (isTree(node) ? node[name] : undefined), tree);

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
