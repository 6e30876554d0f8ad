import type { Usage } from '@moltbot/shared/contracts';
import { userKeys, type Redis } from '@moltbot/shared/redis';

/** After this the archive's journal alone knows. */
export const USAGE_KEPT_SECONDS = 100 * 24 * 60 * 60;

const COUNTERS = ['input', 'output', 'cacheRead', 'cacheWrite'] as const;

/** `<model>|<what>` and a count, as commit adds them to the day's hashes. */
export function usageMembers(model: string, usage: Usage): (string | number)[] {
  const priced = usage.costMicroUsd === null ? ['missing', 1] : ['cost', usage.costMicroUsd];
  const members = [['calls', 1], ...COUNTERS.map((name) => [name, usage[name]]), priced] as [
    string,
    number,
  ][];
  const counted = members.filter(([, count]) => count > 0);
  return counted.flatMap(([name, count]) => [`${model}|${name}`, wholeNumber(count)]);
}

/** What HINCRBY takes; anything else would stop a script half way. */
export function wholeNumber(count: number): number {
  return Number.isFinite(count) ? Math.min(Math.max(Math.ceil(count), 0), Number.MAX_SAFE_INTEGER) : 0;
}

export type UsageRow = {
  model: string;
  calls: number;
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  costMicroUsd: number;
  unpriced: number;
};

/** One user's usage of a UTC day (`YYYY-MM-DD`) by model; everybody's for the user `*`. */
export async function readUsage(
  redis: Redis,
  uid: string,
  days: readonly string[],
): Promise<{ day: string; rows: UsageRow[] }[]> {
  const pipeline = redis.pipeline();
  for (const day of days) pipeline.hgetall(userKeys.usage(uid, day));
  const replies = (await pipeline.exec()) ?? [];
  return days.map((day, index) => ({
    day,
    rows: toRows((replies[index]?.[1] ?? {}) as Record<string, string>),
  }));
}

function toRows(hash: Readonly<Record<string, string>>): UsageRow[] {
  const models = new Map<string, Record<string, number>>();
  for (const [member, count] of Object.entries(hash)) {
    const bar = member.lastIndexOf('|');
    const model = member.slice(0, bar);
    const row = models.get(model) ?? {};
    row[member.slice(bar + 1)] = Number(count);
    models.set(model, row);
  }
  return [...models].map(([model, row]) => ({
    model,
    calls: row['calls'] ?? 0,
    input: row['input'] ?? 0,
    output: row['output'] ?? 0,
    cacheRead: row['cacheRead'] ?? 0,
    cacheWrite: row['cacheWrite'] ?? 0,
    costMicroUsd: row['cost'] ?? 0,
    unpriced: row['missing'] ?? 0,
  }));
}
