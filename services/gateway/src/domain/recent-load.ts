/** How busy a user was a moment ago: decides who goes first among wake-ups, and nothing else. */
export type RecentLoad = Readonly<{
  note: (userId: string, sessions: number) => void;
  /** Sessions that waited or ran when it was last known, at most a second ago; else 1. */
  of: (userId: string) => number;
}>;

const REMEMBERED_MS = 1_000;
const MOST_USERS = 10_000;

export function createRecentLoad(now: () => number): RecentLoad {
  const known = new Map<string, { sessions: number; atMs: number }>();
  return {
    note: (userId, sessions) => {
      if (known.size >= MOST_USERS) known.clear();
      known.set(userId, { sessions, atMs: now() });
    },
    of: (userId) => {
      const last = known.get(userId);
      return last !== undefined && now() - last.atMs <= REMEMBERED_MS ? last.sessions + 1 : 1;
    },
  };
}
