import { randomUUID } from 'node:crypto';
import type { ContentBlock, Usage } from '@moltbot/shared/contracts';
import { AppError } from '@moltbot/shared/errors';
import type { CatalogModel } from '@moltbot/config';
import { holdBudget, settleBudget } from '@moltbot/turns';
import type { Redis } from '@moltbot/shared/redis';
import { budgetDay, budgetScope } from '../domain/budget-day.ts';
import { estimateTokens } from '../domain/context.ts';
import { priced, worstCase } from '../domain/money.ts';
import {
  NO_TOKENS,
  type AskModel,
  type ModelCall,
  type ModelEvent,
  type ModelStop,
  type TokenCounts,
} from '../domain/model.ts';
import { answerTokens } from '../domain/thinking.ts';

const TOKEN_CHARS = 4;
/** More than any answer's average, so that only a provider that ignores the limit is cut off. */
const LONGEST_TOKEN_CHARS = 32;
const HOLD_MARGIN_MS = 60_000;

export type Answer = Readonly<{
  content: readonly ContentBlock[];
  stop: ModelStop;
  /** What was said of an answer that was cut off here, so that the provider has not counted it. */
  uncountedChars: number;
}>;

/** A budgeted call: what it may cost is held before it starts, what it did cost is known whatever happens. */
export type PaidCall = Readonly<{
  model: CatalogModel;
  /** What the answer has begun with before this call; '' for most. */
  prefix: string;
  /** An answer that grows past this is no answer of so many tokens. */
  mostChars: number;
  events: AsyncIterable<ModelEvent>;
  /** So far; output is estimated where the provider has not counted it yet. */
  usage(saidChars: number): Usage;
  money: Readonly<{ scope: string; day: string; holdId: string }> | undefined;
}>;

export type Budget = Readonly<{ dailyUsd: number }>;

/** Holds the worst case and starts the call. Throws BUDGET_EXHAUSTED; nothing is asked then. */
export async function startCall(
  redis: Redis,
  ask: AskModel,
  model: CatalogModel,
  call: ModelCall,
  budget: Budget | undefined,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<PaidCall> {
  const money = budget === undefined ? undefined : await hold(redis, model, call, budget, timeoutMs);
  let counts: TokenCounts = NO_TOKENS;
  const events = async function* (): AsyncGenerator<ModelEvent> {
    for await (const event of ask(call, signal)) {
      if (event.type === 'usage' || event.type === 'done') counts = event.usage;
      yield event;
    }
  };
  return {
    model,
    prefix: call.prefix ?? '',
    mostChars: answerTokens(call, model.entry) * LONGEST_TOKEN_CHARS,
    events: events(),
    usage: (saidChars) =>
      priced({ ...counts, output: Math.max(counts.output, Math.ceil(saidChars / TOKEN_CHARS)) }, model.price),
    money,
  };
}

async function hold(
  redis: Redis,
  model: CatalogModel,
  call: ModelCall,
  budget: Budget,
  timeoutMs: number,
): Promise<NonNullable<PaidCall['money']>> {
  const price = model.price;
  if (price === undefined)
    throw new AppError(
      'BUDGET_EXHAUSTED',
      `model ${model.ref} has no price, and provider ${model.provider} has a daily budget: add its cost to models.providers.${model.provider}.models`,
    );
  const money = {
    scope: budgetScope(model.provider),
    day: budgetDay(new Date()),
    holdId: randomUUID(),
  };
  const prompt = estimateTokens(
    call.messages,
    call.system + JSON.stringify(call.tools) + (call.prefix ?? ''),
  );
  const amountMicroUsd = worstCase(prompt, answerTokens(call, model.entry), price);
  const limits = {
    amountMicroUsd,
    limitMicroUsd: budget.dailyUsd * 1e6,
    leaseMs: timeoutMs + HOLD_MARGIN_MS,
  };
  const { granted, leftMicroUsd } = await holdBudget(redis, { ...money, ...limits });
  if (granted) return money;
  const [left, wanted] = [leftMicroUsd, amountMicroUsd].map((micro) => (micro / 1e6).toFixed(4));
  throw new AppError(
    'BUDGET_EXHAUSTED',
    `the daily budget of provider ${model.provider} is used up: ${left} USD left, this turn may cost ${wanted} USD; it starts anew at 00:00 UTC`,
  );
}

/** For a call whose turn goes on without it (a fallback was asked, a summary was made). */
export async function settleCall(redis: Redis, paid: PaidCall, saidChars: number): Promise<Usage> {
  const usage = paid.usage(saidChars);
  if (paid.money)
    await settleBudget(redis, paid.money.scope, paid.money.day, paid.money.holdId, usage.costMicroUsd ?? 0);
  return usage;
}
