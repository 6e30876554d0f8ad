const FIRST_CEILING_MS = 500;
const LAST_CEILING_MS = 20_000;
const FLOOR_MS = 100;

/**
 * Full jitter: anywhere between almost nothing and a ceiling that doubles. After a
 * gateway restart thousands of pages come back, and none should come together.
 */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  const ceilingMs = Math.min(LAST_CEILING_MS, FIRST_CEILING_MS * 2 ** Math.min(attempt, 16));
  return FLOOR_MS + Math.floor(random() * ceilingMs);
}

/** A hint from afar is not believed beyond that. */
const LONGEST_HINT_MS = 60_000;

export type RetryHints = Readonly<{
  /** Who refused us says not to come before. */
  retryAfterMs?: number | undefined;
  /** A server that went away said it would be back in so much. */
  backInMs?: number | undefined;
}>;

/** When to try again. The first try after a loss is soon, whoever is away: another replica may serve. */
export function retryDelayMs(
  attempt: number,
  { retryAfterMs, backInMs = 0 }: RetryHints,
  random: () => number = Math.random,
): number {
  if (retryAfterMs !== undefined) return Math.min(retryAfterMs, LONGEST_HINT_MS) + backoffMs(0, random);
  const usualMs = backoffMs(attempt, random);
  return attempt === 0 || backInMs <= 0 ? usualMs : Math.min(usualMs, backInMs + backoffMs(0, random));
}
