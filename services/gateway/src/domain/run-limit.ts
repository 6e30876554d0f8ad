import type { MoltbotConfig } from '@moltbot/shared/contracts';

/** A timer that is to run for longer ends at once. */
const LONGEST_TIMER_MS = 2_147_483_647;

export const timerMs = (askedMs: number): number => Math.min(askedMs, LONGEST_TIMER_MS);

/** How long a run may take: what was asked for, never more than the configuration allows. 0 asks for nothing. */
export function runLimitMs(
  askedMs: number | undefined,
  { agents }: Pick<MoltbotConfig, 'agents'>,
): number | undefined {
  if (askedMs === undefined || askedMs === 0) return undefined;
  return timerMs(Math.min(askedMs, agents.defaults.timeoutSeconds * 1_000));
}
