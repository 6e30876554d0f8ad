import type { Gateway } from '../../target/gateway.ts';

export type Totals = Readonly<{
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  totalTokens: number;
  /** US dollars. */
  totalCost: number;
  missingCostEntries: number;
}>;

/** One user's use of one model on one day (UTC). */
export type UsageEntry = Totals & Readonly<{ date: string; userId?: string; model: string; calls: number }>;

export type UsageReport = Readonly<{
  updatedAt: number;
  days: number;
  daily: readonly (Totals & { date: string })[];
  totals: Totals;
  entries?: readonly UsageEntry[];
}>;

export type UsageQuery = Readonly<{ days: number; userId?: string }>;

export const readUsage = (gateway: Gateway, query: UsageQuery): Promise<UsageReport> =>
  gateway.call<UsageReport>('usage.cost', query);

/** An upstream gateway knows days only. */
export const readModelUsage = (gateway: Gateway, query: UsageQuery): Promise<UsageReport> =>
  gateway.has('models.usage') ? gateway.call<UsageReport>('models.usage', query) : readUsage(gateway, query);
