import type { Usage } from '@moltbot/shared/contracts';
import type { TokenCounts } from './model.ts';

/** USD per million tokens is the same number as micro-USD per token. */
export type Price = Readonly<{ input: number; output: number; cacheRead: number; cacheWrite: number }>;

export function priced(counts: TokenCounts, price: Price | undefined): Usage {
  return { ...counts, costMicroUsd: price === undefined ? null : cost(counts, price) };
}

function cost(counts: TokenCounts, price: Price): number {
  const { input, output, cacheRead, cacheWrite } = counts;
  return Math.ceil(
    input * price.input + output * price.output + cacheRead * price.cacheRead + cacheWrite * price.cacheWrite,
  );
}

/** What two calls have used together, as far as they were made; unpriced when one of them is. */
export function together(one: Usage | undefined, other: Usage | undefined): Usage | undefined {
  if (!one || !other) return one ?? other;
  const unpriced = one.costMicroUsd === null || other.costMicroUsd === null;
  return {
    input: one.input + other.input,
    output: one.output + other.output,
    cacheRead: one.cacheRead + other.cacheRead,
    cacheWrite: one.cacheWrite + other.cacheWrite,
    costMicroUsd: unpriced ? null : (one.costMicroUsd ?? 0) + (other.costMicroUsd ?? 0),
  };
}

/** The most a call can cost: every input token written to the cache, every output token used. */
export function worstCase(inputTokens: number, maxTokens: number, price: Price): number {
  return Math.ceil(inputTokens * Math.max(price.input, price.cacheWrite) + maxTokens * price.output);
}
