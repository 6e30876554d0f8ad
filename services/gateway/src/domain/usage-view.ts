export type UsageCounts = Readonly<{
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  costMicroUsd: number;
  unpriced: number;
}>;
export type UsageDay = Readonly<{ day: string; rows: readonly UsageCounts[] }>;

const DAY_MS = 86_400_000;

/** UTC days, oldest first, today last. */
export function lastDays(count: number, nowMs: number): string[] {
  return Array.from({ length: count }, (_, index) =>
    new Date(nowMs - (count - 1 - index) * DAY_MS).toISOString().slice(0, 10),
  );
}

type Totals = {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  totalTokens: number;
  totalCost: number;
  missingCostEntries: number;
};

/** `usage.cost`: totals a day (days without use are left out) and over all; costs in US dollars. */
export function usageCost(days: number, usage: readonly UsageDay[], nowMs: number): Record<string, unknown> {
  const daily = usage
    .filter(({ rows }) => rows.length > 0)
    .map(({ day, rows }) => ({ date: day, ...sum(rows) }));
  return { updatedAt: nowMs, days, daily, totals: sum(usage.flatMap(({ rows }) => rows)) };
}

function sum(rows: readonly UsageCounts[]): Totals {
  const totals: Totals = {
    input: 0,
    output: 0,
    cacheRead: 0,
    cacheWrite: 0,
    totalTokens: 0,
    totalCost: 0,
    missingCostEntries: 0,
  };
  for (const row of rows) {
    totals.input += row.input;
    totals.output += row.output;
    totals.cacheRead += row.cacheRead;
    totals.cacheWrite += row.cacheWrite;
    totals.totalTokens += row.input + row.output + row.cacheRead + row.cacheWrite;
    totals.totalCost += row.costMicroUsd / 1e6;
    totals.missingCostEntries += row.unpriced;
  }
  return totals;
}
