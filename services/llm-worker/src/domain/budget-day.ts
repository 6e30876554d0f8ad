/** Under which name a provider's spending is counted, and for which day. */
export const budgetScope = (provider: string): string => `provider:${provider}`;
export const budgetDay = (now: Date): string => now.toISOString().slice(0, 10);

/** Shares of a daily budget, in percent, at which somebody is told. */
const SHARES = [80, 100] as const;

export const sharesPassed = (spentMicroUsd: number, limitMicroUsd: number): readonly number[] =>
  SHARES.filter((share) => spentMicroUsd * 100 >= limitMicroUsd * share);
