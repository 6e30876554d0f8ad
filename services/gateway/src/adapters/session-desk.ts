import type { NumberedRecord } from '@moltbot/shared/contracts';
import { AppError } from '@moltbot/shared/errors';
import type { Redis } from '@moltbot/shared/redis';
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
  type SessionState,
} from '@moltbot/turns';
import type { ResolvedKey } from '../domain/session-key.ts';
import type { InternalClient } from './internal-client.ts';

export type History = Readonly<{
  sid: string | undefined;
  records: readonly NumberedRecord[];
  hasMore: boolean;
  entry: SessionEntry | undefined;
}>;

/** Whose sessions; nothing else about a principal matters here. */
export type Owner = Readonly<{ userId: string }>;

/** A user's sessions: looked at, renamed, reset, deleted. Somebody else's session answers like a missing one. */
export type SessionDesk = Readonly<{
  entry(owner: Owner, key: string): Promise<SessionEntry | undefined>;
  list(owner: Owner, limit: number, activeSinceMs?: number): Promise<SessionEntry[]>;
  history(owner: Owner, key: string, limit: number, beforeSeq?: number): Promise<History>;
  patch(
    owner: Owner,
    session: ResolvedKey,
    patch: Readonly<Record<string, string | null>>,
  ): Promise<SessionEntry>;
  reset(owner: Owner, session: ResolvedKey): Promise<SessionEntry>;
  remove(owner: Owner, key: string): Promise<boolean>;
}>;

export type SessionDeskDeps = Readonly<{ redis: Redis; archive: InternalClient | undefined }>;

export function createSessionDesk(deps: SessionDeskDeps): SessionDesk {
  const { redis } = deps;
  const refOf = (owner: Owner, key: string, entry: SessionEntry): SessionRef => ({
    sid: entry['sid'] ?? '',
    uid: owner.userId,
    key,
  });
  const must = async (owner: Owner, key: string): Promise<SessionEntry> =>
    (await readEntry(redis, owner.userId, key)) ?? {};
  return {
    entry: async (owner, key) => await readEntry(redis, owner.userId, key),
    list: async (owner, limit, activeSinceMs) => await listEntries(redis, owner.userId, limit, activeSinceMs),
    history: async (owner, key, limit, beforeSeq) => {
      const entry = await readEntry(redis, owner.userId, key);
      if (!entry) return { sid: undefined, records: [], hasMore: false, entry };
      const page = await readPage(deps, refOf(owner, key, entry), limit, beforeSeq);
      return { sid: entry['sid'], entry, ...page };
    },
    patch: async (owner, session, patch) => {
      const ref = await openSession(redis, owner.userId, session.key, session.lane);
      await patchEntry(redis, ref, patch);
      return await must(owner, session.key);
    },
    reset: async (owner, session) => {
      const entry = await readEntry(redis, owner.userId, session.key);
      if (entry) await resetSession(redis, refOf(owner, session.key, entry), session.lane);
      else await openSession(redis, owner.userId, session.key, session.lane);
      return await must(owner, session.key);
    },
    remove: async (owner, key) => {
      const entry = await readEntry(redis, owner.userId, key);
      return entry !== undefined && (await deleteSession(redis, refOf(owner, key, entry)));
    },
  };
}

type Page = Pick<History, 'records' | 'hasMore'>;

/** How often a page is read again because the log was shortened, evicted or brought back meanwhile. */
const READ_AGAIN = 3;

/** The newest `limit` records before a seq: from Redis, and from the archive where Redis no longer holds them. */
export async function readPage(
  deps: SessionDeskDeps,
  ref: SessionRef,
  limit: number,
  beforeSeq = Number.MAX_SAFE_INTEGER,
  again = READ_AGAIN,
): Promise<Page> {
  const state = await warmState(deps, ref);
  if (!state) return { records: [], hasMore: false };
  const { base } = state;
  const to = Math.min(state.seq, beforeSeq - 1);
  const from = Math.max(1, to - limit + 1);
  // @NOTE a record's seq is its place after `base`: what was read counts only if `base` still is what it was
  const [recent, after] = await Promise.all([
    readRecords(deps.redis, ref.sid, base, from, to),
    readState(deps.redis, ref.sid),
  ]);
  if (after && after.base !== base && again > 0)
    return await readPage(deps, ref, limit, beforeSeq, again - 1);
  const missingTo = Math.min(to, base);
  const older =
    from <= missingTo ? await readArchive(deps.archive, ref, missingTo + 1, missingTo - from + 1) : [];
  return { records: [...older, ...recent], hasMore: from > 1 };
}

async function warmState(
  { redis, archive }: SessionDeskDeps,
  ref: SessionRef,
): Promise<SessionState | undefined> {
  const state = await readState(redis, ref.sid);
  if (!state?.cold) return state;
  await bringBack(archive, ref);
  return (await readState(redis, ref.sid)) ?? state;
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
