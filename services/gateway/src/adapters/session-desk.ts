import type { NumberedRecord, Principal } from '@moltbot/shared/contracts';
import { AppError } from '@moltbot/shared/errors';
import type { Redis } from '@moltbot/shared/redis';
import type { InternalClient } from '@moltbot/shared/runtime';
import {
  deleteSession,
  listEntries,
  openSession,
  patchEntry,
  readEntry,
  readRecords,
  readState,
  resetSession,
  type SessionEntry,
  type SessionRef,
} from '@moltbot/turns';
import type { ResolvedKey } from '../domain/session-key.ts';

export type History = Readonly<{
  sid: string | undefined;
  records: readonly NumberedRecord[];
  hasMore: boolean;
  entry: SessionEntry | undefined;
}>;

/** A user's sessions: looked at, renamed, reset, deleted. Somebody else's session answers like a missing one. */
export type SessionDesk = Readonly<{
  entry(principal: Principal, key: string): Promise<SessionEntry | undefined>;
  list(principal: Principal, limit: number, activeSinceMs?: number): Promise<SessionEntry[]>;
  history(principal: Principal, key: string, limit: number, beforeSeq?: number): Promise<History>;
  patch(
    principal: Principal,
    session: ResolvedKey,
    patch: Readonly<Record<string, string | null>>,
  ): Promise<SessionEntry>;
  reset(principal: Principal, session: ResolvedKey): Promise<SessionEntry>;
  remove(principal: Principal, key: string): Promise<boolean>;
}>;

export type SessionDeskDeps = Readonly<{ redis: Redis; archive: InternalClient | undefined }>;

export function createSessionDesk(deps: SessionDeskDeps): SessionDesk {
  const { redis } = deps;
  const refOf = (principal: Principal, key: string, entry: SessionEntry): SessionRef => ({
    sid: entry['sid'] ?? '',
    uid: principal.userId,
    key,
  });
  const must = async (principal: Principal, key: string): Promise<SessionEntry> =>
    (await readEntry(redis, principal.userId, key)) ?? {};
  return {
    entry: async (principal, key) => await readEntry(redis, principal.userId, key),
    list: async (principal, limit, activeSinceMs) =>
      await listEntries(redis, principal.userId, limit, activeSinceMs),
    history: async (principal, key, limit, beforeSeq) => {
      const entry = await readEntry(redis, principal.userId, key);
      if (!entry) return { sid: undefined, records: [], hasMore: false, entry };
      const page = await readPage(deps, refOf(principal, key, entry), limit, beforeSeq);
      return { sid: entry['sid'], entry, ...page };
    },
    patch: async (principal, session, patch) => {
      const ref = await openSession(redis, principal.userId, session.key, session.lane);
      await patchEntry(redis, ref, patch);
      return await must(principal, session.key);
    },
    reset: async (principal, session) => {
      const entry = await readEntry(redis, principal.userId, session.key);
      if (entry) await resetSession(redis, refOf(principal, session.key, entry), session.lane);
      else await openSession(redis, principal.userId, session.key, session.lane);
      return await must(principal, session.key);
    },
    remove: async (principal, key) => {
      const entry = await readEntry(redis, principal.userId, key);
      return entry !== undefined && (await deleteSession(redis, refOf(principal, key, entry)));
    },
  };
}

/** The newest `limit` records before a seq: from Redis, and from the archive where Redis no longer holds them. */
async function readPage(
  deps: SessionDeskDeps,
  ref: SessionRef,
  limit: number,
  beforeSeq = Number.MAX_SAFE_INTEGER,
): Promise<Pick<History, 'records' | 'hasMore'>> {
  let state = await readState(deps.redis, ref.sid);
  if (!state) return { records: [], hasMore: false };
  if (state.cold) {
    await bringBack(deps.archive, ref);
    state = (await readState(deps.redis, ref.sid)) ?? state;
  }
  const to = Math.min(state.seq, beforeSeq - 1);
  const from = Math.max(1, to - limit + 1);
  const recent = await readRecords(deps.redis, ref.sid, state.base, from, to);
  const missingTo = Math.min(to, state.base);
  const older =
    from <= missingTo ? await readArchive(deps.archive, ref, missingTo + 1, missingTo - from + 1) : [];
  return { records: [...older, ...recent], hasMore: from > 1 };
}

export async function bringBack(archive: InternalClient | undefined, ref: SessionRef): Promise<void> {
  await archive?.post('/internal/v1/rehydrate', { uid: ref.uid, sid: ref.sid });
}

async function readArchive(
  archive: InternalClient | undefined,
  ref: SessionRef,
  beforeSeq: number,
  limit: number,
): Promise<NumberedRecord[]> {
  if (!archive)
    throw new AppError(
      'UNAVAILABLE',
      'older messages are in the archive, and no session-store is configured',
    );
  const answer = (await archive.post('/internal/v1/records', {
    uid: ref.uid,
    sid: ref.sid,
    beforeSeq,
    limit,
  })) as { records: NumberedRecord[] };
  return answer.records;
}
