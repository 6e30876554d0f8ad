import { randomUUID } from 'node:crypto';
import { holdBudget, settleBudget } from '@moltbot/turns';
import { budgetKeys } from '@moltbot/shared/redis';
import { describe, test } from 'vitest';
import { forgetful, useLedger } from './setup.ts';

const ledger = useLedger();
const DAY = '2026-11-26';

const hold = (scope: string, holdId: string, amountMicroUsd: number, leaseMs = 60_000) =>
  holdBudget(ledger.redis(), { scope, day: DAY, holdId, amountMicroUsd, limitMicroUsd: 1_000, leaseMs });

describe('budget', () => {
  test('holds add up to the limit, the same hold counts once, spending stays', async ({ expect }) => {
    const scope = randomUUID();
    expect(await hold(scope, 'a', 600)).toEqual({ granted: true, leftMicroUsd: 400 });
    expect(await hold(scope, 'a', 700)).toEqual({ granted: true, leftMicroUsd: 300 });
    expect(await hold(scope, 'b', 301)).toEqual({ granted: false, leftMicroUsd: 300 });
    await settleBudget(ledger.redis(), scope, DAY, 'a', 99.5);
    expect(await hold(scope, 'b', 900)).toEqual({ granted: true, leftMicroUsd: 0 });
    expect(await ledger.redis().ttl(budgetKeys.day(scope, DAY))).toBeGreaterThan(0);
  });

  test('the hold of a dead worker ends with its lease', async ({ expect }) => {
    const scope = randomUUID();
    await hold(scope, 'dead', 1_000, -1);
    expect(await hold(scope, 'next', 1_000)).toEqual({ granted: true, leftMicroUsd: 0 });
    expect(await ledger.redis().hkeys(budgetKeys.holds(scope))).toEqual(['next']);
  });

  test('of many at once no more are granted than the limit allows', async ({ expect }) => {
    const scope = randomUUID();
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => hold(scope, `h${i}`, 100)));
    expect(answers.filter(({ granted }) => granted)).toHaveLength(10);
  });

  test('a call is paid for once, however often its settling is sent, also after its hold has ended', async ({
    expect,
  }) => {
    const scope = randomUUID();
    await hold(scope, 'a', 600);
    await settleBudget(forgetful(ledger.redis()), scope, DAY, 'a', 100);
    await hold(scope, 'late', 600, -1);
    expect(await hold(scope, 'next', 900)).toEqual({ granted: true, leftMicroUsd: 0 });
    await settleBudget(forgetful(ledger.redis()), scope, DAY, 'late', 50);
    expect(await ledger.redis().hget(budgetKeys.day(scope, DAY), 'spent')).toBe('150');
  });

  test('large amounts are whole numbers in every place', async ({ expect }) => {
    const scope = randomUUID();
    const large = {
      scope,
      day: DAY,
      holdId: 'x',
      amountMicroUsd: 3e15,
      limitMicroUsd: 9e15,
      leaseMs: 60_000,
    };
    expect(await holdBudget(ledger.redis(), large)).toEqual({ granted: true, leftMicroUsd: 6e15 });
    expect(await ledger.redis().hget(budgetKeys.holds(scope), 'x')).toMatch(/^3000000000000000 \d{13}$/);
    await settleBudget(ledger.redis(), scope, DAY, 'x', 3e15);
    expect(await ledger.redis().hget(budgetKeys.day(scope, DAY), 'spent')).toBe('3000000000000000');
  });
});
