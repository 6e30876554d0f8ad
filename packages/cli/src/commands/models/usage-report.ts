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

export type CostReport = Readonly<{
  updatedAt: number;
  days: number;
  daily: readonly (Totals & { date: string })[];
  totals: Totals;
}>;

/** The counters of one model on one day, as the ledger keeps them. */
type UsageRow = Readonly<{
  model: string;
  calls: number;
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  costMicroUsd: number;
  /** Calls of a model without a price. */
  unpriced: number;
}>;

export type UsageReport = Readonly<{
  updatedAt: number;
  days: number;
  /** Whose usage it is; `all` for the company's. */
  user: string;
  daily: readonly Readonly<{ day: string; rows: readonly UsageRow[] }>[];
}>;

export type UsageEntry = UsageRow & Readonly<{ day: string; tokens: number }>;

export const readCost = (gateway: Gateway, days: number): Promise<CostReport> =>
  gateway.call<CostReport>('usage.cost', { days });

export const readUsage = (gateway: Gateway, query: { days: number; all?: boolean }): Promise<UsageReport> =>
  gateway.call<UsageReport>('models.usage', query);

export function entriesOf(report: UsageReport): UsageEntry[] {
  return report.daily.flatMap(({ day, rows }) =>
    rows.map((row) => ({ ...row, day, tokens: row.input + row.output + row.cacheRead + row.cacheWrite })),
  );
}
