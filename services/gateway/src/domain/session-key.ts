import { AppError } from '@moltbot/shared/errors';
import type { Lane } from '@moltbot/shared/contracts';

/** What the configuration says about keys. */
export type KeyRules = Readonly<{ mainKey: string; scope: 'per-sender' | 'global'; defaultAgentId: string }>;

export type ResolvedKey = Readonly<{
  /** `agent:<agentId>:<rest>` or `global`, lower case: where the session is stored. */
  key: string;
  /** The client's own spelling, trimmed: what events echo. */
  shownKey: string;
  agentId: string;
  lane: Lane;
  kind: 'dm' | 'group' | 'thread';
}>;

const MAX_KEY_CHARS = 512;
const RESERVED = new Set(['unknown']);
const CONTROLS = /\p{Cc}/u;

/**
 * One session, one key: `main`, the configured main key and `agent:<id>:main` are the same, a bare
 * `foo` belongs to the default agent. Whose session it is follows from the user alone.
 */
export function resolveKey(spelled: string, rules: KeyRules, agentId = rules.defaultAgentId): ResolvedKey {
  const shownKey = spelled.trim();
  const lower = shownKey.toLowerCase();
  refuseUnusable(lower);
  if (rules.scope === 'global' || lower === 'global') return named('global', shownKey, agentId, '');
  const [, prefix, own = lower] = /^agent:([^:]*):(.+)$/.exec(lower) ?? [];
  const agent = prefix === undefined ? agentId : agentName(prefix);
  const rest = own === '' || own === 'main' ? rules.mainKey : own;
  const key = `agent:${agent}:${rest}`;
  return named(key, shownKey === '' ? key : shownKey, agent, rest);
}

function refuseUnusable(key: string): void {
  if (key.length > MAX_KEY_CHARS)
    throw new AppError('INVALID_REQUEST', `session key is longer than ${MAX_KEY_CHARS} characters`);
  if (RESERVED.has(key)) throw new AppError('INVALID_REQUEST', `session key "${key}" is reserved`);
  if (CONTROLS.test(key)) throw new AppError('INVALID_REQUEST', 'session key holds control characters');
}

function named(key: string, shownKey: string, agentId: string, rest: string): ResolvedKey {
  const kind = rest.includes(':thread:') ? 'thread' : /:(group|channel):/.test(rest) ? 'group' : 'dm';
  return { key, shownKey, agentId, kind, lane: rest.startsWith('subagent:') ? 'subagent' : 'main' };
}

/** Upstream's rule for agent ids: lower case, other characters become `-`, at most 64. */
function agentName(raw: string): string {
  const id = raw
    .trim()
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 64);
  return id === '' ? 'main' : id;
}

export function mainSessionKey(rules: KeyRules): string {
  return rules.scope === 'global' ? 'global' : `agent:${rules.defaultAgentId}:${rules.mainKey}`;
}
