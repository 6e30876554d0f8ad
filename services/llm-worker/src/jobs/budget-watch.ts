import { budgetSpent, tellOnce } from '@moltbot/turns';
import type { Redis } from '@moltbot/shared/redis';
import { budgetDay, budgetScope, sharesPassed } from '../domain/budget-day.ts';

export type WatchedBudget = Readonly<{ provider: string; dailyUsd: number; alert: boolean }>;

export type BudgetEvents = Readonly<{
  budgetLeft(provider: string, ratio: number): void;
  budgetAlert(budget: WatchedBudget, share: number, spentUsd: number): void;
}>;

const LOOK_INTERVAL_MS = 2_000;

/** Looks at what was spent of every daily budget. Each share passed is told once a day, by one worker of all. */
export function watchBudgets(
  redis: Redis,
  budgets: () => readonly WatchedBudget[],
  events: BudgetEvents,
): Disposable {
  const look = async (budget: WatchedBudget): Promise<void> => {
    const [scope, day] = [budgetScope(budget.provider), budgetDay(new Date())];
    const limitMicroUsd = budget.dailyUsd * 1e6;
    const spentMicroUsd = await budgetSpent(redis, scope, day);
    events.budgetLeft(budget.provider, Math.max(0, 1 - spentMicroUsd / limitMicroUsd));
    if (!budget.alert) return;
    for (const share of sharesPassed(spentMicroUsd, limitMicroUsd))
      if (await tellOnce(redis, scope, day, `${share} % of ${budget.dailyUsd}`))
        events.budgetAlert(budget, share, spentMicroUsd / 1e6);
  };
  const timer = setInterval(() => {
    for (const budget of budgets()) void look(budget).catch(() => undefined); // Redis is away; the next look
  }, LOOK_INTERVAL_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
