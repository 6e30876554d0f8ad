/** What failed and when it may be tried again: the pause doubles with every failure in a row. */
export type Retries = Readonly<{
  failed(name: string, nowMs: number): void;
  succeeded(name: string): void;
  isDue(name: string, nowMs: number): boolean;
  size(): number;
}>;

export function createRetries(firstPauseMs: number, longestPauseMs: number): Retries {
  const pauses = new Map<string, { untilMs: number; pauseMs: number }>();
  let prunedAtMs = 0;
  /** Names that nobody asks about any more, such as those of a shard that went to another store. */
  const prune = (nowMs: number): void => {
    if (nowMs - prunedAtMs < longestPauseMs) return;
    prunedAtMs = nowMs;
    for (const [name, { untilMs }] of pauses) if (untilMs + longestPauseMs < nowMs) pauses.delete(name);
  };
  return {
    failed(name, nowMs) {
      const before = pauses.get(name)?.pauseMs;
      const pauseMs = before === undefined ? firstPauseMs : Math.min(longestPauseMs, before * 2);
      pauses.set(name, { untilMs: nowMs + pauseMs, pauseMs });
      prune(nowMs);
    },
    succeeded: (name) => void pauses.delete(name),
    isDue: (name, nowMs) => (pauses.get(name)?.untilMs ?? 0) <= nowMs,
    size: () => pauses.size,
  };
}
