import type { ConfigIssue, MoltbotConfig } from '@moltbot/shared/contracts';
import { formatConfigPath, getAt, isTree, type ConfigPath } from './path.ts';
import { schemaNodesAt } from './schema-tree.ts';

const MIN_TOKEN_LENGTH = 32;
const SHARED_TOKEN = ['token', 'previousToken'] as const;
const SHARED_PASSWORD = ['password', 'previousToken'] as const;

/** Places that older files use, and what replaced them. */
const MOVED: readonly (readonly [path: ConfigPath, advice: string])[] = [
  [['agent'], 'moved to agents.defaults'],
  [['identity'], 'moved to agents.list[].identity'],
  [['routing'], 'moved to bindings and messages'],
  [['gateway', 'token'], 'moved to gateway.auth.token'],
  [['whatsapp'], 'moved to channels.whatsapp'],
  [['telegram'], 'moved to channels.telegram'],
  [['slack'], 'moved to channels.slack'],
  [['discord'], 'moved to channels.discord'],
];

export function legacyIssues(tree: unknown): ConfigIssue[] {
  return MOVED.filter(([path]) => getAt(tree, path) !== undefined).map(([path, message]) => ({
    path: formatConfigPath(path),
    message,
  }));
}

/** Keys that are accepted and do nothing, so that nobody waits for an effect. */
function unread(node: unknown, path: ConfigPath): ConfigIssue[] {
  if (path.length > 0 && path[0] !== 'meta' && schemaNodesAt(path).some((schema) => schema.hint?.inert)) {
    return [{ path: formatConfigPath(path), message: 'accepted for compatibility; nothing here reads it' }];
  }
  const entries: [string, unknown][] = Array.isArray(node)
    ? node.map((item, index) => [String(index), item])
    : Object.entries(isTree(node) ? node : {});
  return entries.flatMap(([name, value]) => unread(value, [...path, name]));
}

/**
 * Every door refuses a short gateway token, so a configuration with one would lock everybody out. A
 * reference that could not be substituted is reported as that.
 */
export function tokenIssues({ gateway }: MoltbotConfig): ConfigIssue[] {
  const names = gateway.auth.mode === 'password' ? SHARED_PASSWORD : SHARED_TOKEN;
  return names.flatMap((name) => {
    const token = gateway.auth[name];
    if (token === undefined || token.includes('${') || token.length >= MIN_TOKEN_LENGTH) return [];
    const message = `has ${token.length} characters; at least ${MIN_TOKEN_LENGTH} are required (generate one: openssl rand -hex 32)`;
    return [{ path: `gateway.auth.${name}`, message }];
  });
}

/** What works and still deserves a look. */
export function configWarnings(tree: unknown, config: MoltbotConfig): ConfigIssue[] {
  const warnings = unread(tree, []);
  if (config.logging.redactSensitive === 'off') {
    warnings.push({ path: 'logging.redactSensitive', message: 'secrets are redacted whatever it says' });
  }
  return warnings;
}
