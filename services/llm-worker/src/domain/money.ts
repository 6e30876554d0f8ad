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

/** The most a call can cost: every input token written to the cache, every output token used. */
export function worstCase(inputTokens: number, maxTokens: number, price: Price): number {
  return Math.ceil(inputTokens * Math.max(price.input, price.cacheWrite) + maxTokens * price.output);
}
