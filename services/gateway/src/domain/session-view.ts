import type { SessionEntry } from './ports.ts';

export type Defaults = Readonly<{ modelProvider: string; model: string; contextTokens: number }>;

const SETTINGS = [
  'thinkingLevel',
  'verboseLevel',
  'reasoningLevel',
  'responseUsage',
  'elevatedLevel',
  'execHost',
  'execSecurity',
  'execAsk',
  'execNode',
  'sendPolicy',
  'groupActivation',
  'spawnedBy',
  'label',
] as const;

/** An entry as `sessions.patch` and `sessions.reset` return it. */
export function toEntry(entry: SessionEntry): Record<string, unknown> {
  const number = (name: string): number => Number(entry[name] ?? 0);
  return {
    sessionId: entry['sid'],
    updatedAt: number('updatedAt'),
    systemSent: entry['runId'] !== undefined,
    abortedLastRun: entry['aborted'] === '1',
    chatType: 'direct',
    ...Object.fromEntries(
      SETTINGS.flatMap((name) => (entry[name] === undefined ? [] : [[name, entry[name]]])),
    ),
    ...overrides(entry),
    inputTokens: number('inputTokens'),
    outputTokens: number('outputTokens'),
    totalTokens: number('totalTokens'),
    ...(entry['model'] !== undefined && { model: entry['model'], modelProvider: entry['modelProvider'] }),
    ...(entry['contextTokens'] !== undefined && { contextTokens: number('contextTokens') }),
  };
}

function overrides(entry: SessionEntry): Record<string, unknown> {
  const ref = entry['modelOverride'];
  if (ref === undefined) return {};
  const slash = ref.indexOf('/');
  return { modelOverride: ref.slice(slash + 1), ...(slash > 0 && { providerOverride: ref.slice(0, slash) }) };
}

/** A row of `sessions.list`. */
export function toRow(
  entry: SessionEntry,
  defaults: Defaults,
  extras: Readonly<{ titles: boolean; previews: boolean }>,
): Record<string, unknown> {
  const key = entry['key'] ?? '';
  return {
    key,
    kind: kindOf(key),
    ...defaults,
    ...toEntry(entry),
    ...(entry['label'] !== undefined && { displayName: entry['label'] }),
    lastChannel: 'webchat',
    deliveryContext: { channel: 'webchat' },
    ...(entry['runId'] !== undefined && { lastRunId: entry['runId'] }),
    ...(extras.titles && { derivedTitle: entry['title'] || undefined }),
    ...(extras.previews && { lastMessagePreview: entry['preview'] || undefined }),
  };
}

function kindOf(key: string): 'direct' | 'group' | 'global' | 'unknown' {
  if (key === 'global' || key === 'unknown') return key;
  return /:(group|channel):/.test(key) ? 'group' : 'direct';
}

/** A row of `status`. */
export function toRecent(entry: SessionEntry, defaults: Defaults, nowMs: number): Record<string, unknown> {
  const row = toRow(entry, defaults, { titles: false, previews: false });
  const contextTokens = Number(row['contextTokens']);
  const totalTokens = Number(row['totalTokens']);
  return {
    agentId: agentOf(entry['key'] ?? ''),
    ...row,
    age: nowMs - Number(entry['updatedAt']),
    remainingTokens: Math.max(0, contextTokens - totalTokens),
    percentUsed: contextTokens > 0 ? Math.round((totalTokens / contextTokens) * 100) : 0,
    flags: [`id:${entry['sid'] ?? ''}`],
  };
}

export const agentOf = (key: string): string => /^agent:([^:]+):/.exec(key)?.[1] ?? 'main';
