import { budgetKeys, runScript, type Redis } from '@moltbot/shared/redis';
import { budgetHold1, budgetSettle1 } from './scripts.gen.ts';
import { wholeNumber } from './usage.ts';

/** Longer than a connection takes to come back and send what got no reply again. */
const SETTLED_KEPT_MS = 10 * 60_000;
const DAY_KEPT_SECONDS = 40 * 24 * 60 * 60;

/** A reservation against one scope's limit of a UTC day. Amounts in millionths of a US dollar. */
export type Hold = Readonly<{
  scope: string;
  day: string;
  holdId: string;
  amountMicroUsd: number;
  limitMicroUsd: number;
  leaseMs: number;
}>;

/** Reserves the worst case, or says how much is left. A hold ends by itself with its lease. */
export async function holdBudget(
  redis: Redis,
  hold: Hold,
): Promise<{ granted: boolean; leftMicroUsd: number }> {
  const keys = [budgetKeys.day(hold.scope, hold.day), budgetKeys.holds(hold.scope)];
  const args = [
    hold.holdId,
    wholeNumber(hold.amountMicroUsd),
    Math.floor(hold.limitMicroUsd),
    hold.leaseMs,
    DAY_KEPT_SECONDS,
  ];
  const [granted, left] = (await runScript(redis, budgetHold1, keys, args)) as [number, string];
  return { granted: granted === 1, leftMicroUsd: Number(left) };
}

/** For calls that do not end their turn (a compaction, a failed attempt); commit settles the rest. */
export async function settleBudget(
  redis: Redis,
  scope: string,
  day: string,
  holdId: string,
  costMicroUsd: number,
): Promise<void> {
  await runScript(
    redis,
    budgetSettle1,
    [budgetKeys.day(scope, day), budgetKeys.holds(scope)],
    [holdId, wholeNumber(costMicroUsd), SETTLED_KEPT_MS],
  );
}

/** What a scope has spent of its day; holds do not count. */
export async function budgetSpent(redis: Redis, scope: string, day: string): Promise<number> {
  return Number((await redis.hget(budgetKeys.day(scope, day), 'spent')) ?? 0);
}

/** Whether nobody has told `what` of this scope and day before; of several that ask, one hears yes. */
export async function tellOnce(redis: Redis, scope: string, day: string, what: string): Promise<boolean> {
  return (await redis.hsetnx(budgetKeys.day(scope, day), `told ${what}`, '1')) === 1;
}
