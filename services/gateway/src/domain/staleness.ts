/** When a session starts over by itself; from `session.reset` and its variants. */
export type ResetRuleInForce = Readonly<{
  mode: 'daily' | 'idle';
  atHour: number;
  idleMinutes: number | undefined;
}>;

/** Stale: last used before the latest reset hour (local time), or idle for too long. */
export function isStale(updatedAtMs: number, rule: ResetRuleInForce, nowMs: number): boolean {
  if (rule.idleMinutes !== undefined && nowMs > updatedAtMs + rule.idleMinutes * 60_000) return true;
  return rule.mode === 'daily' && updatedAtMs < latestBoundary(rule.atHour, nowMs);
}

function latestBoundary(atHour: number, nowMs: number): number {
  const boundary = new Date(nowMs);
  boundary.setHours(atHour, 0, 0, 0);
  if (boundary.getTime() > nowMs) boundary.setDate(boundary.getDate() - 1);
  return boundary.getTime();
}
